"""How one signs in oneself: passkeys, where one is signed in, and showing once more that it is oneself."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Request, Response

from isthmus.errors import AccessDenied, Conflict, InputError, NotAuthenticated, RateLimited
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.openid import Attempt, keep_attempt
from isthmus.web.pages import form_secret, json_answer, keep_form_secret
from isthmus.web.refusal_cookie import forget_refusal, refused, words_of_refusal
from isthmus.web.session import describe_browser, session_token
from isthmus.web.signin import safe_next

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

HERE = "/account/signing-in"
NEW_PASSKEY = "/account/passkeys/new"
SessionId = Annotated[str, Path(description="The session's id.", pattern="^[0-9a-f]{32}$")]


@router.get(HERE, response_class=Response)
async def show_signing_in(request: Request) -> Response:
    """One's passkeys, the organisation's account, and where one is signed in."""
    screen = Screen(request)
    words = words_of_refusal(screen.edge, request)
    response = await _overview(screen, words)
    return forget_refusal(screen.edge, response) if words else response


@router.post("/account/sessions/{id}/end", response_class=Response)
async def end_session(request: Request, id: SessionId) -> Response:
    """Sign one of the own browsers out."""
    screen = Screen(request)
    await screen.app.sessions.end(screen.actor, id)
    return screen.go(HERE, "session_ended")


@router.post("/account/sessions/end", response_class=Response)
async def end_sessions(request: Request) -> Response:
    """Sign out everywhere but here; applications lose what they were granted."""
    screen = Screen(request)
    await screen.app.sessions.end_others(screen.actor, session_token(screen.edge, request))
    return screen.go(HERE, "sessions_ended")


@router.get(NEW_PASSKEY, response_class=Response)
async def show_new_passkey(request: Request) -> Response:
    """The form that names a passkey and has the browser make it."""
    screen = Screen(request)
    if not screen.app.passkeys.available:
        return screen.go(HERE)
    try:
        await screen.app.sessions.require_confirmed(session_token(screen.edge, request))
    except AccessDenied as error:
        return _confirm_first(screen, error, NEW_PASSKEY)
    return _passkey_page(screen, Form({"name": describe_browser(request.headers.get("user-agent", ""))}.items()))


@router.get("/account/passkeys/options", response_class=Response)
async def passkey_options(request: Request) -> Response:
    """What the browser needs to make a passkey."""
    screen = Screen(request)
    secret = form_secret(screen.edge, request)
    options = await screen.app.passkeys.registration_options(screen.actor, session_token(screen.edge, request), secret)
    return keep_form_secret(screen.edge, json_answer(options), secret)


@router.post(NEW_PASSKEY, response_class=Response)
async def add_passkey(request: Request) -> Response:
    """Keep the passkey that the browser made."""
    screen, form = Screen(request), Screen(request).form
    token, secret = session_token(screen.edge, request), form_secret(screen.edge, request)
    try:
        await screen.app.passkeys.register(screen.actor, token, secret, form.text("name"), form.text("credential"))
    except InputError as error:
        if error.code == "confirmation_required":
            return _confirm_first(screen, error, NEW_PASSKEY)
        form.headline = "The passkey was not added."
        form.wrong(error.field or "name", f"{error.message} {error.hint or ''}".strip())
        return _passkey_page(screen, form, status=422)
    return screen.go(HERE, "passkey_added")


@router.post("/account/passkeys/remove", response_class=Response)
async def remove_passkey(request: Request) -> Response:
    """Forget a passkey."""
    screen = Screen(request)
    token, passkey_id = session_token(screen.edge, request), screen.form.text("id")
    try:
        await screen.app.passkeys.remove(screen.actor, token, passkey_id)
    except AccessDenied as error:
        return _confirm_first(screen, error, HERE)
    except Conflict as error:
        return await _overview(screen, f"{error.message} {error.hint or ''}", status=409)
    return screen.go(HERE, "passkey_removed")


@router.post("/account/openid/link", response_class=Response)
async def link(request: Request) -> Response:
    """The page that leads to the organisation's sign-in service, to link the account there to this one."""
    screen, secret = Screen(request), secrets.token_urlsafe(32)
    try:
        await screen.app.sessions.require_confirmed(session_token(screen.edge, request))
        location = await screen.app.openid.begin(secret, screen.actor)
    except NotAuthenticated as error:
        return refused(screen.edge, error, HERE)
    except AccessDenied as error:
        return _confirm_first(screen, error, HERE)
    host = urlsplit(location).netloc
    response = screen.show("console/openid_link.html", section="account", location=location, host=host)
    return keep_attempt(screen.edge, response, Attempt(secret, True, HERE))


@router.post("/account/openid/unlink", response_class=Response)
async def unlink(request: Request) -> Response:
    """Take the organisation's account off one's own."""
    screen, form = Screen(request), Screen(request).form
    token = session_token(screen.edge, request)
    try:
        await screen.app.openid.unlink(screen.actor, token, form.text("issuer"), form.text("subject"))
    except AccessDenied as error:
        return _confirm_first(screen, error, HERE)
    except Conflict as error:
        return await _overview(screen, f"{error.message} {error.hint or ''}", status=409)
    return screen.go(HERE, "identity_unlinked")


@router.get("/account/confirm", response_class=Response)
async def ask_confirmation(request: Request) -> Response:
    """The form that asks for the password once more."""
    screen = Screen(request)
    return await _confirm_page(screen, Form(), safe_next(screen.query("next")))


@router.post("/account/confirm", response_class=Response)
async def confirm(request: Request) -> Response:
    """On to what needed it, where the password is right."""
    screen, form = Screen(request), Screen(request).form
    target, token = safe_next(form.text("next")), session_token(screen.edge, request)
    try:
        await screen.app.accounts.confirm(screen.actor, token, form.text("current_password"))
    except RateLimited as error:
        form.refuse(error, {"": "current_password"})
        return await _confirm_page(screen, form, target, status=429)
    except AccessDenied as error:
        if error.field is None:
            raise
        form.wrong("current_password", "The password is wrong.")
        return await _confirm_page(screen, form, target, status=422)
    return screen.go(target)


async def _overview(screen: Screen, trouble: str = "", status: int = 200) -> Response:
    app, token = screen.app, session_token(screen.edge, screen.request)
    return screen.show(
        "console/signing_in.html",
        section="account",
        status=status,
        trouble=trouble,
        sessions=await app.sessions.mine(screen.actor, token),
        passkeys=await app.passkeys.mine(screen.actor),
        available=app.passkeys.available,
        identities=await app.openid.mine(screen.actor),
        organisation=app.openid.name if app.openid.offered else "",
        public_url=screen.edge.site.public_url,
    )


def _passkey_page(screen: Screen, form: Form, status: int = 200) -> Response:
    return screen.show("console/passkey_new.html", section="account", status=status, form=form)


def _confirm_first(screen: Screen, error: InputError, target: str) -> Response:
    """On to the page that asks for the password once more, and back to `target` afterwards."""
    if error.code != "confirmation_required":
        raise error
    return screen.go(f"/account/confirm?next={target}")


async def _confirm_page(screen: Screen, form: Form, target: str, status: int = 200) -> Response:
    form.headline = "Not confirmed yet."
    known = await screen.app.accounts.has_password(screen.actor)
    return screen.show(
        "console/confirm.html", section="account", status=status, form=form, next=target, has_password=known
    )
