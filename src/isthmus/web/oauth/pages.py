"""The pages on which people decide: consent to a client, and the code that a device shows."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Path, Request, Response

from isthmus.authserver.client_types import is_loopback
from isthmus.errors import Conflict, InputError, NotAuthenticated, OAuthError, RateLimited
from isthmus.web.api.route import edge_of
from isthmus.web.bodies import parse_form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.edge import Edge
from isthmus.web.errors import Refusal
from isthmus.web.origin import FORM_FIELD
from isthmus.web.pages import PageRoute, form_page, page, require_own_form, see_other, visitor_of

router = APIRouter(tags=["Pages"], route_class=PageRoute)
device_router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

_MOST_FIELDS = 100

Token = Annotated[str, Path(description="The one-time token of a request for consent.")]


@router.get("/oauth/v2/auth", response_class=Response)
async def authorize(request: Request) -> Response:
    """The authorization endpoint (RFC 6749 section 3.1): on to the consent page, or back to the client with an error."""
    edge = edge_of(request)
    try:
        begun = await edge.app.authorize.begin(_read_query(request))
    except OAuthError as error:
        return _refused(edge, request, error)
    return see_other(begun.location or f"{edge.site.base_path}/oauth/v2/consent/{begun.token}")


@router.get("/oauth/v2/consent/{token}", response_class=Response)
async def show_consent(request: Request, token: Token) -> Response:
    """Who asks, for what, and as whom. Changes nothing."""
    edge = edge_of(request)
    visitor = await visitor_of(edge, request)
    try:
        facts = await edge.app.authorize.describe(token, visitor)
    except NotAuthenticated:
        return see_other(f"{edge.site.base_path}/login?next=/oauth/v2/consent/{token}")
    except OAuthError as error:
        return _refused(edge, request, error)
    return _consent_page(edge, request, token, facts)


@router.post("/oauth/v2/consent/{token}", response_class=Response)
async def decide(request: Request, token: Token) -> Response:
    """**Allow** or **Refuse**, once: back to the client."""
    edge = edge_of(request)
    fields = parse_form(await request.body())
    require_own_form(edge, request, fields.get(FORM_FIELD, ""), f"/oauth/v2/consent/{token}")
    visitor = await visitor_of(edge, request)
    try:
        location = await edge.app.authorize.decide(
            token, visitor, approve=fields.get("decision") == "allow", shown=fields.get("shown", "")
        )
    except (NotAuthenticated, Conflict):
        return see_other(f"{edge.site.base_path}/oauth/v2/consent/{token}")
    except OAuthError as error:
        return _refused(edge, request, error)
    return see_other(location)


@device_router.get("/device", response_class=Response)
async def show_device(request: Request) -> Response:
    """Where a person enters the code that a device shows. A code in the address is still to be compared."""
    screen = Screen(request)
    given = screen.query("user_code")
    return screen.show("oauth/device.html", section="", user_code=given, facts=None, wrong="")


@device_router.post("/device", response_class=Response)
async def enter_code(request: Request) -> Response:
    """The code as typed: what the device asks for."""
    screen = Screen(request)
    given = screen.form.text("user_code")
    if screen.form.text("decision"):
        return await _decide_device(screen, given)
    facts, wrong, status = await _device_facts(screen, given)
    return screen.show("oauth/device.html", section="", status=status, user_code=given, facts=facts, wrong=wrong)


async def _decide_device(screen: Screen, given: str) -> Response:
    approve, shown = screen.form.text("decision") == "allow", screen.form.text("shown")
    try:
        name = await screen.app.devices.decide(screen.actor, given, approve=approve, shown=shown)
    except Conflict as error:
        facts, _, _ = await _device_facts(screen, given)
        return screen.show(
            "oauth/device.html", section="", status=409, user_code=given, facts=facts, wrong=error.message
        )
    except (InputError, RateLimited) as error:
        wrong = f"{error.message} {error.hint}"
        return screen.show("oauth/device.html", section="", status=422, user_code="", facts=None, wrong=wrong)
    return screen.show("oauth/device_done.html", section="", name=name, approved=approve)


async def _device_facts(screen: Screen, given: str) -> tuple[dict[str, Any] | None, str, int]:
    try:
        return await screen.app.devices.describe(screen.actor, given), "", 200
    except (InputError, RateLimited) as error:
        return None, f"{error.message} {error.hint}", 422


def _consent_page(edge: Edge, request: Request, token: str, facts: dict[str, Any]) -> Response:
    return form_page(
        edge,
        request,
        "oauth/consent.html",
        action=f"/oauth/v2/consent/{token}",
        form_targets=f"'self' {_form_target(facts['redirect_uri'])}",
        facts=facts,
    )


def _form_target(redirect_uri: str) -> str:
    """The CSP source of the address that the answer is sent to: browsers hold form-action against redirects too."""
    parts = urlsplit(redirect_uri)
    if parts.scheme == "https":
        return f"https://{parts.netloc}"
    if is_loopback(redirect_uri):
        return "http://[::1]:*" if ":" in (parts.hostname or "") else "http://127.0.0.1:*"
    return f"{parts.scheme}:"


def _refused(edge: Edge, request: Request, error: OAuthError) -> Response:
    """A page, for sending the person on would be unsafe (RFC 6749 §4.1.2.1)."""
    hint = error.hint or "Tell the developers of the application that sent you here; nothing was shared with it."
    return page(
        edge,
        request,
        "error.html",
        status=400,
        title="This request cannot be answered",
        message=error.message,
        hint=hint,
        code=error.code,
        provider_error="",
        ways=(("/", "Go to the start"),),
    )


def _read_query(request: Request) -> list[tuple[str, str]]:
    try:
        query = request.scope["query_string"].decode("ascii")
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refusal(400, code="query_malformed", detail="The request could not be read.") from None
