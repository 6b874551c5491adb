"""Signing in through the organisation's OpenID provider: out to it, and back."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request, Response

from isthmus.authserver.challenges import LIVES
from isthmus.authserver.openid_refusals import refusal
from isthmus.errors import NotAuthenticated, NotFound
from isthmus.records import Actor
from isthmus.web.api.route import edge_of
from isthmus.web.credentials import read_cookies
from isthmus.web.edge import Edge
from isthmus.web.origin import is_prefetch
from isthmus.web.pages import PageRoute, see_other, visitor_of
from isthmus.web.refusal_cookie import refused
from isthmus.web.session import begin_session, visit_of
from isthmus.web.signin import safe_next

router = APIRouter(tags=["Pages"], route_class=PageRoute)

START, CALLBACK, LINKED_TO = "/login/openid", "/login/openid/callback", "/account/signing-in"
_COOKIE = "isthmus_openid"


class Attempt(NamedTuple):
    """What the browser keeps of an attempt: its secret, whether it is to link, and where to go afterwards."""

    secret: str
    linking: bool
    target: str


@router.get(START, response_class=Response)
async def start(
    request: Request, next: Annotated[str, Query(description="Where to go afterwards: a path of ours.")] = "/"
) -> Response:
    """On to the organisation's sign-in service."""
    edge = edge_of(request)
    if not edge.app.openid.offered or is_prefetch(request.scope):
        raise NotFound("No OpenID provider is set here.", code="openid_not_set")
    secret = secrets.token_urlsafe(32)
    try:
        location = await edge.app.openid.begin(secret)
    except NotAuthenticated as error:
        return refused(edge, error, "/login")
    return keep_attempt(edge, see_other(location), Attempt(secret, False, safe_next(next)))


@router.get(CALLBACK, response_class=Response)
async def arrive(request: Request) -> Response:
    """Back from it: signed in, or linked, or told why not. The address that holds the code is left at once."""
    edge = edge_of(request)
    if not edge.app.openid.offered:
        raise NotFound("No OpenID provider is set here.", code="openid_not_set")
    attempt = _read_attempt(read_cookies(request.scope["headers"]).get(edge.site.cookie_name(_COOKIE), ""))
    linking: Actor | None = await visitor_of(edge, request) if attempt.linking else None
    back = LINKED_TO if attempt.linking else "/login"
    try:
        if attempt.linking and linking is None:
            raise refusal("openid_attempt_ended")
        parameters = request.query_params.multi_items()
        arrived = await edge.app.openid.finish(parameters, attempt.secret, visit_of(edge, request), linking)
    except NotAuthenticated as error:
        return _end_attempt(edge, refused(edge, error, back))
    if arrived.linked:
        return _end_attempt(edge, see_other(f"{edge.site.base_path}{LINKED_TO}"))
    response = await begin_session(edge, request, arrived.token, attempt.target, email=arrived.user.email)
    return _end_attempt(edge, response)


def keep_attempt(edge: Edge, response: Response, attempt: Attempt) -> Response:
    """The response, with the cookie that ties the attempt to this browser."""
    target = urlsafe_b64encode(attempt.target.encode()).decode().rstrip("=")
    value = f"{attempt.secret}.{'link' if attempt.linking else 'in'}.{target}"
    response.headers.append("Set-Cookie", _cookie(edge, value, int(LIVES.total_seconds())))
    return response


def _read_attempt(value: str) -> Attempt:
    secret, _, rest = value.partition(".")
    kind, _, target = rest.partition(".")
    try:
        path = urlsafe_b64decode(target + "=" * (-len(target) % 4)).decode("ascii")
    except ValueError:
        path = "/"
    return Attempt(secret, kind == "link", safe_next(path))


def _end_attempt(edge: Edge, response: Response) -> Response:
    response.headers.append("Set-Cookie", _cookie(edge, "", 0))
    return response


def _cookie(edge: Edge, value: str, max_age: int) -> str:
    name, path = edge.site.cookie_name(_COOKIE), f"{edge.site.base_path}{START}"
    return edge.site.cookie(name, value, path=path, max_age=max_age)
