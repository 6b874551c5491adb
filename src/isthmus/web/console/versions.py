"""The versions of a function: what differs, publish one, roll back to one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from isthmus.errors import FunctionError, InputError
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.functions import STATES, FunctionName, refuse_code

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

_KINDS = {"+": "added", "-": "removed", "@": "place"}


@router.get("/functions/{name}/versions", response_class=Response)
async def list_versions(request: Request, name: FunctionName) -> Response:
    """Every saved version, and the difference between two: by default from what is live to the draft."""
    return await _page(Screen(request), name, Form())


@router.post("/functions/{name}/versions", response_class=Response)
async def make_live(request: Request, name: FunctionName) -> Response:
    """Publish the version, or roll back to it where it is older than what is live."""
    screen = Screen(request)
    form, edit = screen.form, screen.app.functions.edit
    try:
        number = int(form.text("version")) if form.text("version").isdecimal() else 0
        function = await screen.app.functions.read.function(screen.actor, name)
        older = number < (function["published_version"] or 0)
        await (edit.roll_back if older else edit.publish)(screen.actor, name, number)
    except (InputError, FunctionError) as error:
        form.headline = "The version was not made live."
        refuse_code(form, error)
        return await _page(screen, name, form, status=422)
    return screen.go(f"/functions/{name}/versions", "function_rolled_back" if older else "function_published")


def lines_of(diff: str) -> list[tuple[str, str]]:
    """The lines of a unified diff, each with what it is: added, removed, place, or nothing."""
    return [(_KINDS.get(line[:1], ""), line) for line in diff.split("\n")[2:]] if diff else []


async def _page(screen: Screen, name: str, form: Form, status: int = 200) -> Response:
    read = screen.app.functions.read
    function = await read.function(screen.actor, name)
    page = await read.versions(screen.actor, name, limit=50, cursor=screen.cursor())
    diff: dict[str, Any] = await read.diff(screen.actor, name, screen.query("from") or None, screen.query("to") or None)
    return screen.show(
        "console/versions.html",
        section="functions",
        status=status,
        function=function,
        states=STATES,
        versions=page.items,
        next=page.next_cursor,
        diff=diff,
        lines=lines_of(diff["code"]),
        names=await screen.app.accounts.names(screen.actor),
        form=form,
    )
