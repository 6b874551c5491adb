"""Runs under way, many at a time: whoever lost a run writes nothing of it."""

from __future__ import annotations

import asyncio

import pytest
from tests.storage.conftest import Opener
from tests.storage.made import NOTHING, NOW, SECOND, function, function_version, run, run_call

from isthmus.records import Run
from isthmus.storage import Storage
from isthmus.storage.contract import RunChange

pytestmark = pytest.mark.anyio
HELD = {"lease_owner": "a", "lease_until": NOW + 9 * SECOND, "state": "running"}


def queued(n: int = 0, **more: object) -> Run:
    return run(n, **({"state": "queued", "due_at": NOW, "started_at": None, "ended_at": None} | more))  # type: ignore[arg-type]


async def ready(storage: Storage, *runs: Run) -> None:
    await storage.add_function(function(), function_version(), NOTHING)
    await storage.put_runs(runs)


async def test_a_change_by_whoever_lost_the_run_is_dropped_and_the_others_are_kept(storage: Storage) -> None:
    await ready(storage, queued(0, epoch=4, **HELD), queued(1, epoch=7, **HELD))
    kept = await storage.change_runs(
        [
            RunChange("run-000", 3, {"state": "failed"}, (run_call("run-000"),)),
            RunChange("run-001", 7, {"state": "waiting", "snapshot_sealed": b"s"}, (run_call("run-001"),)),
            RunChange("gone", 1, {"state": "failed"}, (run_call("gone"),)),
        ]
    )
    assert list(kept) == [False, True, False]
    stored = [await storage.run(name) for name in ("run-000", "run-001")]
    assert [one.state for one in stored if one] == ["running", "waiting"]
    assert await storage.run_calls("run-000") == []
    assert await storage.run_calls("run-001") == [run_call("run-001")]


async def test_what_identifies_a_run_is_not_changed(storage: Storage) -> None:
    for column in ("id", "function_id", "epoch", "created_at"):
        with pytest.raises(ValueError, match=column):
            await storage.change_runs([RunChange("run-000", 0, {column: "x"})])


async def test_a_later_change_of_the_same_run_wins(storage: Storage) -> None:
    await ready(storage, queued(0, epoch=1, **HELD))
    asked, answered = run_call(state="asked", status=None), run_call(state="answered")
    changes = [
        RunChange("run-000", 1, {"state": "waiting"}, (asked,)),
        RunChange("run-000", 1, {"state": "running"}, (answered,)),
    ]
    assert list(await storage.change_runs(changes)) == [True, True]
    stored = await storage.run("run-000")
    assert stored is not None
    assert stored.state == "running"
    assert await storage.run_calls("run-000") == [answered]
    assert list(await storage.change_runs([RunChange("run-000", 1, {})])) == [True]
    assert list(await storage.change_runs([])) == []


async def test_each_due_run_is_taken_once_however_many_processes_take(storage: Storage, open_another: Opener) -> None:
    await ready(storage, *(queued(n) for n in range(40)))
    others = [storage, *[await open_another() for _ in range(3)]]
    takes = (one.take_runs(owner=f"p{n}", now=NOW, until=NOW + SECOND, limit=7) for n, one in enumerate(others * 2))
    taken = [one for some in await asyncio.gather(*takes) for one in some]
    while more := await storage.take_runs(owner="last", now=NOW, until=NOW + SECOND, limit=7):
        taken += more
    assert sorted(one.id for one in taken) == [f"run-{n:03}" for n in range(40)]
    assert {one.epoch for one in taken} == {1}
    assert {one.state for one in taken} == {"queued"}, "as it was before"
    stored = await storage.run("run-000")
    assert stored is not None
    assert (stored.state, stored.epoch) == ("running", 1)


async def test_runs_are_taken_longest_due_first_and_none_that_is_held_or_not_due(storage: Storage) -> None:
    await ready(storage, queued(0), queued(1, due_at=NOW - SECOND), queued(2, due_at=NOW + SECOND), queued(3, **HELD))
    taken = await storage.take_runs(owner="b", now=NOW, until=NOW + SECOND, limit=9)
    assert [one.id for one in taken] == ["run-001", "run-000"]
    assert await storage.take_runs(owner="c", now=NOW, until=NOW + SECOND, limit=9) == []
    later = NOW + 9 * SECOND
    assert len(await storage.take_runs(owner="c", now=later, until=later + SECOND, limit=9)) == 4, "leases ran out"


async def test_a_lease_is_lengthened_by_whoever_holds_it(storage: Storage) -> None:
    await ready(storage, queued(0, epoch=2, **HELD), queued(1, epoch=5, **HELD))
    held = [("run-000", 2), ("run-001", 4), ("gone", 1)]
    assert await storage.renew_runs(held, until=NOW + 20 * SECOND) == {"run-000"}
    stored = [await storage.run(name) for name in ("run-000", "run-001")]
    assert [one.lease_until for one in stored if one] == [NOW + 20 * SECOND, NOW + 9 * SECOND]
    assert await storage.renew_runs([], until=NOW) == frozenset()


async def test_a_run_that_has_ended_or_was_put_down_gets_no_lease_again(storage: Storage) -> None:
    """Whoever held it may ask for more time at the very moment at which it is done."""
    await ready(storage, queued(0, epoch=1, **HELD), queued(1, epoch=1, **HELD))
    free = {"lease_owner": None, "lease_until": None}
    ended = {**free, "state": "finished", "due_at": None, "ended_at": NOW}
    await storage.change_runs([RunChange("run-000", 1, ended), RunChange("run-001", 1, free)])
    later = NOW + 20 * SECOND
    assert await storage.renew_runs([("run-000", 1), ("run-001", 1)], until=later) == frozenset()
    assert await storage.abandoned_runs(now=later + SECOND, limit=9) == []
    assert [one.id for one in await storage.due_runs(now=NOW, limit=9)] == ["run-001"]
