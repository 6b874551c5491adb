"""Keeping the grant across processes on PostgreSQL: no double refresh, and no grant lost to `kill -9`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.forked import ROOT, Forked
from tests.world import World, environ, open_world

from isthmus.storage.contract import Journal

pytestmark = [pytest.mark.anyio, pytest.mark.postgresql, pytest.mark.slow, pytest.mark.timeout(400)]

ROUNDS = 20


class Worker:
    """A process that uses the connection."""

    def __init__(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = Forked("tests.broker.worker", directory=ROOT, **pipes)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    async def hear(self) -> str:
        """The next line; nothing if the process died."""
        assert self.process.stdout is not None
        return await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), 60)

    async def ask(self, callers: int) -> list[Any] | None:
        """The outcomes of that many concurrent calls; None if the process died."""
        self.tell(str(callers))
        line = await self.hear()
        return json.loads(line) if line else None

    def end(self) -> None:
        self.process.kill()
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@asynccontextmanager
async def workers(count: int, settings: dict[str, str], die: str = "") -> AsyncIterator[list[Worker]]:
    started: list[Worker] = []
    asked = {"environ": settings, "link_name": "link", "url": "/me", "die": die}
    try:
        for _ in range(count):
            started.append(Worker())
            started[-1].tell(json.dumps(asked))
        for worker in started:
            assert await worker.hear() == "ready\n"
        yield started
    finally:
        for worker in started:
            worker.end()


async def expire(world: World) -> None:
    storage: Any = world.isthmus._storage
    connection = await storage.connection("link")
    row = await storage.authorization_of(connection.id, "")
    past = datetime.now(UTC) - timedelta(seconds=1)
    changes = {"expires_at": past, "refresh_at": past}
    assert await storage.update_authorization(row.id, version=row.version, changes=changes, journal=Journal())


async def test_200_callers_in_4_processes_cause_one_token_call_20_times(
    tmp_path: Path, practice: Any, postgresql_url: str
) -> None:
    async with open_world(tmp_path, practice, database_url=postgresql_url) as world:
        await world.connected()
        settings = environ(tmp_path, database_url=postgresql_url)
        async with workers(4, settings) as running:
            for number in range(ROUNDS):
                await expire(world)
                await asyncio.sleep(1.1)  # entries of the former round are forgotten
                before = practice.counters()["token_calls"]
                outcomes = await asyncio.gather(*(worker.ask(50) for worker in running))
                statuses = [status for outcome in outcomes if outcome is not None for status in outcome]
                assert statuses == [200] * 200, f"round {number}"
                assert practice.counters()["token_calls"] == before + 1, f"round {number}"
        assert practice.counters()["reuse_detected"] == 0


@pytest.mark.parametrize("point", ["before_sending", "after_sending", "after_answer", "after_commit"])
async def test_killing_the_lease_holder_loses_no_grant_where_the_provider_has_a_grace(
    tmp_path: Path, practice: Any, postgresql_url: str, point: str
) -> None:
    practice.dials(rotation="grace", grace_seconds=30)
    async with open_world(tmp_path, practice, database_url=postgresql_url) as world:
        await world.connected()
        settings = environ(tmp_path, database_url=postgresql_url)
        slow = {"slow_seconds": 1.0} if point == "after_sending" else {}
        for number in range(10):
            await expire(world)
            before = practice.counters()["token_calls"]
            practice.dials(token=slow)
            async with workers(1, settings, die=point) as (dying,):
                assert await dying.ask(1) is None, f"round {number}: it should have died"
            practice.dials(token={})
            await hurry(world)
            started = time.monotonic()
            assert await usable(world) == 200, f"round {number}"
            assert time.monotonic() - started <= 35
            assert practice.counters()["token_calls"] - before <= 2, f"round {number}"
        assert practice.counters()["families_killed"] == 0


async def test_killing_the_holder_against_a_strict_provider_ends_with_a_person_not_in_a_loop(
    tmp_path: Path, practice: Any, postgresql_url: str
) -> None:
    async with open_world(tmp_path, practice, database_url=postgresql_url) as world:
        await world.connected()
        await expire(world)
        async with workers(1, environ(tmp_path, database_url=postgresql_url), die="after_answer") as (dying,):
            assert await dying.ask(1) is None
        await hurry(world)
        assert await usable(world) == "reauthorization_required"
        calls = practice.counters()["token_calls"]
        assert await usable(world) == "reauthorization_required"
        assert practice.counters()["token_calls"] == calls
        assert (await world.shown())["status_reason"]["code"] == "answer_lost"


async def hurry(world: World) -> None:
    """Let the dead holder's lease end now rather than in 20 s, with what it left behind, so that many rounds fit in a
    test. One test below waits it out."""
    storage: Any = world.isthmus._storage
    connection = await storage.connection("link")
    row = await storage.authorization_of(connection.id, "")
    if row.lease_until is None:
        return
    changes = {"state": "refreshing"}
    assert await storage.release_lease(row.id, epoch=row.epoch, changes=changes, journal=Journal())


async def usable(world: World) -> Any:
    """The status of a call, made again where it is told to come back, for at most 35 s."""
    from isthmus.errors import IsthmusError, RefreshDeferred

    ends = time.monotonic() + 35
    while True:
        world.isthmus.invoker.lookup.forget_all()
        try:
            return (await world.call()).status
        except RefreshDeferred:
            if time.monotonic() > ends:
                return "refresh_deferred"
            await asyncio.sleep(0.5)
        except IsthmusError as problem:
            return problem.code


async def test_a_dead_holders_lease_is_waited_out_within_35_seconds(
    tmp_path: Path, practice: Any, postgresql_url: str
) -> None:
    practice.dials(rotation="grace", grace_seconds=30)
    async with open_world(tmp_path, practice, database_url=postgresql_url) as world:
        await world.connected()
        await expire(world)
        async with workers(1, environ(tmp_path, database_url=postgresql_url), die="after_answer") as (dying,):
            assert await dying.ask(1) is None
        started = time.monotonic()
        assert await usable(world) == 200
        assert 5 < time.monotonic() - started <= 35


async def test_a_holder_that_was_stopped_past_its_lease_does_no_harm(
    tmp_path: Path, practice: Any, postgresql_url: str
) -> None:
    """Paused after its request was answered and continued long after: what it brings is saved only if it is newer."""
    import signal

    practice.dials(rotation="grace", grace_seconds=60, token={"slow_seconds": 1.5})
    async with open_world(tmp_path, practice, database_url=postgresql_url) as world:
        await world.connected()
        await expire(world)
        async with workers(1, environ(tmp_path, database_url=postgresql_url)) as (paused,):
            asked = asyncio.create_task(paused.ask(1))
            await asyncio.sleep(0.7)
            paused.process.send_signal(signal.SIGSTOP)
            practice.dials(token={})
            await hurry(world)
            assert await usable(world) == 200
            storage: Any = world.isthmus._storage
            connection = await storage.connection("link")
            newer = await storage.authorization_of(connection.id, "")
            paused.process.send_signal(signal.SIGCONT)
            assert await asked == [200]
            after = await storage.authorization_of(connection.id, "")
            assert after.version == newer.version
        assert await usable(world) == 200
