"""The loop behind schedules, events and alerts: one process at a time, and nothing ends it but its process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.world import World

from isthmus.broker.triggers.watch import DUTY, Watch
from isthmus.errors import StorageError

pytestmark = pytest.mark.anyio


class Counted:
    """A round that counts, and fails the first so many times."""

    def __init__(self, *failures: Exception) -> None:
        self.times = 0
        self._failures = list(failures)

    async def __call__(self) -> int:
        self.times += 1
        if self._failures:
            raise self._failures.pop()
        return 1


def watch(world: World, owner: str, work: Any, slow: Any) -> Watch:
    storage = world.isthmus._storage
    return Watch(storage=storage, rounds=(work,), slow=slow, clock=lambda: datetime.now(UTC), owner=owner)


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_only_one_process_has_it_and_the_next_takes_over_when_that_ends(world: World) -> None:
    first, second = Counted(), Counted()
    one, other = watch(world, "one", first, Counted()), watch(world, "other", second, Counted())
    one.start()
    await until(lambda: first.times > 0)
    other.start()
    before = first.times
    await until(lambda: first.times > before + 20)
    assert second.times == 0
    await one.stop()
    ended = first.times
    await until(lambda: second.times > 0)
    assert first.times == ended
    await other.stop()
    now = datetime.now(UTC)
    assert await world.isthmus._storage.take_duty(DUTY, owner="third", now=now, until=now), "it was given back"


async def test_a_round_that_fails_does_not_end_it(world: World) -> None:
    work, slow = (
        Counted(StorageError("away"), ValueError("a fault of ours")),
        Counted(StorageError("away"), ValueError()),
    )
    watching = watch(world, "one", work, slow)
    watching.start()
    await until(lambda: work.times > 4 and slow.times > 3)
    await watching.stop()
