"""Durable runs: how fast a run with three steps is journalled, and how long many runs that wait take on two workers."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.broker.functions.workshop import Workshop
from tests.world import ADMIN, open_world

from isthmus.app import utc_now
from isthmus.broker.functions.recorder import Recorder
from isthmus.broker.functions.runner import Asking
from isthmus.broker.runs.commits import Commits
from isthmus.broker.tokens import draw_id
from isthmus.records import Function, FunctionVersion, Run, RunCall
from isthmus.settings import Settings
from isthmus.storage import Journal, Storage, open_storage
from isthmus.storage.contract import RunChange

TWICE = 'def main():\n    for n in [1, 2]:\n        connection("link").get("/slow?seconds=0.2")\n    return n\n'


async def journal(directory: Path, count: int = 300) -> tuple[float, float]:
    """On SQLite: milliseconds of one run alone (p50), and runs a second where many are under way. Three steps that do
    nothing, stored, taken, asked and answered three times, ended."""
    storage = await open_storage(Settings(data_dir=directory))
    await storage.migrate()
    await storage.add_function(
        Function("f", "standalone.f", "python"), FunctionVersion("f", 1, "python", b"x"), Journal()
    )
    commits, recorder = Commits(storage=storage), Recorder(storage=storage, keep=100_000, clock=utc_now)
    alone = []
    for _ in range(count // 3):
        started = time.perf_counter()
        await recorder.put(_run())
        await asyncio.gather(*(_steps(commits, run) for run in await _take(storage)))
        alone.append(time.perf_counter() - started)
    started = time.perf_counter()
    await asyncio.gather(*(recorder.put(_run()) for _ in range(count)))
    under_way: list[asyncio.Task[None]] = []
    while taken := await _take(storage):
        under_way += [asyncio.create_task(_steps(commits, run)) for run in taken]
    await asyncio.gather(*under_way)
    seconds = time.perf_counter() - started
    await storage.close()
    return statistics.median(alone) * 1000, count / seconds


async def waiting(directory: Path, practice: Any, count: int = 500) -> float:
    """Seconds until so many queued runs have ended, each of which waits twice for 200 ms, on two sandbox workers."""
    async with open_world(directory, practice) as world:
        await world.connected("practice_basic")
        shop = Workshop(world)
        await shop.live(TWICE)
        await shop.run()  # the program is compiled, the workers are there
        asked = (shop.functions.enqueue(ADMIN, "standalone.hello", Asking()) for _ in range(count))
        runs = [run["run_id"] for run in await asyncio.gather(*asked)]
        started = time.perf_counter()
        await world.isthmus.start()
        await _empty(world.isthmus)
        seconds = time.perf_counter() - started
        for run_id in runs:
            assert (await shop.functions.read.run(ADMIN, run_id))["state"] == "finished"
        return seconds


async def _empty(isthmus: Any) -> None:
    """Until nothing is in the queue or under way, for a minute at most."""
    for _ in range(3000):
        waits = await isthmus._storage.due_runs(now=datetime.now(UTC), limit=1)
        if not waits and not isthmus._queue.under_way:
            return
        await asyncio.sleep(0.02)
    raise SystemExit("the queue did not become empty")


def _run() -> Run:
    now = datetime.now(UTC)
    return Run(draw_id(), "f", "standalone.f", 1, "python", "webhook", "system", "system", "queued", now, due_at=now)


async def _take(storage: Storage) -> list[Run]:
    now = datetime.now(UTC)
    return list(await storage.take_runs(owner="bench", now=now, until=now + timedelta(seconds=60), limit=100))


async def _steps(commits: Commits, run: Run) -> None:
    for number in (1, 2, 3):
        call = RunCall(run.id, number, "invokeurl", datetime.now(UTC), "asked")
        frozen = {"state": "waiting", "snapshot_sealed": bytes(9000), "calls": number}
        assert await commits.write(RunChange(run.id, run.epoch, frozen, (call,)))
        answered = replace(call, state="answered", answer_sealed=bytes(300))
        assert await commits.write(RunChange(run.id, run.epoch, {"state": "running"}, (answered,)))
    ends = {"state": "finished", "due_at": None, "snapshot_sealed": None, "ended_at": datetime.now(UTC)}
    assert await commits.write(RunChange(run.id, run.epoch, ends))
