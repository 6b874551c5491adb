"""What was acknowledged is there after `kill -9`; what is under way is finished before SIGTERM ends the server."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from tests.journey import connect, make_connection, make_service
from tests.served import start_server

from isthmus.practice import sample_values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def every(served: Any, path: str) -> list[Any]:
    """All items of a list, page by page."""
    items: list[Any] = []
    cursor = ""
    while True:
        page = served.ask("GET", f"{path}?limit=200{cursor}").document
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_every_acknowledged_write_survives_kill_9(
    tmp_path: Path, practice: Any, kind: str, request: pytest.FixtureRequest
) -> None:
    rounds = int(request.config.getoption("--kills"))
    settings = {"database_url": request.getfixturevalue("postgresql_url")} if kind == "postgresql" else {}
    acknowledged: list[str] = []
    granted: list[str] = []
    ready: list[float] = []
    dice = random.Random(7)
    credential = sample_values()["practice_basic"]
    port: int | None = None
    key = ""
    for number in range(rounds):
        fresh = kind == "sqlite" and number in (0, rounds - 1)  # as an operator starts it; the others cost less
        served = start_server(tmp_path, port=port, key=key, fresh=fresh, **settings)
        port, key = int(served.url.rsplit(":", 1)[1]), served.key
        if fresh:
            ready.append(served.processor_seconds())
        if number == 0:
            make_service(served, practice, "practice_basic")
        stop, enough = threading.Event(), len(granted) + 2

        def write(round_number: int = number, server: Any = served, ended: threading.Event = stop) -> None:
            count = 0
            while not ended.is_set():
                name = f"c{round_number}_{count}"
                document = {"link_name": name, "name": name, "service": "practice_basic"}
                try:
                    reply = server.ask("POST", "/api/v1/connections", document)
                    if reply.status == 201:
                        acknowledged.append(name)
                    if server.ask("POST", f"/api/v1/connections/{name}/connect", credential).status == 200:
                        granted.append(name)
                except (OSError, HTTPException):
                    return
                count += 1

        writer = threading.Thread(target=write)
        writer.start()
        ends = time.monotonic() + 30
        while len(granted) < enough and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(dice.random() * 0.35)
        served.end(hard=True)
        stop.set()
        writer.join()
    served = start_server(tmp_path, port=port, key=key, **settings)
    try:
        names = [item["link_name"] for item in every(served, "/api/v1/connections")]
        assert (
            max(ready, default=0) < 10
        )  # the processor's seconds: those of the clock are of whoever else is on the machine
        assert len(acknowledged) > rounds
        assert len(names) == len(set(names))
        assert set(acknowledged) <= set(names)
        assert len(granted) > rounds
        for name in granted[-20:]:
            assert served.ask("GET", f"/proxy/{name}/me").status == 200
        told = {
            entry["target"] for entry in every(served, "/api/v1/activity") if entry["action"] == "connection.connect"
        }
        assert set(granted) <= told
    finally:
        served.end()
    if kind == "sqlite":
        with closing(sqlite3.connect(next((tmp_path / "data").glob("*.sqlite")))) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_sigterm_lets_calls_in_flight_finish(tmp_path: Path, practice: Any) -> None:
    served = start_server(tmp_path)
    make_service(served, practice, "practice_basic")
    make_connection(served, "practice_basic", "slow")
    connect(served, practice, "slow", "practice_basic")
    statuses: list[int] = []

    def call(path: str) -> None:
        statuses.append(served.ask("GET", path).status)

    callers = [threading.Thread(target=call, args=(f"/proxy/slow/slow?seconds={seconds}",)) for seconds in (3, 4, 5)]
    before = practice.counters()["api_calls"]
    for caller in callers:
        caller.start()
    ends = time.monotonic() + 30
    while practice.counters()["api_calls"] < before + len(callers):
        assert time.monotonic() < ends, "the calls do not get there"
        time.sleep(0.02)
    started = time.monotonic()
    assert served.end() == 0
    took = time.monotonic() - started
    for caller in callers:
        caller.join()
    assert statuses == [200, 200, 200]
    assert 1.5 < took < 30
