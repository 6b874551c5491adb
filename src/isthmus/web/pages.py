"""Pages: server-rendered, escaped, without inline script or style, and with nothing from elsewhere."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isthmus.errors import ConnectError, IsthmusError, NotAuthenticated
from isthmus.records import Actor
from isthmus.web.api.route import edge_of
from isthmus.web.asgi import REQUEST_ID, accepts_gzip, peer_address
from isthmus.web.assets import asset_path
from isthmus.web.credentials import read_cookies
from isthmus.web.edge import Edge
from isthmus.web.errors import Problem
from isthmus.web.origin import FORM_FIELD, draw_form_secret, form_token, is_form_token, require_same_site
from isthmus.web.site import PAGE_POLICY
from isthmus.web.wording import ago, below, category_words, exact, laid_out, lasting, sized

FORM_COOKIE = "isthmus_form"
FORM_SECONDS = 7 * 24 * 3600
_START = (("/", "Go to the start"),)
_AGAIN = (("/connections", "Go to My Connections"), *_START)
_OUTLIVED = frozenset({"connect_link_invalid", "callback_unknown"})
"""What was begun from a connection, and has to be begun there again."""
_SMALLEST_PACKED = 1000
_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.filters.update(
    ago=ago, below=below, exact=exact, laid_out=laid_out, lasting=lasting, sized=sized, category=category_words
)


class PageRoute(APIRoute):
    """A route that answers people: errors are pages as well."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                edge = edge_of(request)
                problem = edge.judge(error, request.scope)
                # A callback or link that does not hold is the browser's bad request, not a form to correct.
                status = 400 if isinstance(error, ConnectError) else problem.status
                told = error.details if isinstance(error, IsthmusError) else {}
                return error_page(
                    edge,
                    request,
                    problem,
                    status=status,
                    provider_error=told.get("error"),
                    ways=_ways_back(problem.code, told.get("connection")),
                )

        return respond


def _ways_back(code: str, link_name: object) -> Sequence[tuple[str, str]]:
    if not isinstance(link_name, str):
        return _AGAIN if code in _OUTLIVED else _START
    return (f"/connections/{link_name}/connect", "Try again"), (f"/connections/{link_name}", "Back to the connection")


def page(
    edge: Edge, request: Request, template: str, *, status: int = 200, form_targets: str = "'self'", **values: Any
) -> Response:
    """A rendered page. `form_targets` are the CSP sources that its forms may lead to, redirects included."""
    base = edge.site.base_path
    text = _TEMPLATES.get_template(template).render(
        base=base,
        request_id=request.scope[REQUEST_ID],
        asset=lambda name: base + asset_path(name),
        **{"form_field": FORM_FIELD, **values},
    )
    headers = {
        "Content-Security-Policy": PAGE_POLICY.format(forms=form_targets),
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding",
    }
    content = text.encode("utf-8", "replace")
    if len(content) >= _SMALLEST_PACKED and accepts_gzip(request.scope):
        content = gzip.compress(content, 5, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, status, headers, media_type="text/html; charset=utf-8")


def form_secret(edge: Edge, request: Request) -> str:
    """The value of this browser's form cookie, drawn where it has none yet."""
    name = edge.site.host_cookie_name(FORM_COOKIE)
    return read_cookies(request.scope["headers"]).get(name) or draw_form_secret()


def keep_form_secret(edge: Edge, response: Response, secret: str) -> Response:
    """The response, with the form cookie that its forms are tied to."""
    name = edge.site.host_cookie_name(FORM_COOKIE)
    cookie = edge.site.cookie(name, secret, path="/", max_age=FORM_SECONDS, same_site="Strict")
    response.headers.append("Set-Cookie", cookie)
    return response


def form_page(edge: Edge, request: Request, template: str, *, action: str, **values: Any) -> Response:
    """A page with a form that posts to `action`, tied to this browser by a cookie; `token` is for further forms."""
    secret = form_secret(edge, request)
    response = page(
        edge,
        request,
        template,
        action=f"{edge.site.base_path}{action}",
        form_token=form_token(secret, action),
        **{"token": lambda path: form_token(secret, path), **values},
    )
    return keep_form_secret(edge, response, secret)


def require_own_form(edge: Edge, request: Request, given: str, action: str) -> None:
    """Raise Refusal 403 (`cross_site`) unless a page of ours sent this form; `given` is its hidden token."""
    secret = read_cookies(request.scope["headers"]).get(edge.site.host_cookie_name(FORM_COOKIE), "")
    require_same_site(request.scope, edge.site, form_proof=is_form_token(given, secret, action))


def error_page(
    edge: Edge,
    request: Request,
    problem: Problem,
    *,
    status: int | None = None,
    provider_error: object = None,
    ways: Sequence[tuple[str, str]] = _START,
) -> Response:
    """What happened and what mends it, as a page. What a third party said stands there as text."""
    response = page(
        edge,
        request,
        "error.html",
        status=status or problem.status,
        title=problem.title,
        message=problem.detail,
        hint=problem.hint,
        code=problem.code,
        provider_error=str(provider_error)[:300] if provider_error else "",
        ways=ways,
    )
    return with_problem_headers(response, problem)


def with_problem_headers(response: Response, problem: Problem) -> Response:
    """The response with what a problem says in headers (`Retry-After`, `Allow`); browsers are never challenged."""
    for name, value in problem.headers.items():
        if name.lower() != "www-authenticate":
            response.headers[name] = value
    return response


def json_answer(document: Mapping[str, Any]) -> Response:
    """A document for a script of ours."""
    headers = {"Cache-Control": "no-store"}
    return Response(json.dumps(document), headers=headers, media_type="application/json")


def see_other(location: str) -> Response:
    """303: after a form, and to leave a URL that holds a secret."""
    return Response(status_code=303, headers={"Location": location, "Cache-Control": "no-store"})


async def visitor_of(edge: Edge, request: Request) -> Actor | None:
    """The person signed in in this browser, if any. An API key does not count: pages are for people."""
    token = read_cookies(request.scope["headers"]).get(edge.site.session_cookie)
    if not token:
        return None
    try:
        return await edge.app.protect.actor_for_session(token, peer_address(request.scope))
    except NotAuthenticated:
        return None
