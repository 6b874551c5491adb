"""Runs outlive their processes: killed again and again, every run ends, and nothing that was posted is posted twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import Workshop
from tests.broker.runs.processes import Worker, nursery
from tests.world import ADMIN, World, environ, open_world

from isthmus.broker.functions.runner import Asking
from isthmus.records import Run

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(900)]

NAME = "standalone.three"
CODE = """
def main(tag: str) -> str:
    link = connection("link")
    before = link.get("/me").json()["login"]
    made = link.post("/items", json={"tag": tag}).json()["tag"]
    after = link.get("/me").json()["login"]
    return before + " " + made + " " + after
"""
ENDED = ("finished", "failed", "interrupted")


async def prepared(world: World, practice: Any, count: int) -> list[str]:
    """That many runs in the queue; the ids in order. The third party takes its time, so that a kill comes in between."""
    await world.connected("practice_basic")
    shop = Workshop(world)
    await shop.live(CODE, NAME)
    practice.dials(api={"slow_seconds": 0.12})
    asked = (shop.functions.enqueue(ADMIN, NAME, Asking(arguments={"tag": f"tag-{n:03}"})) for n in range(count))
    return [run["run_id"] for run in await asyncio.gather(*asked)]


async def runs_of(world: World, state: Any = None) -> list[Run]:
    storage: Any = world.isthmus._storage
    function = await storage.function(NAME)
    return list((await storage.runs(function.id, limit=1000, state=state)).items)


async def ended(world: World, seconds: float) -> list[Run]:
    """The runs, once each has ended or waits for a person."""
    deadline = time.monotonic() + seconds
    while True:
        runs = await runs_of(world)
        if all(run.state in ENDED for run in runs):
            return runs
        assert time.monotonic() < deadline, Counter(run.state for run in runs)
        await asyncio.sleep(0.3)


def posted(practice: Any) -> Counter[str]:
    """How often each tag was posted, by the third party's own count."""
    practice.dials(api={})
    found = practice.ask_api("/items")
    return Counter(item["tag"] for item in found["items"])


async def told(world: World, runs: list[Run], practice: Any) -> Counter[str]:
    """What became of the runs, after everything that must hold for each of them was looked at."""
    seen = posted(practice)
    assert max(seen.values()) == 1, "a POST was made twice"
    for run in runs:
        document = await world.isthmus.functions.read.run(ADMIN, run.id)
        tag = document["arguments"]["tag"]
        states = [call["state"] for call in document["requests"]]
        if run.state == "finished":
            assert document["value"] == f"ada {tag} ada"
            assert states == ["answered"] * 3
            assert seen[tag] == 1
        else:
            assert (run.state, run.error_code) == ("interrupted", "call_fate_unknown"), document["error"]
            assert states == ["answered", "unknown"]
            assert document["requests"][1]["method"] == "POST"
    return Counter(run.state for run in runs)


async def in_the_middle(world: World, worker: Worker) -> None:
    """Until a run that this process holds has asked something of the world."""
    deadline = time.monotonic() + 60
    while not any(f":{worker.pid}:" in (run.lease_owner or "") for run in await runs_of(world, "waiting")):
        assert time.monotonic() < deadline, "it takes no run"
        await asyncio.sleep(0.05)


async def test_killed_twenty_times_in_the_middle_of_a_hundred_runs(tmp_path: Path, practice: Any) -> None:
    pace = {"lease_seconds": 2.0, "poll_seconds": 0.1, "most": 5, "at_once": 5}
    chance = random.Random(20)
    async with open_world(tmp_path, practice) as world, nursery(environ(tmp_path), pace) as processes:
        await prepared(world, practice, 100)
        for _ in range(20):
            worker = processes.begin()
            await in_the_middle(world, worker)
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            await worker.kill()
        left = sum(run.state not in ENDED for run in await runs_of(world))
        practice.dials(api={})
        processes.begin()
        outcome = await told(world, await ended(world, 90), practice)
    assert left >= 1, "the last kill came before the end"
    assert sum(outcome.values()) == 100


@pytest.mark.postgresql
async def test_killed_while_others_take_over_on_the_same_database(
    tmp_path: Path, practice: Any, postgresql_url: str
) -> None:
    pace = {"lease_seconds": 2.0, "poll_seconds": 0.1, "most": 4, "at_once": 4}
    settings = {"database_url": postgresql_url}
    async with (
        open_world(tmp_path, practice, **settings) as world,
        nursery(environ(tmp_path, **settings), pace) as processes,
    ):
        await prepared(world, practice, 60)
        workers = [processes.begin(), processes.begin()]
        for _ in range(4):
            await in_the_middle(world, workers[0])
            workers.append(processes.begin())
            await workers.pop(0).kill()
        outcome = await told(world, await ended(world, 90), practice)
    assert sum(outcome.values()) == 60


async def test_a_server_that_is_told_to_end_interrupts_nothing(tmp_path: Path, practice: Any) -> None:
    pace = {"lease_seconds": 600.0, "poll_seconds": 0.1, "most": 10, "at_once": 10}
    async with open_world(tmp_path, practice) as world, nursery(environ(tmp_path), pace) as processes:
        await prepared(world, practice, 40)
        for _ in range(2):
            worker = processes.begin()
            await in_the_middle(world, worker)
            await worker.end()
        left = sum(run.state not in ENDED for run in await runs_of(world))
        processes.begin()
        outcome = await told(world, await ended(world, 60), practice)
    assert left >= 1, "it was told before everything had ended"
    assert outcome == {"finished": 40}, "and the next one waits for no lease"
