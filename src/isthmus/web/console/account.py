"""One's own account: name and password."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from isthmus.errors import InputError, RateLimited
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.session import session_token

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)


@router.get("/account", response_class=Response)
async def show_account(request: Request) -> Response:
    """Name, role and password of who is signed in."""
    screen = Screen(request)
    user = await screen.app.accounts.user(screen.actor, _own_id(screen))
    return await _page(screen, user, Form({"name": user["name"]}.items()))


@router.post("/account", response_class=Response)
async def save_account(request: Request) -> Response:
    """Change the own name or password. A new password signs this person out everywhere else."""
    screen = Screen(request)
    form, changes = screen.form, {}
    if form.text("name"):
        changes["name"] = form.text("name")
    if form.text("password"):
        changes |= {"password": form.text("password"), "current_password": form.text("current_password")}
    try:
        kept = session_token(screen.edge, request)
        await screen.app.accounts.update_user(screen.actor, _own_id(screen), changes, session_token=kept)
    except (InputError, RateLimited) as error:
        form.refuse(error)
        user = await screen.app.accounts.user(screen.actor, _own_id(screen))
        return await _page(screen, user, form, status=422)
    return screen.go("/account", "password_changed" if "password" in changes else "account_saved")


def _own_id(screen: Screen) -> str:
    return screen.actor.id.removeprefix("user:")


async def _page(screen: Screen, user: dict[str, Any], form: Form, status: int = 200) -> Response:
    known = await screen.app.accounts.has_password(screen.actor)
    return screen.show(
        "console/account.html", section="account", status=status, user=user, form=form, has_password=known
    )
