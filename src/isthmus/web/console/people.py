"""Users: who may sign in, and as what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from isthmus.errors import InputError, RateLimited
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

ROLES = (
    ("member", "Member", "Runs functions and uses connections, with an own account where one is asked for."),
    ("developer", "Developer", "Also writes functions and sees calls and timelines."),
    ("administrator", "Administrator", "Also manages services, connections, users, API keys and settings."),
)
UserId = Annotated[str, Path(description="Id of the user.")]


@router.get("/users", response_class=Response)
async def list_users(request: Request) -> Response:
    """Everybody who may sign in."""
    screen = Screen(request)
    page = await screen.app.accounts.users(screen.actor, limit=100, cursor=screen.cursor())
    return screen.show("console/users.html", section="users", users=page.items, next=page.next_cursor)


@router.get("/new/user", response_class=Response)
async def show_new(request: Request) -> Response:
    """The form of a new user."""
    screen = Screen(request)
    screen.require("activity.read")
    return _form_page(screen, Form({"role": "member"}.items()))


@router.post("/new/user", response_class=Response)
async def create_user(request: Request) -> Response:
    """Let a person in."""
    screen = Screen(request)
    form = screen.form

    async def act() -> Response:
        document = {key: form.text(key) for key in ("email", "name", "role", "password")}
        try:
            await screen.app.accounts.create_user(screen.actor, document)
        except InputError as error:
            form.headline = "The user was not created yet."
            form.refuse(error)
            return _form_page(screen, form, status=422)
        return screen.go("/users", "user_created")

    return await screen.once(act)


@router.get("/users/{id}", response_class=Response)
async def show_user(request: Request, id: UserId) -> Response:
    """One user: role, name, a new password, switched off or not."""
    screen = Screen(request)
    screen.require("activity.read")
    user = await screen.app.accounts.user(screen.actor, id)
    values = {"email": user["email"], "name": user["name"], "role": user["role"]}
    return _form_page(screen, Form({**values, "disabled": "yes" if user["disabled"] else ""}.items()), user)


@router.post("/users/{id}", response_class=Response)
async def save_user(request: Request, id: UserId) -> Response:
    """Save the user. Another role or password signs that person out everywhere."""
    screen = Screen(request)
    form = screen.form
    user = await screen.app.accounts.user(screen.actor, id)
    given: dict[str, Any] = {key: form.text(key) for key in ("email", "name", "role")}
    given["disabled"] = form.flag("disabled")
    changes = {key: value for key, value in given.items() if value != user[key]}
    if form.text("password"):
        changes["password"] = form.text("password")
    try:
        if changes:
            await screen.app.accounts.update_user(screen.actor, id, changes)
    except (InputError, RateLimited) as error:
        form.refuse(error, {"current_password": "password"})
        return _form_page(screen, form, user, status=422)
    return screen.go("/users", "user_saved")


@router.get("/users/{id}/delete", response_class=Response)
async def ask_delete(request: Request, id: UserId) -> Response:
    """What deleting the user means, and the button that does."""
    screen = Screen(request)
    screen.require("activity.read")
    return await _confirm(screen, id, Form())


@router.post("/users/{id}/delete", response_class=Response)
async def delete_user(request: Request, id: UserId) -> Response:
    """Delete the user; the last administrator stays."""
    screen = Screen(request)
    form = screen.form
    form.headline = "The user was not deleted."
    user = await screen.app.accounts.user(screen.actor, id)
    if form.text("typed") != user["email"]:
        form.wrong("typed", f"Type {user['email']} to delete the user.")
        return await _confirm(screen, id, form, status=422)
    try:
        await screen.app.accounts.delete_user(screen.actor, id)
    except InputError as error:
        form.refuse(error)
        return await _confirm(screen, id, form, status=422)
    return screen.go("/users", "user_deleted")


async def _confirm(screen: Screen, user_id: str, form: Form, status: int = 200) -> Response:
    user = await screen.app.accounts.user(screen.actor, user_id)
    return screen.show("console/user_delete.html", section="users", status=status, user=user, form=form)


def _form_page(screen: Screen, form: Form, user: dict[str, Any] | None = None, status: int = 200) -> Response:
    own = user is not None and screen.actor.id == f"user:{user['id']}"
    return screen.show("console/user.html", section="users", status=status, user=user, form=form, roles=ROLES, own=own)
