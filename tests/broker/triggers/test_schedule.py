"""Schedules: fired when they are due, once, and made up for once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.broker.functions.workshop import NAME, Workshop
from tests.world import ADMIN

from isthmus.broker.triggers.schedule import Schedule
from isthmus.records import Run, Trigger

pytestmark = pytest.mark.anyio

CODE = "def main(about: object = None):\n    return about\n"


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def schedule_at(shop: Workshop, clock: Time) -> Schedule:
    """As another process has it, by this clock."""
    ours: Any = shop.world.isthmus._watch._rounds[0]
    return Schedule(
        storage=shop.world.isthmus._storage, firing=ours.__self__._firing, wake=lambda run: None, clock=clock
    )


async def every_minute(shop: Workshop, **schedule: Any) -> Trigger:
    await shop.live(CODE)
    document = {"function": NAME, "kind": "schedule", "schedule": {"cron": "* * * * *", **schedule}}
    made = await shop.world.isthmus.triggers.create(ADMIN, {**document, "mapping": {"about": "${schedule}"}})
    return await stored(shop, made["id"])


async def stored(shop: Workshop, trigger_id: str) -> Trigger:
    found = await shop.world.isthmus._storage.trigger(trigger_id)
    assert found is not None
    return found


async def runs(shop: Workshop) -> list[Run]:
    function = await shop.world.isthmus._storage.function(NAME)
    assert function is not None
    return list((await shop.world.isthmus._storage.runs(function.id, limit=50)).items)


async def test_nothing_is_fired_before_it_is_due(shop: Workshop) -> None:
    trigger = await every_minute(shop)
    clock = Time()
    assert trigger.next_at is not None
    clock.now = trigger.next_at - timedelta(milliseconds=1)
    assert await schedule_at(shop, clock).round() == 0
    assert await runs(shop) == []


async def test_a_due_time_is_fired_once_however_many_processes_look(shop: Workshop) -> None:
    trigger = await every_minute(shop)
    clock = Time()
    assert trigger.next_at is not None
    clock.now = trigger.next_at + timedelta(seconds=1)
    fired = await asyncio.gather(*(schedule_at(shop, clock).round() for _ in range(5)))
    assert sum(fired) == 1
    (run,) = await runs(shop)
    assert (run.state, run.trigger, run.trigger_id, run.run_as) == ("queued", "schedule", trigger.id, ADMIN.id)
    about = (await shop.functions.read.run(ADMIN, run.id))["arguments"]["about"]
    assert about["due_at"] == trigger.next_at.isoformat()
    assert about["missed"] == 0
    assert (await stored(shop, trigger.id)).next_at == trigger.next_at + timedelta(minutes=1)
    assert await schedule_at(shop, clock).round() == 0


async def test_what_was_missed_while_nothing_ran_is_run_once_and_told(shop: Workshop) -> None:
    trigger = await every_minute(shop)
    clock = Time()
    assert trigger.next_at is not None
    clock.now = trigger.next_at + timedelta(minutes=90, seconds=5)
    assert await schedule_at(shop, clock).round() == 1
    assert await schedule_at(shop, clock).round() == 0
    (run,) = await runs(shop)
    assert (await shop.functions.read.run(ADMIN, run.id))["arguments"]["about"]["missed"] == 91
    (told,) = await shop.told("trigger.missed")
    assert told["details"]["times"] == 91
    assert (await stored(shop, trigger.id)).next_at == trigger.next_at + timedelta(minutes=91)


async def test_it_begins_and_ends_when_it_is_said_to(shop: Workshop) -> None:
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    end = start + timedelta(seconds=30)
    trigger = await every_minute(shop, start_at=start.isoformat(), end_at=end.isoformat())
    assert trigger.next_at == start
    clock = Time()
    clock.now = start + timedelta(seconds=1)
    assert await schedule_at(shop, clock).round() == 1
    assert (await stored(shop, trigger.id)).next_at is None


async def test_one_that_is_switched_off_is_not_fired(shop: Workshop) -> None:
    trigger = await every_minute(shop)
    await shop.world.isthmus.triggers.update(ADMIN, trigger.id, {"enabled": False})
    clock = Time()
    clock.now += timedelta(hours=1)
    assert await schedule_at(shop, clock).round() == 0
    assert await runs(shop) == []


async def test_one_whose_author_is_gone_fails_for_all_to_see(shop: Workshop) -> None:
    await shop.live(CODE)
    isthmus = shop.world.isthmus
    made = await isthmus.accounts.create_api_key(ADMIN, {"name": "k", "role": "administrator"})
    author = await isthmus.protect.actor_for_key(made["key"], "192.0.2.1")
    document = {"function": NAME, "kind": "schedule", "schedule": {"cron": "* * * * *"}}
    await isthmus.triggers.create(author, document)
    await isthmus.accounts.revoke_api_key(ADMIN, made["id"])
    clock = Time()
    clock.now += timedelta(minutes=2)
    assert await schedule_at(shop, clock).round() == 1
    (run,) = await runs(shop)
    assert (run.state, run.error_code) == ("failed", "actor_gone")
