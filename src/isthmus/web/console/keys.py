"""API keys: made, shown once, revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from isthmus.errors import InputError
from isthmus.web.console.connections import MOST, read_all
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.people import ROLES

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Never"))
KeyId = Annotated[str, Path(description="Id of the API key.")]


@router.get("/keys", response_class=Response)
async def list_keys(request: Request) -> Response:
    """The API keys, those in force first."""
    screen = Screen(request)
    page = await screen.app.accounts.api_keys(screen.actor, limit=100, cursor=screen.cursor())
    now = datetime.now(UTC)
    keys = sorted(({**key, "state": _state_of(key, now)} for key in page.items), key=lambda key: key["state"] != "")
    names = await screen.app.accounts.names(screen.actor)
    return screen.show("console/keys.html", section="keys", keys=keys, next=page.next_cursor, names=names)


@router.get("/new/key", response_class=Response)
async def show_new(request: Request) -> Response:
    """The form of a new API key."""
    screen = Screen(request)
    screen.require("activity.read")
    return await _form_page(screen, Form({"role": "member", "lasts": "90", "reach": "all", "runs": "all"}.items()))


@router.post("/new/key", response_class=Response)
async def create_key(request: Request) -> Response:
    """Make the key and show it, this once. It stands in this answer only, so no redirect follows."""
    screen = Screen(request)
    form = screen.form
    lasts = form.text("lasts")
    expires = datetime.now(UTC) + timedelta(days=int(lasts)) if lasts in ("30", "90", "365") else None
    document = {
        "name": form.text("name"),
        "role": form.text("role"),
        "connections": _named(form, "connection") if form.text("reach") == "some" else None,
        "functions": _named(form, "function") if form.text("runs") == "some" else None,
        "expires_at": expires.isoformat() if expires else None,
    }
    try:
        made = await screen.app.accounts.create_api_key(screen.actor, document)
    except InputError as error:
        form.headline = "The API key was not created yet."
        form.refuse(error, {"connections": "reach", "functions": "runs"})
        return await _form_page(screen, form, status=422)
    return screen.show("console/key_made.html", section="keys", key=made)


@router.get("/keys/{id}/revoke", response_class=Response)
async def ask_revoke(request: Request, id: KeyId) -> Response:
    """What revoking the key means, and the button that does."""
    screen = Screen(request)
    key = await screen.app.accounts.api_key(screen.actor, id)
    return screen.show("console/key_revoke.html", section="keys", key=key)


@router.post("/keys/{id}/revoke", response_class=Response)
async def revoke_key(request: Request, id: KeyId) -> Response:
    """End the key."""
    screen = Screen(request)
    await screen.app.accounts.revoke_api_key(screen.actor, id)
    return screen.go("/keys", "key_revoked")


async def _form_page(screen: Screen, form: Form, status: int = 200) -> Response:
    rows = await read_all(screen)
    return screen.show(
        "console/key.html",
        section="keys",
        status=status,
        form=form,
        roles=ROLES,
        lifetimes=LIFETIMES,
        connections=[connection for connection, _ in rows],
        ticked=form.texts("connection"),
        functions=await _function_names(screen),
        ticked_functions=form.texts("function"),
    )


async def _function_names(screen: Screen) -> list[str]:
    names: list[str] = []
    cursor: str | None = None
    while len(names) < MOST:
        page = await screen.app.functions.read.functions(screen.actor, limit=200, cursor=cursor)
        names += [function["name"] for function in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    return names


def _named(form: Form, field: str) -> list[str]:
    return [name for name in form.texts(field) if name]


def _state_of(key: dict[str, Any], now: datetime) -> str:
    if key["revoked_at"]:
        return "revoked"
    expired = key["expires_at"] and datetime.fromisoformat(key["expires_at"]) <= now
    return "expired" if expired else ""
