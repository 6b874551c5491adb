"""What happens to connections starts functions: each event once, and none is lost with its process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.broker.functions.workshop import NAME, Workshop
from tests.world import ADMIN, World

from isthmus.broker.triggers.dispatch import Dispatch
from isthmus.errors import ReauthorizationRequired

pytestmark = pytest.mark.anyio

CODE = "def main(about: object = None):\n    return about\n"
EVENTS = ["connected", "failing", "needs_person"]


def dispatch(world: World) -> Dispatch:
    """As another process has it."""
    ours: Any = world.isthmus._watch._rounds[1]
    parts = ours.__self__
    return Dispatch(storage=world.isthmus._storage, firing=parts._firing, telling=parts._telling, wake=lambda run: None)


async def watched(shop: Workshop, *events: str, connection: str = "link") -> None:
    document = {"function": NAME, "kind": "event", "event": {"connection": connection, "events": list(events)}}
    await shop.world.isthmus.triggers.create(ADMIN, {**document, "mapping": {"about": "${event.name}"}})


async def told(shop: Workshop) -> list[str]:
    """What the runs were told of, oldest first."""
    storage: Any = shop.world.isthmus._storage
    function = await storage.function(NAME)
    runs = (await storage.runs(function.id, limit=50)).items
    given = [await shop.functions.read.run(ADMIN, run.id) for run in reversed(runs)]
    assert all(run["trigger"] == "event" for run in given)
    return [run["arguments"]["about"] for run in given]


async def settled(world: World) -> None:
    await world.isthmus._observer.settle()
    while await dispatch(world).round():
        pass


async def test_events_of_other_connections_and_other_events_start_nothing(world: World, shop: Workshop) -> None:
    await shop.live(CODE)
    await world.connected("practice_basic", "other")
    await settled(world)
    await watched(shop, *EVENTS, connection="other")
    await watched(shop, "needs_person", connection="")
    await world.connected("practice_api_key", "link")
    assert await dispatch(world).round() == 1, "there was something to tell"
    assert await told(shop) == []


async def test_a_connection_that_is_made_fails_and_needs_a_person_says_each_once(world: World, shop: Workshop) -> None:
    await shop.live(CODE)
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2")
    await watched(shop, *EVENTS)
    await world.authorize()
    await settled(world)
    assert await told(shop) == ["connected"]
    world.practice.dials(revoke_all=True)
    for _ in range(3):
        with pytest.raises(ReauthorizationRequired):
            await world.call()
    await settled(world)
    seen = await told(shop)
    assert seen.count("needs_person") == 1
    assert set(seen[1:]) <= {"failing", "needs_person"}


async def test_what_happened_while_no_process_ran_is_dealt_with_by_the_next_and_only_by_one(
    world: World, shop: Workshop
) -> None:
    await shop.live(CODE)
    await world.service("practice_basic")
    await world.connection("practice_basic")
    await watched(shop, "connected", connection="")
    await world.connected("practice_api_key", "second")
    await asyncio.gather(*(dispatch(world).round() for _ in range(4)))
    await settled(world)
    assert await told(shop) == ["connected"]
    assert await dispatch(world).round() == 0
