"""Triggers, what occurs, and alerts: nothing fires twice, nothing is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.conftest import Opener
from tests.storage.made import (
    NOTHING,
    NOW,
    SECOND,
    activity,
    alert,
    connection,
    event,
    function,
    function_version,
    run,
    run_call,
    service,
    trigger,
)

from isthmus.errors import Conflict
from isthmus.records import Run
from isthmus.storage import Storage
from isthmus.storage.contract import Journal, RunChange

pytestmark = pytest.mark.anyio
FUNCTION = "id-standalone.notify"


async def ready(storage: Storage) -> None:
    await storage.add_function(function(), function_version(), NOTHING)


def queued(n: int = 0, **more: object) -> Run:
    values: dict[str, object] = {"trigger": "schedule", "state": "queued", "due_at": NOW, "started_at": None}
    return run(n, **(values | {"ended_at": None} | more))  # type: ignore[arg-type]


async def kinds(storage: Storage) -> list[str]:
    return [one.kind for one in await storage.occurrences(limit=99)]


# --- triggers


async def test_a_trigger_of_a_function_that_is_gone_is_refused(storage: Storage) -> None:
    with pytest.raises(Conflict) as refused:
        await storage.add_trigger(trigger(), Journal(activity=(activity(),)))
    assert refused.value.code == "gone"
    assert (await storage.activity(limit=9)).items == []


async def test_a_trigger_that_changed_meanwhile_is_not_overwritten(storage: Storage) -> None:
    await ready(storage)
    await storage.add_trigger(trigger(), NOTHING)
    await storage.save_trigger(trigger(enabled=False), NOTHING)
    with pytest.raises(Conflict) as refused:
        await storage.save_trigger(trigger(name="late"), NOTHING)
    assert refused.value.code == "changed"
    assert (await storage.trigger("trigger-nightly")) == trigger(enabled=False, version=2)


async def test_a_token_is_one_triggers(storage: Storage) -> None:
    await ready(storage)
    await storage.add_trigger(trigger("a", "webhook", token_hash="h"), NOTHING)
    with pytest.raises(Conflict):
        await storage.add_trigger(trigger("b", "webhook", token_hash="h"), NOTHING)
    assert await storage.trigger_by_token("h") == trigger("a", "webhook", token_hash="h")
    assert await storage.trigger_by_token("other") is None


@pytest.mark.parametrize("kind", ["schedule", "webhook", "event"])
async def test_a_trigger_comes_back_as_it_was_stored_and_goes(storage: Storage, kind: str) -> None:
    await ready(storage)
    stored = trigger("x", kind)
    await storage.add_trigger(stored, Journal(activity=(activity(),)))
    assert await storage.trigger(stored.id) == stored
    assert len((await storage.activity(limit=9)).items) == 1
    assert await storage.delete_trigger(stored.id, NOTHING)
    assert not await storage.delete_trigger(stored.id, NOTHING)
    assert await storage.trigger(stored.id) is None


async def test_triggers_go_with_their_function_and_are_paged(storage: Storage) -> None:
    await ready(storage)
    for n in range(5):
        await storage.add_trigger(trigger(f"{n}", "event"), NOTHING)
    first = await storage.triggers(limit=3)
    second = await storage.triggers(limit=3, cursor=first.next_cursor, function_id=FUNCTION)
    assert [one.name for one in (*first.items, *second.items)] == ["0", "1", "2", "3", "4"]
    assert (await storage.triggers(limit=3, function_id="other")).items == []
    await storage.delete_function(FUNCTION, NOTHING)
    assert (await storage.triggers(limit=3)).items == []


async def test_due_schedules_come_oldest_first_without_disabled_ones(storage: Storage) -> None:
    await ready(storage)
    for name, more in {
        "now": {},
        "old": {"next_at": NOW - SECOND},
        "later": {"next_at": NOW + SECOND},
        "off": {"enabled": False},
        "over": {"next_at": None},
    }.items():
        await storage.add_trigger(trigger(name, **more), NOTHING)
    assert [one.name for one in await storage.due_triggers(now=NOW, limit=9)] == ["old", "now"]


async def test_a_schedule_fires_once_however_many_processes_try(storage: Storage, open_another: Opener) -> None:
    await ready(storage)
    await storage.add_trigger(trigger(), NOTHING)
    found = (await storage.due_triggers(now=NOW, limit=9))[0]
    others = [storage, *[await open_another() for _ in range(3)]]
    fires = (
        one.fire_schedule(found, next_at=NOW + 60 * SECOND, run=queued(n), journal=Journal(activity=(activity(),)))
        for n, one in enumerate(others)
    )
    fired = await asyncio.gather(*fires)
    assert sorted(fired) == [False, False, False, True]
    assert len((await storage.runs(FUNCTION, limit=9)).items) == 1
    assert len((await storage.activity(limit=9)).items) == 1
    stored = await storage.trigger(found.id)
    assert stored is not None
    assert stored.next_at == NOW + 60 * SECOND
    assert stored.last_run_id == (await storage.runs(FUNCTION, limit=9)).items[0].id
    assert not await storage.fire_schedule(replace(stored, next_at=NOW), next_at=None, run=queued(9), journal=NOTHING)


async def test_a_schedule_that_was_disabled_meanwhile_does_not_fire(storage: Storage) -> None:
    await ready(storage)
    await storage.add_trigger(trigger(enabled=False), NOTHING)
    assert not await storage.fire_schedule(trigger(), next_at=None, run=queued(), journal=NOTHING)
    assert (await storage.runs(FUNCTION, limit=9)).items == []


async def test_the_same_delivery_makes_one_run(storage: Storage, open_another: Opener) -> None:
    await ready(storage)
    await storage.add_trigger(trigger("w", "webhook"), NOTHING)
    another = await open_another()
    fired = await asyncio.gather(*(one.fire_webhook("trigger-w", queued(0)) for one in (storage, another) * 3))
    assert sorted(fired) == [False] * 5 + [True]
    stored = await storage.trigger("trigger-w")
    assert stored is not None
    assert (stored.last_run_id, stored.version) == ("run-000", 1)
    assert not await storage.fire_webhook("trigger-w", queued(1, function_id="gone"))


async def test_triggers_of_an_event_are_those_of_its_connection_and_of_any(storage: Storage) -> None:
    await ready(storage)
    for name, more in {"a": {}, "b": {"connection": ""}, "c": {"connection": "x"}, "d": {"enabled": False}}.items():
        await storage.add_trigger(trigger(name, "event", **more), NOTHING)
    assert [one.name for one in await storage.event_triggers("crm")] == ["a", "b"]


# --- what occurs


async def test_what_happens_to_a_connection_occurs_with_the_write_that_tells_of_it(storage: Storage) -> None:
    await storage.add_service(service(), NOTHING)
    await storage.add_connection(connection(), Journal(timeline=(event(kind="refreshed"),)))
    assert await kinds(storage) == [], "nobody was told of a failure, so nobody waits for the recovery"
    with pytest.raises(Conflict):
        await storage.add_connection(connection(), Journal(timeline=(event(kind="failing"),)))
    assert await kinds(storage) == []
    told = ("issued", "failing", "tested", "refresh_failed", "refreshed", "needs_person", "reconnected", "recovered")
    for kind in told:
        await storage.add_journal(Journal(timeline=(event(kind=kind, code="c", hint="h"),)))
    assert await kinds(storage) == [kind for kind in told if kind != "tested"]
    first = (await storage.occurrences(limit=1))[0]
    assert (first.connection_id, first.code, first.hint) == (connection().id, "c", "h")


async def test_what_became_of_runs_occurs_with_the_write_of_their_end(storage: Storage) -> None:
    await ready(storage)
    await storage.put_runs([run(0, state="finished"), run(1, state="failed", trigger="test"), queued(2), queued(3)])
    assert await kinds(storage) == [], "whoever tests sits before it"
    ends = {"state": "failed", "error_code": "function_failed", "error_line": 7, "ended_at": NOW}
    assert not await storage.change_run("run-002", epoch=9, changes=ends)
    assert await kinds(storage) == []
    assert await storage.change_run("run-002", epoch=0, changes=ends)
    assert await storage.change_runs([RunChange("run-003", 0, {"state": "interrupted"}, (run_call("run-003"),))])
    await storage.put_runs([run(4, state="finished"), run(5, state="failed", trigger="rest")])
    found = await storage.occurrences(limit=9)
    assert [one.kind for one in found] == ["run_failed", "run_interrupted", "run_finished", "run_failed"]
    assert (found[0].function_id, found[0].run_id, found[0].code, found[0].line) == (
        FUNCTION,
        "run-002",
        "function_failed",
        7,
    )


async def test_an_occurrence_is_settled_once_with_all_that_it_caused(storage: Storage, open_another: Opener) -> None:
    await ready(storage)
    await storage.put_runs([run(5, state="failed", trigger="webhook")])
    (found,) = await storage.occurrences(limit=9)
    another = await open_another()
    settled = await asyncio.gather(
        *(
            one.settle_occurrences([found.id], runs=[queued(n, function_id=FUNCTION)], alerts=[alert(count=n + 1)])
            for n, one in enumerate((storage, another))
        )
    )
    assert sorted(settled) == [False, True]
    assert await kinds(storage) == []
    (kept,) = await storage.alerts_of([FUNCTION])
    winner = list(settled).index(True)
    assert kept == alert(count=winner + 1)
    assert [one.id for one in (await storage.runs(FUNCTION, limit=9, state="queued")).items] == [f"run-{winner:03}"]
    assert await storage.settle_occurrences([], runs=[], alerts=[])


async def test_a_finished_run_is_of_interest_while_an_alert_is_open(storage: Storage) -> None:
    await ready(storage)
    await storage.put_alerts([alert()])
    await storage.put_runs([run(0)])
    assert await kinds(storage) == ["run_finished"]
    (found,) = await storage.occurrences(limit=9)
    await storage.settle_occurrences([found.id], runs=[], alerts=[alert(recovered_at=NOW)])
    await storage.put_runs([run(1)])
    assert await kinds(storage) == []


# --- alerts


async def test_what_is_to_be_told_is_told_once(storage: Storage) -> None:
    later = NOW + 60 * SECOND
    rows = {
        "new": {},
        "held": {"tell_at": later},
        "told": {"told_at": NOW},
        "mended": {"told_at": NOW, "recovered_at": NOW},
        "over": {"told_at": NOW, "recovered_at": NOW, "recovery_told_at": NOW},
        "brief": {"recovered_at": later},
        "never": {"tell_at": later, "recovered_at": NOW},
    }
    await storage.put_alerts([alert(key, **more) for key, more in rows.items()])
    assert {one.key for one in await storage.alerts_to_tell(now=NOW, limit=9)} == {"new", "mended", "brief"}
    assert await storage.purge_alerts(before=NOW) == 0
    assert await storage.purge_alerts(before=later + SECOND) == 3
    assert {one.key for one in await storage.alerts_of([FUNCTION])} == {"new", "held", "told", "mended"}
