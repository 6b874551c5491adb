"""The runs of a function, one run, and trying again what failed."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from isthmus.errors import InputError
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.functions import STATES, FunctionName, read_object, shown_value

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

RUN_STATES = {
    "queued": ("working", "Queued"),
    "running": ("working", "Running"),
    "waiting": ("working", "Waiting"),
    "finished": ("connected", "Finished"),
    "failed": ("needs", "Failed"),
    "interrupted": ("needs", "Interrupted"),
}
BEGINNINGS = {
    "rest": "by a call",
    "test": "in the editor",
    "webhook": "by a webhook",
    "schedule": "on schedule",
    "event": "by an event",
    "function": "by a function",
    "cli": "on the command line",
}
RunId = Annotated[str, Path(description="Id of the run.")]


@router.get("/functions/{name}/runs", response_class=Response)
async def list_runs(request: Request, name: FunctionName) -> Response:
    """The newest first; all for who may edit the function, else the person's own."""
    screen = Screen(request)
    read, state = screen.app.functions.read, screen.query("state")
    function = await read.function(screen.actor, name)
    page = await read.runs(
        screen.actor, name, state=state if state in RUN_STATES else None, limit=50, cursor=screen.cursor()
    )
    return screen.show(
        "console/runs.html",
        section="functions",
        function=function,
        edits="code" in function,
        states=STATES,
        runs=page.items,
        next=page.next_cursor,
        run_states=RUN_STATES,
        beginnings=BEGINNINGS,
        state=state,
        names=await _names(screen),
    )


@router.get("/runs/{id}", response_class=Response)
async def show_run(request: Request, id: RunId) -> Response:
    """What was given, what came of it, and what it asked of the world."""
    screen = Screen(request)
    return await _page(screen, id)


@router.post("/runs/{id}", response_class=Response)
async def retry_run(request: Request, id: RunId) -> Response:
    """Run again what failed or was interrupted, with the arguments as they stand in the form."""
    screen = Screen(request)
    form = screen.form

    async def act() -> Response:
        try:
            done = await screen.app.functions.retry(screen.actor, id, read_object(form, "arguments"))
        except InputError as error:
            form.headline = "It was not run again."
            form.refuse(error)
            return await _page(screen, id, form, status=422)
        return screen.go(f"/runs/{done['run_id']}")

    return await screen.once(act)


async def _page(screen: Screen, run_id: str, form: Form | None = None, status: int = 200) -> Response:
    run = await screen.app.functions.read.run(screen.actor, run_id)
    given = orjson.dumps(run["arguments"], option=orjson.OPT_INDENT_2).decode()
    return screen.show(
        "console/run.html",
        section="functions",
        status=status,
        run=run,
        run_states=RUN_STATES,
        beginnings=BEGINNINGS,
        form=form or Form({"arguments": given}.items()),
        given=given,
        shown_value=shown_value,
        names=await _names(screen),
    )


async def _names(screen: Screen) -> dict[str, Any]:
    own = {screen.actor.id: screen.actor.name}
    return own | (await screen.app.accounts.names(screen.actor) if screen.may("connections.inspect") else {})
