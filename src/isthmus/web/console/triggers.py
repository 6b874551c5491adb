"""What begins a function by itself: a schedule, a webhook, an event of a connection."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from isthmus.broker.triggers.reading import SIGNATURES
from isthmus.errors import InputError
from isthmus.web.console.connections import read_all
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.functions import STATES, FunctionName, read_object

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

KINDS = (("schedule", "Schedule"), ("webhook", "Webhook"), ("event", "Event of a connection"))
EVENTS = (
    ("needs_person", "It needs a person"),
    ("failing", "It is failing"),
    ("connected", "It was connected"),
)
NAMES = {
    "schedule.cron": "cron",
    "schedule.expression": "cron",
    "schedule.timezone": "timezone",
    "webhook.signature": "signature",
    "webhook.secret": "secret",
    "event.events": "events",
    "event.connection": "connection",
    "mapping": "mapping",
}
TriggerId = Annotated[str, Path(description="Id of the trigger.")]


@router.get("/functions/{name}/triggers", response_class=Response)
async def list_triggers(request: Request, name: FunctionName) -> Response:
    """The triggers of a function, and the form of another one."""
    screen = Screen(request)
    screen.require("functions.manage")
    function = await screen.app.functions.read.function(screen.actor, name)
    return await _page(screen, function, _fresh(function))


@router.post("/functions/{name}/triggers", response_class=Response)
async def create_trigger(request: Request, name: FunctionName) -> Response:
    """Create the trigger. A webhook's address is shown in this answer, and never again."""
    screen = Screen(request)
    form = screen.form
    function = await screen.app.functions.read.function(screen.actor, name)
    try:
        made = await screen.app.triggers.create(screen.actor, {"function": name, **document_of(form)})
    except InputError as error:
        form.headline = "The trigger was not created yet."
        mapping = {str(error.field): "mapping"} if str(error.field).startswith("mapping") else {}
        form.refuse(error, {**NAMES, **mapping})
        return await _page(screen, function, form, status=422)
    if made["kind"] == "webhook":
        return await _page(screen, function, _fresh(function), made=made)
    return screen.go(f"/functions/{name}/triggers", "trigger_saved")


@router.post("/triggers/{id}/switch", response_class=Response)
async def switch_trigger(request: Request, id: TriggerId) -> Response:
    """Switch the trigger on or off."""
    screen = Screen(request)
    trigger = await screen.app.triggers.read(screen.actor, id)
    await screen.app.triggers.update(screen.actor, id, {"enabled": not trigger["enabled"]})
    return screen.go(f"/functions/{trigger['function']}/triggers", "trigger_saved")


@router.post("/triggers/{id}/delete", response_class=Response)
async def delete_trigger(request: Request, id: TriggerId) -> Response:
    """Delete the trigger; its runs stay."""
    screen = Screen(request)
    trigger = await screen.app.triggers.read(screen.actor, id)
    await screen.app.triggers.delete(screen.actor, id)
    return screen.go(f"/functions/{trigger['function']}/triggers", "trigger_deleted")


def _fresh(function: dict[str, Any]) -> Form:
    mapping = {argument["name"]: f"${{body.{argument['name']}}}" for argument in function["arguments"]}
    shown = orjson.dumps(mapping, option=orjson.OPT_INDENT_2).decode()
    return Form({"kind": "schedule", "timezone": "UTC", "signature": "none", "mapping": shown}.items())


def document_of(form: Form) -> dict[str, Any]:
    """The trigger that the form describes."""
    kind = form.text("kind")
    document: dict[str, Any] = {"kind": kind, "name": form.text("name"), "mapping": read_object(form, "mapping")}
    if kind == "schedule":
        document["schedule"] = {"cron": form.text("cron"), "timezone": form.text("timezone") or "UTC"}
    elif kind == "webhook":
        document["webhook"] = {"signature": form.text("signature") or "none"}
        if form.text("secret"):
            document["webhook"]["secret"] = form.text("secret")
    elif kind == "event":
        document["event"] = {"events": form.texts("events")}
        if form.text("connection"):
            document["event"]["connection"] = form.text("connection")
    return document


async def _page(
    screen: Screen, function: dict[str, Any], form: Form, *, made: dict[str, Any] | None = None, status: int = 200
) -> Response:
    page = await screen.app.triggers.list(screen.actor, function=function["name"], limit=100)
    return screen.show(
        "console/triggers.html",
        section="functions",
        status=status,
        function=function,
        edits=True,
        states=STATES,
        triggers=page.items,
        kinds=KINDS,
        events=EVENTS,
        styles=SIGNATURES,
        connections=[connection for connection, _ in await read_all(screen)],
        form=form,
        made=made,
    )
