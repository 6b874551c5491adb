"""Signing in and out, and the set-up of the first administrator."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query, Request, Response

from isthmus.errors import InputError, NotAuthenticated, NotFound, RateLimited
from isthmus.web.api.route import edge_of
from isthmus.web.bodies import parse_form
from isthmus.web.console.forms import Form
from isthmus.web.edge import Edge
from isthmus.web.errors import judge
from isthmus.web.origin import FORM_FIELD
from isthmus.web.pages import (
    PageRoute,
    form_page,
    form_secret,
    json_answer,
    keep_form_secret,
    require_own_form,
    see_other,
    with_problem_headers,
)
from isthmus.web.refusal_cookie import forget_refusal, words_of_refusal
from isthmus.web.session import begin_session, session_cookie, session_token, visit_of

router = APIRouter(tags=["Pages"], route_class=PageRoute)

_RELATIVE = re.compile(r"/(?!/)[A-Za-z0-9._~/-]*(\?[A-Za-z0-9._~=&+-]*)?")
_HOME = "/"

Token = Annotated[str, Path(description="The one-time token of the set-up link.")]


def safe_next(value: str) -> str:
    """`value` if it is a path on this very server and nothing but that, else the front page.

    No second slash, backslash, percent-encoding, colon or control character: browsers read too much into them.
    """
    if len(value) <= 500 and _RELATIVE.fullmatch(value) and "//" not in value:
        parts = urlsplit(value)
        if not parts.scheme and not parts.netloc:
            return value
    return _HOME


@router.get("/login", response_class=Response)
async def show_login(
    request: Request, next: Annotated[str, Query(description="Where to go afterwards: a path of ours.")] = _HOME
) -> Response:
    """The form to sign in."""
    edge = edge_of(request)
    words = words_of_refusal(edge, request)
    response = await _login_form(edge, request, safe_next(next), message=words)
    return forget_refusal(edge, response) if words else response


@router.post("/login", response_class=Response)
async def login(request: Request) -> Response:
    """Sign in: a new session, and on to where the person was going."""
    edge = edge_of(request)
    fields = parse_form(await request.body())
    require_own_form(edge, request, fields.get(FORM_FIELD, ""), "/login")
    target = safe_next(fields.get("next", _HOME))
    email = fields.get("email", "")
    try:
        token, _ = await edge.app.accounts.sign_in(email, fields.get("password", ""), visit_of(edge, request))
    except (NotAuthenticated, RateLimited) as error:
        problem = judge(error)
        message = f"{problem.detail} {problem.hint}"
        response = await _login_form(edge, request, target, message=message, status=problem.status, email=email[:254])
        return with_problem_headers(response, problem)
    return await begin_session(edge, request, token, target, email=email)


@router.get("/login/passkey", response_class=Response)
async def passkey_options(request: Request) -> Response:
    """What the browser needs to ask for a passkey."""
    edge = edge_of(request)
    secret = form_secret(edge, request)
    return keep_form_secret(edge, json_answer(edge.app.passkeys.sign_in_options(secret)), secret)


@router.post("/login/passkey", response_class=Response)
async def login_with_passkey(request: Request) -> Response:
    """Sign in with a passkey: whose it is says the passkey itself."""
    edge = edge_of(request)
    fields = parse_form(await request.body())
    require_own_form(edge, request, fields.get(FORM_FIELD, ""), "/login/passkey")
    target = safe_next(fields.get("next", _HOME))
    secret, visit = form_secret(edge, request), visit_of(edge, request)
    try:
        token, user = await edge.app.passkeys.sign_in(secret, fields.get("credential", ""), visit)
    except NotAuthenticated as error:
        problem = judge(error)
        message = f"{problem.detail} {problem.hint}"
        return await _login_form(edge, request, target, message=message, status=problem.status)
    return await begin_session(edge, request, token, target, email=user.email)


@router.post("/logout", response_class=Response)
async def logout(request: Request) -> Response:
    """Sign out: the session ends here, not only in the browser."""
    edge = edge_of(request)
    require_own_form(edge, request, parse_form(await request.body()).get(FORM_FIELD, ""), "/logout")
    token = session_token(edge, request)
    if token:
        await edge.app.accounts.sign_out(token)
    response = see_other(f"{edge.site.base_path}/login")
    response.headers.append("Set-Cookie", session_cookie(edge, "", 0))
    return response


@router.get("/setup/{token}", response_class=Response)
async def show_setup(request: Request, token: Token) -> Response:
    """The form that makes the first administrator."""
    edge = edge_of(request)
    await edge.app.setup.check(_checked(token))
    return form_page(edge, request, "setup.html", action=f"/setup/{token}", form=Form())


@router.post("/setup/{token}", response_class=Response)
async def set_up(request: Request, token: Token) -> Response:
    """Make the first administrator, once, and sign in."""
    edge = edge_of(request)
    fields = parse_form(await request.body())
    require_own_form(edge, request, fields.get(FORM_FIELD, ""), f"/setup/{token}")
    form = Form(fields.items())
    document = {key: form.text(key) for key in ("name", "email", "password")}
    try:
        session, _ = await edge.app.setup.create(_checked(token), document, visit_of(edge, request))
    except NotFound:
        raise
    except InputError as error:
        if error.field is None:
            raise
        form.refuse(error)
        return form_page(edge, request, "setup.html", action=f"/setup/{token}", form=form, status=422)
    return await begin_session(edge, request, session, _HOME, email=form.text("email"))


def _checked(token: str) -> str:
    return token if re.fullmatch(r"[0-9a-f]{64}", token) else "malformed"


async def _login_form(
    edge: Edge, request: Request, target: str, *, message: str = "", status: int = 200, email: str = ""
) -> Response:
    fresh = not await edge.app.accounts.has_administrator()
    return form_page(
        edge,
        request,
        "login.html",
        action="/login",
        status=status,
        next=target,
        message=message,
        email=email,
        fresh=fresh,
        passkeys=edge.app.passkeys.available,
        organisation=edge.app.openid.name if edge.app.openid.offered else "",
    )
