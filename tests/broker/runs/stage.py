"""What tests of durable runs share: other processes on the same database, functions that call, runs that settle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.broker.functions.workshop import Workshop
from tests.world import ADMIN, World, environ

from isthmus.app import Isthmus, assemble, open_vault
from isthmus.broker.functions.runner import Asking
from isthmus.broker.runs.queue import Pace
from isthmus.records import Run
from isthmus.settings import Settings
from isthmus.storage import open_storage

NAME = "standalone.hello"
POSTS = """
def main(tag: str):
    r = connection("link").post("/items", json={"tag": tag})
    return [r.status, r.text]
"""
GETS = 'def main(tag: str):\n    return connection("link").get("/items").status\n'
PACE = Pace(poll_seconds=0.2, parked_seconds=0.6)


@asynccontextmanager
async def process(folder: Path, pace: Pace = PACE) -> AsyncIterator[Isthmus]:
    """As another process on the same database, taking runs."""
    settings = Settings.load(environ(folder))
    storage = await open_storage(settings)
    isthmus = assemble(settings, storage, await open_vault(settings, storage), pace=pace)
    isthmus._queue.start()
    try:
        yield isthmus
    finally:
        await isthmus.stop()


async def prepared(world: World, shop: Workshop, code: str) -> None:
    await world.connected("practice_basic")
    await shop.live(code)


async def queued(shop: Workshop, **arguments: Any) -> str:
    return str((await shop.functions.enqueue(ADMIN, NAME, Asking(arguments=arguments)))["run_id"])


async def settled(world: World, run_id: str, *states: str) -> dict[str, Any]:
    """The run, once it is in one of these states."""
    deadline = time.monotonic() + 20
    while True:
        run = await world.isthmus.functions.read.run(ADMIN, run_id)
        if run["state"] in states:
            return run
        assert time.monotonic() < deadline, run["state"]
        await asyncio.sleep(0.03)


async def row(world: World, run_id: str) -> Run:
    run = await world.isthmus._storage.run(run_id)
    assert run is not None
    return run


async def torn(world: World, folder: Path, practice: Any, run_id: str) -> None:
    """A process takes the run and is gone while the third party works on the run's first call, which it then does."""
    arrived, done = practice.counters().get("api_calls", 0), len(practice.log())
    practice.dials(api={"until_turned": True})
    async with process(folder) as dying:
        deadline = time.monotonic() + 20
        while practice.counters().get("api_calls", 0) == arrived:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await dying._queue.stop(0.0)
    practice.dials(api={})  # what waits there is done now
    while len(practice.log()) == done:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def tags(practice: Any) -> list[str]:
    return [item["tag"] for item in practice.ask_api("/items")["items"]]
