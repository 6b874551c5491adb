"""The consent page of ours before a person leaves for a provider, and the redirect URI the provider sends them back to.

Judges nothing: the raw parameters, duplicates kept, go to the use case together with the browser's cookies.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from fastapi import APIRouter, Path, Request, Response

from isthmus.errors import NotAuthenticated
from isthmus.web.api.route import edge_of
from isthmus.web.asgi import peer_address
from isthmus.web.assets import logo_of
from isthmus.web.bodies import parse_form
from isthmus.web.console.frame import went_well
from isthmus.web.credentials import read_cookies
from isthmus.web.edge import Edge
from isthmus.web.errors import Refusal
from isthmus.web.origin import FORM_FIELD, is_prefetch
from isthmus.web.pages import PageRoute, form_page, page, require_own_form, see_other, visitor_of

router = APIRouter(tags=["Pages"], route_class=PageRoute)

CONNECT_SECONDS = 600
_DONE_COOKIE = "isthmus_connected"
_DONE_SECONDS = 60
_MOST_POSTED = 8192
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")

Token = Annotated[str, Path(description="The one-time token of the connect link.")]


@router.get("/connect/{token}", response_class=Response)
async def show_consent(request: Request, token: Token) -> Response:
    """Who asks, for what, and where the person is about to be sent. Changes nothing."""
    edge = edge_of(request)
    try:
        visitor = await visitor_of(edge, request)
        facts = await edge.app.connect.describe(_checked(token), visitor)
    except NotAuthenticated as error:
        return _sign_in_first(edge, error, token)
    return form_page(
        edge,
        request,
        "consent.html",
        action=f"/connect/{token}",
        form_targets=_targets(facts["host"]),
        facts=facts,
        visitor=visitor,
        logo=logo_of(facts["service"]),
    )


@router.post("/connect/{token}", response_class=Response)
async def proceed(request: Request, token: Token) -> Response:
    """**Proceed**: bind this browser by a cookie and send it to the provider."""
    edge = edge_of(request)
    require_own_form(edge, request, parse_form(await request.body()).get(FORM_FIELD, ""), f"/connect/{token}")
    try:
        proceeding = await edge.app.connect.proceed(_checked(token), await visitor_of(edge, request))
    except NotAuthenticated as error:
        return _sign_in_first(edge, error, token)
    response = see_other(proceeding.location)
    name = edge.site.cookie_name(proceeding.cookie_name)
    path = f"{edge.site.base_path}/oauth/callback"
    cookie = edge.site.cookie(name, proceeding.browser_secret, path=path, max_age=CONNECT_SECONDS)
    response.headers.append("Set-Cookie", cookie)
    return response


@router.get("/oauth/callback/{service}", response_class=Response)
async def callback(
    request: Request, service: Annotated[str, Path(description="Link name of the service.")]
) -> Response:
    """Where the provider sends the person back to. Ends at a clean URL, which is the connection
    for who is signed in; the code and state stay in no page."""
    edge = edge_of(request)
    if is_prefetch(request.scope):
        raise Refusal(425, code="prefetch_refused", detail="This address is not fetched in advance.")
    visitor = await visitor_of(edge, request)
    finished = await edge.app.connect.finish(
        service,
        _read_parameters(request.scope["query_string"]),
        _own_cookies(edge, request),
        visitor,
        address=peer_address(request.scope),
    )
    if visitor is not None:
        return went_well(edge, f"/connections/{finished.link_name}", "connected")
    response = see_other(f"{edge.site.base_path}/connected/{finished.link_name}")
    told = {"link_name": finished.link_name, "name": finished.name, "connected_as": finished.connected_as}
    value = base64.urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("=")
    cookie = edge.site.cookie(
        edge.site.cookie_name(_DONE_COOKIE), value, path=f"{edge.site.base_path}/connected", max_age=_DONE_SECONDS
    )
    response.headers.append("Set-Cookie", cookie)
    return response


@router.post("/oauth/callback/{service}", response_class=Response)
async def posted_callback(
    request: Request, service: Annotated[str, Path(description="Link name of the service.")]
) -> Response:
    """The same for providers that answer with a form (`response_mode=form_post`).

    A form from elsewhere comes without our cookies (`SameSite=Lax`), so nothing is judged or used up here: the browser
    is led on to the redirect URL by itself, and that request carries the cookie that binds it."""
    edge = edge_of(request)
    body = await request.body()
    if len(body) > _MOST_POSTED:
        raise _malformed()
    parameters = urlencode(_read_parameters(body))
    return see_other(f"{edge.site.base_path}/oauth/callback/{quote(service, safe='')}?{parameters}")


@router.get("/connected/{link_name}", response_class=Response)
async def connected(request: Request, link_name: Annotated[str, Path(description="The connection.")]) -> Response:
    """That the connection was made: told once, to the browser that made it."""
    edge = edge_of(request)
    value = read_cookies(request.scope["headers"]).get(edge.site.cookie_name(_DONE_COOKIE), "")
    told = _read_told(value)
    if told.get("link_name") != link_name:
        told = {}
    return page(edge, request, "connected.html", told=told)


def _checked(token: str) -> str:
    """A token that could be one; the use case answers the rest. NUL and the like never reach storage."""
    return token if _TOKEN.fullmatch(token) else "malformed"


def _sign_in_first(edge: Edge, error: NotAuthenticated, token: str) -> Response:
    if error.code != "sign_in_required" or not _TOKEN.fullmatch(token):
        raise error
    return see_other(f"{edge.site.base_path}/login?next=/connect/{token}")


def _targets(host: str) -> str:
    """Browsers apply form-action to redirects too, and a provider may redirect on; so any https, and its own host."""
    return f"'self' https: http://{host}:*" if _HOST.fullmatch(host) else "'self' https:"


def _read_parameters(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise _malformed() from None


def _malformed() -> Refusal:
    return Refusal(
        400,
        code="callback_malformed",
        detail="The provider's answer could not be read.",
        hint="Start the connection again.",
    )


def _own_cookies(edge: Edge, request: Request) -> dict[str, str]:
    """Our connect cookies under the names that the use case gave them."""
    prefix = edge.site.cookie_name("")
    cookies = read_cookies(request.scope["headers"])
    return {name.removeprefix(prefix): value for name, value in cookies.items() if name.startswith(prefix)}


def _read_told(value: str) -> dict[str, Any]:
    try:
        told = orjson.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (binascii.Error, ValueError):
        return {}
    known = ("link_name", "name", "connected_as")
    if not isinstance(told, dict) or not all(isinstance(told.get(key), str) for key in known):
        return {}
    return {key: told[key][:300] for key in known}
