from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.made import NOTHING, NOW, SECOND, function, function_version, run, run_call

from isthmus.errors import InputError
from isthmus.records import Run
from isthmus.storage import Storage

pytestmark = pytest.mark.anyio
FUNCTION = "id-standalone.notify"


async def ready(storage: Storage, *runs: Run) -> None:
    await storage.add_function(function(), function_version(), NOTHING)
    await storage.put_runs(runs)


async def ids(storage: Storage, **query: object) -> list[str]:
    return [one.id for one in (await storage.runs(FUNCTION, limit=1000, **query)).items]  # type: ignore[arg-type]


def queued(n: int = 0, **more: object) -> Run:
    return run(n, **({"state": "queued", "due_at": NOW, "started_at": None, "ended_at": None} | more))  # type: ignore[arg-type]


async def test_a_run_of_a_function_that_is_gone_is_left_out_and_hurts_no_other(storage: Storage) -> None:
    await ready(storage)
    await storage.put_runs(
        [run(0), run(1, function_id="gone")], [run_call("run-000"), run_call("run-001"), run_call("never")]
    )
    assert await ids(storage) == ["run-000"]
    assert await storage.run("run-001") is None
    assert await storage.run_calls("run-001") == []
    assert await storage.run_calls("run-000") == [run_call("run-000")]
    await storage.put_run_calls([run_call("never"), run_call("run-000", 2)])
    assert [one.number for one in await storage.run_calls("run-000")] == [1, 2]


async def test_a_run_that_another_process_took_is_not_overwritten(storage: Storage) -> None:
    await ready(storage, queued())
    taken = await storage.take_run("run-000", owner="b", now=NOW, until=NOW + SECOND)
    assert taken is not None
    await storage.put_runs([queued(state="failed")])
    assert await storage.change_run("run-000", epoch=0, changes={"state": "failed"}, calls=[run_call()]) is False
    stored = await storage.run("run-000")
    assert stored is not None
    assert (stored.state, stored.epoch) == ("running", 1)
    assert await storage.run_calls("run-000") == []


async def test_what_identifies_a_run_is_not_changed(storage: Storage) -> None:
    for column in ("id", "function_id", "epoch", "created_at"):
        with pytest.raises(ValueError, match=column):
            await storage.change_run("run-000", epoch=0, changes={column: "x"})


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "WyIyMDI2LTAxLTAxIiwiYiJd"])
async def test_a_cursor_that_no_page_gave_is_refused(storage: Storage, cursor: str) -> None:
    with pytest.raises(InputError) as caught:
        await storage.runs(FUNCTION, limit=1, cursor=cursor)
    assert caught.value.field == "cursor"


async def test_a_run_and_its_calls_come_back_as_they_were_stored(storage: Storage) -> None:
    await ready(storage)
    whole = run(
        state="waiting", snapshot_sealed=b"\x00snap", error_code="limit_statements", lease_owner="a",
        lease_until=NOW + SECOND, epoch=7, due_at=NOW, attempt=3,
    )  # fmt: skip
    calls = [run_call(number=2, status=None, error="timed_out", state="unknown"), run_call(number=1)]
    await storage.put_runs([whole, run(1, arguments_sealed=None, outcome_sealed=None, retry_of=None)], calls)
    assert await storage.run("run-000") == whole
    assert await storage.run("run-001") == run(1, arguments_sealed=None, outcome_sealed=None, retry_of=None)
    assert await storage.run_calls("run-000") == [calls[1], calls[0]]


async def test_putting_again_replaces_the_run_and_its_calls(storage: Storage) -> None:
    await ready(storage, run(state="running", ended_at=None))
    await storage.put_run_calls([run_call(state="asked", status=None)])
    ended = run(state="failed", error_code="function_failed")
    await storage.put_runs([ended], [run_call()])
    assert await storage.run("run-000") == ended
    assert await storage.run_calls("run-000") == [run_call()]
    assert await ids(storage) == ["run-000"]


async def test_runs_are_paged_newest_first_and_by_state(storage: Storage) -> None:
    await ready(storage, *(run(n, state="failed" if n % 3 == 0 else "finished") for n in range(10)))
    first = await storage.runs(FUNCTION, limit=4)
    second = await storage.runs(FUNCTION, limit=9, cursor=first.next_cursor)
    assert [one.id for one in (*first.items, *second.items)] == [f"run-{n:03}" for n in range(9, -1, -1)]
    assert second.next_cursor is None
    assert await ids(storage, state="failed") == ["run-009", "run-006", "run-003", "run-000"]
    assert (await storage.runs("other", limit=4)).items == []


async def test_the_oldest_ended_runs_beyond_what_is_kept_go_with_their_calls(storage: Storage) -> None:
    await ready(storage, queued(0))
    for n in range(1, 13):
        await storage.put_runs([run(n)], [run_call(f"run-{n:03}")], keep=4)
    kept = await ids(storage)
    assert kept[:4] == ["run-012", "run-011", "run-010", "run-009"]
    assert kept[-1] == "run-000", "a run that has not ended is kept, however old"
    assert len(kept) <= 4 + 4 + 1
    assert await storage.run_calls("run-001") == []
    assert await storage.run_calls("run-012") == [run_call("run-012")]


async def test_runs_of_any_kind_are_trimmed_and_those_that_wait_for_a_person_later(storage: Storage) -> None:
    await ready(storage, queued(0), *(run(n) for n in range(3, 9)))
    waiting = {"state": "interrupted", "ended_at": None, "due_at": None, "created_at": NOW + SECOND}
    await storage.put_runs([run(1, **waiting), run(2, **{**waiting, "created_at": NOW + 2 * SECOND})])
    assert await storage.trim_runs(keep=100, interrupted_before=NOW + 99 * SECOND) == 0
    assert await storage.trim_runs(keep=4, interrupted_before=NOW + 2 * SECOND) == 3
    assert await ids(storage) == ["run-008", "run-007", "run-006", "run-005", "run-002", "run-000"]


async def test_a_change_may_be_tied_to_the_state_that_was_seen(storage: Storage) -> None:
    await ready(storage, run(0, state="interrupted", ended_at=None))
    changes = {"state": "queued", "due_at": NOW}
    assert await storage.change_run("run-000", epoch=0, changes=changes, state="interrupted") is True
    decided = await storage.change_run(
        "run-000", epoch=0, changes=changes, state="interrupted", calls=[run_call(state="answered")]
    )
    assert decided is False
    assert await storage.run_calls("run-000") == []


async def test_of_many_who_take_a_due_run_one_gets_it_as_it_was(storage: Storage) -> None:
    await ready(storage, queued(snapshot_sealed=b"snap"))
    takes = (storage.take_run("run-000", owner=f"p{n}", now=NOW, until=NOW + SECOND) for n in range(10))
    taken = [one for one in await asyncio.gather(*takes) if one is not None]
    assert len(taken) == 1
    assert taken[0] == queued(
        snapshot_sealed=b"snap", lease_owner=taken[0].lease_owner, lease_until=NOW + SECOND, epoch=1
    )
    stored = await storage.run("run-000")
    assert stored == replace(taken[0], state="running")


async def test_a_run_is_taken_when_due_and_free(storage: Storage) -> None:
    held = {"lease_owner": "a", "lease_until": NOW + SECOND}
    await ready(storage, queued(0, due_at=NOW + SECOND), queued(1, **held), run(2), queued(3))
    for n in (0, 1, 2):
        assert await storage.take_run(f"run-{n:03}", owner="b", now=NOW, until=NOW + 9 * SECOND) is None
    assert await storage.take_run("never", owner="b", now=NOW, until=NOW + 9 * SECOND) is None
    assert await storage.take_run("run-001", owner="b", now=NOW + SECOND, until=NOW + 9 * SECOND) is not None
    assert await storage.take_run("run-003", owner="b", now=NOW, until=NOW + 9 * SECOND) is not None


async def test_due_runs_come_oldest_first_without_those_that_are_held(storage: Storage) -> None:
    held = {"lease_owner": "a", "lease_until": NOW + SECOND}
    await ready(
        storage, queued(0), queued(1, due_at=NOW - SECOND), queued(2, due_at=NOW + SECOND), queued(3, **held), run(4)
    )
    assert [one.id for one in await storage.due_runs(now=NOW, limit=9)] == ["run-001", "run-000"]
    assert [one.id for one in await storage.due_runs(now=NOW, limit=1)] == ["run-001"]
    assert len(await storage.due_runs(now=NOW + SECOND, limit=9)) == 4


async def test_a_run_whose_process_ended_is_found_when_its_lease_has_run_out(storage: Storage) -> None:
    held = {"lease_owner": "a", "lease_until": NOW, "ended_at": None, "state": "running"}
    await ready(storage, run(0, **held), run(1), queued(2, lease_owner="a", lease_until=NOW))  # type: ignore[arg-type]
    assert await storage.abandoned_runs(now=NOW, limit=9) == []
    found = await storage.abandoned_runs(now=NOW + SECOND, limit=9)
    assert [one.id for one in found] == ["run-000"]
    changes = {"state": "interrupted", "lease_owner": None, "lease_until": None, "ended_at": NOW + SECOND}
    assert await storage.change_run("run-000", epoch=0, changes=changes, calls=[run_call(state="unknown")]) is True
    assert await storage.abandoned_runs(now=NOW + SECOND, limit=9) == []
    assert await storage.run("run-000") == run(0, state="interrupted", ended_at=NOW + SECOND)
    assert await storage.run_calls("run-000") == [run_call(state="unknown")]
