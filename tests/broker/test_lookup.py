"""What is remembered of a connection: for a second, looked up ahead, and never from before a change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.world import ADMIN, World

from isthmus.broker.lookup import Lookup

pytestmark = pytest.mark.anyio


class Slow:
    """The storage, with its reads of authorizations counted and held up."""

    def __init__(self, world: World) -> None:
        self._storage = world.isthmus.invoker.lookup._storage
        self.reads = 0
        self.free = asyncio.Event()
        self.free.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def authorization_of(self, connection_id: str, resource_owner: str) -> Any:
        self.reads += 1
        found = await self._storage.authorization_of(connection_id, resource_owner)
        await self.free.wait()
        return found


class Watch:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def slowly(world: World) -> tuple[Lookup, Slow, Watch]:
    """A Lookup as another process has it, with a watch that is moved by hand."""
    known, storage, watch = world.isthmus.invoker.lookup, Slow(world), Watch()
    return Lookup(storage=storage, services=known._services, vault=known._vault, now=watch), storage, watch


async def soon(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come to that")


async def test_callers_at_the_same_time_cause_one_look_up(world: World) -> None:
    await world.connected()
    lookup, storage, watch = slowly(world)
    for times in (1, 2):
        entries = await asyncio.gather(*(lookup.find("link", "") for _ in range(50)))
        assert storage.reads == times
        assert len({id(entry) for entry in entries}) == 1
        watch.seconds += 1.1


async def test_what_is_used_all_the_time_is_looked_up_ahead_and_nobody_waits(world: World) -> None:
    await world.connected()
    lookup, storage, watch = slowly(world)
    entry = await lookup.find("link", "")
    storage.free.clear()
    watch.seconds += 0.8
    for _ in range(3):
        assert lookup.remembered("link", "") is entry
    await soon(lambda: storage.reads == 2)
    storage.free.set()
    await soon(lambda: entry.checked_at == watch.seconds)
    watch.seconds += 0.6
    assert lookup.remembered("link", "") is entry
    assert storage.reads == 2


async def test_a_change_elsewhere_is_seen_within_a_second_though_it_was_looked_up_ahead(world: World) -> None:
    await world.connected()
    lookup, storage, watch = slowly(world)
    await lookup.find("link", "")
    watch.seconds += 0.8
    assert lookup.remembered("link", "")
    await soon(lambda: storage.reads == 2)
    await world.isthmus.directory.update_connection(ADMIN, "link", {"policy": {"methods": ["POST"]}})
    watch.seconds += 1.1
    assert lookup.remembered("link", "") is None
    assert (await lookup.find("link", "")).connection.policy.methods == ("POST",)


async def test_a_look_up_under_way_does_not_bring_back_what_was_changed(world: World) -> None:
    await world.connected()
    lookup, storage, _ = slowly(world)
    storage.free.clear()
    before = asyncio.create_task(lookup.find("link", ""))
    await soon(lambda: storage.reads == 1)
    lookup.forget_all()
    storage.free.set()
    await before
    assert lookup.remembered("link", "") is None


async def test_a_look_up_under_way_does_not_bring_back_an_older_credential(world: World) -> None:
    await world.connected()
    lookup, storage, watch = slowly(world)
    entry = await lookup.find("link", "")
    storage.free.clear()
    watch.seconds += 0.8
    lookup.remembered("link", "")
    await soon(lambda: storage.reads == 2)
    row = await world.isthmus.invoker.lookup._storage.authorization(entry.authorization.id)
    assert row is not None
    renewed = lookup.renew(entry, replace(row, version=row.version + 1))
    storage.free.set()
    await soon(lambda: not lookup._looking._tasks)
    assert lookup.remembered("link", "") is renewed
