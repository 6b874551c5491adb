"""Home: what is healthy, what needs a person, calls and failures over the last day."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from isthmus.web.console.activity import sentence_of
from isthmus.web.console.charts import Chart, hourly
from isthmus.web.console.conditions import condition_of
from isthmus.web.console.frame import ConsoleRoute, Screen

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

MOST = 200
LATELY = 6


@router.get("/", response_class=Response)
async def home(request: Request) -> Response:
    """The start: health at a glance."""
    screen = Screen(request)
    await screen.app.catch_up()
    page = await screen.app.directory.connections(screen.actor, limit=MOST)
    rows = [(connection, condition_of(connection)) for connection in page.items]
    return screen.show(
        "console/home.html",
        section="home",
        rows=rows,
        more=page.next_cursor is not None,
        needing=[row for row in rows if row[1].kind == "needs"],
        changed=await screen.app.notices.pending(screen.actor) if screen.may("services.manage") else [],
        stale=screen.app.updates.status(screen.actor)["problem"] if screen.may("services.manage") else None,
        chart=await _calls(screen),
        entries=await _lately(screen),
    )


@router.get("/more", response_class=Response)
async def show_more(request: Request) -> Response:
    """Every place that the bar at the foot of a phone has no room for."""
    return Screen(request).show("console/more.html", section="more")


async def _calls(screen: Screen) -> Chart | None:
    if not screen.may("connections.inspect"):
        return None
    return hourly(await screen.app.directory.call_counts(screen.actor))


async def _lately(screen: Screen) -> list[dict[str, Any]]:
    if not screen.may("activity.read"):
        return []
    page = await screen.app.directory.activity(screen.actor, limit=LATELY)
    names = await screen.app.accounts.names(screen.actor)
    return [sentence_of(entry, names) for entry in page.items]
