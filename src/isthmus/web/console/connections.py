"""My Connections, Shared with me, and the summary of one connection."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from isthmus.errors import IsthmusError, NotFound
from isthmus.web.assets import logo_of
from isthmus.web.console.charts import hourly
from isthmus.web.console.conditions import Condition, condition_of
from isthmus.web.console.connecting import LinkName
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.usage import uses_of
from isthmus.web.errors import Problem
from isthmus.web.wording import day_of

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

MOST = 1000
SHOWN = 200
_STATES = (("", "All"), ("needs", "Needs you"), ("connected", "Connected"), ("working", "Connecting"), ("off", "Off"))
_GOOD = frozenset({"issued", "reconnected", "recovered", "enabled"})
_BAD = frozenset({"refresh_failed", "failing", "needs_person", "connect_failed"})

Row = tuple[dict[str, Any], Condition]


@router.get("/connections", response_class=Response)
async def list_connections(request: Request) -> Response:
    """My Connections: those that need a person first."""
    screen = Screen(request)
    await screen.app.catch_up()
    rows = await read_all(screen)
    q, state = screen.query("q"), screen.query("state")
    counts = {kind: sum(condition.kind == kind for _, condition in rows) for kind, _ in _STATES if kind}
    wanted = [row for row in rows if _matches(row, q.lower(), state)]
    cards = await screen.app.directory.cards_of(screen.actor, {connection["service"] for connection, _ in wanted})
    names = await screen.app.accounts.names(screen.actor) if screen.may("connections.inspect") else {}
    return screen.show(
        "console/parts/connection_rows.html" if screen.is_fragment else "console/connections.html",
        section="connections",
        tab="mine",
        rows=sorted(wanted, key=lambda row: (row[1].rank, row[0]["name"].lower()))[:SHOWN],
        found=len(wanted),
        total=len(rows),
        started=screen.query("started") == "1",
        states=[(kind, words, counts.get(kind, len(rows))) for kind, words in _STATES],
        cards=cards,
        logo_of=logo_of,
        names=names,
        q=q,
        state=state,
    )


@router.get("/shared", response_class=Response)
async def shared_with_me(request: Request) -> Response:
    """Shared with me: the connections that want each person's own account."""
    screen = Screen(request)
    rows = [row for row in await read_all(screen) if row[0]["use_credentials_of_login_user"]]
    cards = await screen.app.directory.cards_of(screen.actor, {connection["service"] for connection, _ in rows})
    rows.sort(key=lambda row: (row[1].kind == "connected", row[0]["name"].lower()))
    return screen.show(
        "console/shared.html", section="connections", tab="shared", rows=rows, cards=cards, logo_of=logo_of
    )


@router.get("/connections/{link_name}", response_class=Response)
async def show_connection(request: Request, link_name: LinkName) -> Response:
    """The connection's summary: how it stands, the code to use it, what happened."""
    return await summary(Screen(request), link_name)


async def summary(screen: Screen, link_name: str, problem: Problem | None = None) -> Response:
    """The summary; `problem` is what an act on it came to."""
    directory, actor = screen.app.directory, screen.actor
    await screen.app.catch_up()
    connection = await directory.connection(actor, link_name)
    values: dict[str, Any] = {
        "connection": connection,
        "condition": condition_of(connection),
        "service": await _card(screen, connection["service"]),
        "snippets": await directory.snippet(actor, link_name),
        "uses": await uses_of(screen, link_name),
        "problem": problem,
        "inspects": screen.may("connections.inspect"),
        "names": {},
        "curl_of": partial(curl_of, screen.edge.site.public_url, link_name),
    }
    if values["inspects"]:
        values |= await _history(screen, connection)
    return screen.show(
        "console/connection.html", section="connections", status=problem.status if problem else 200, **values
    )


async def _history(screen: Screen, connection: dict[str, Any]) -> dict[str, Any]:
    directory, actor, link_name = screen.app.directory, screen.actor, connection["link_name"]
    timeline = await directory.timeline(actor, link_name, limit=25, cursor=screen.cursor())
    calls = await directory.calls(actor, link_name, limit=15)
    personal = connection["use_credentials_of_login_user"]
    return {
        "names": await screen.app.accounts.names(actor),
        "events": [
            {**event, "day": day_of(event["at"]), "tone": _tone(event["kind"], event["code"])}
            for event in timeline.items
        ],
        "older": timeline.next_cursor,
        "calls": calls.items,
        "base_url": await _base_url(screen, connection["service"]),
        "chart": hourly(await directory.call_counts(actor, link_name)),
        "authorizations": (await directory.authorizations(actor, link_name, limit=100)).items if personal else [],
    }


async def read_all(screen: Screen) -> list[Row]:
    """Every connection that the person may see, with its condition; at most MOST."""
    rows: list[Row] = []
    cursor: str | None = None
    while len(rows) < MOST:
        page = await screen.app.directory.connections(screen.actor, limit=200, cursor=cursor)
        rows += [(connection, condition_of(connection)) for connection in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows


async def _base_url(screen: Screen, service: str) -> str:
    """Empty for a service that the catalog has no longer."""
    try:
        return str((await screen.app.directory.service(screen.actor, service))["base_url"] or "")
    except NotFound:
        return ""


async def _card(screen: Screen, service: str) -> dict[str, Any]:
    cards = await screen.app.directory.cards_of(screen.actor, [service])
    card = cards.get(service) or {"link_name": service, "name": service, "logo": "", "family": "", "auth_type": ""}
    return {**card, "logo": logo_of(card["link_name"], card["logo"], card["family"])}


def _matches(row: Row, q: str, state: str) -> bool:
    connection, condition = row
    if state and condition.kind != state:
        return False
    return not q or any(q in connection[key].lower() for key in ("name", "link_name", "service"))


def _tone(kind: str, code: str | None) -> str:
    if kind in _BAD or (kind == "tested" and code):
        return "warn"
    return "good" if kind in _GOOD else ""


def is_told_beside(error: IsthmusError) -> bool:
    """Whether an error belongs on the summary, beside the button that was pressed."""
    return error.code not in ("connection_not_found", "forbidden")


def curl_of(public_url: str, link_name: str, method: str, url: str) -> str:
    """The same call as a command, through our own API; what was redacted has to be filled in."""
    document = orjson.dumps({"url": url, "type": method}).decode()
    return (
        f"curl --fail-with-body {shlex.quote(f'{public_url}/api/v1/connections/{link_name}/invoke')} \\\n"
        f'  -H "Authorization: Bearer $ISTHMUS_KEY" -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(document)}"
    )
