from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from tests.storage.conftest import Opener
from tests.storage.made import NOTHING, NOW, SECOND, actions_in, activity, connection, event, kinds_in

from isthmus.errors import Conflict, InputError
from isthmus.records import ActivityEntry, CallCount, CallRecord, CallSide, KeptHeader, Policy, TimelineEntry
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


def call(n: int = 0, **more: object) -> CallRecord:
    values: dict[str, object] = {"connection_id": "id-crm", "at": NOW + n * SECOND, "error": ""}
    values |= {"actor": "user:ada", "method": "GET", "url": f"https://x/{n}", "status": 200, "elapsed_ms": 1.25}
    return CallRecord(request_id=f"r{n}", **(values | more))  # type: ignore[arg-type]


async def urls(storage: Storage, connection_id: str = "id-crm") -> list[str]:
    return [one.url for one in (await storage.calls(connection_id, limit=1000)).items]


async def test_of_a_journal_all_entries_are_written_or_none(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    half = Journal((activity("a"),), (event("b"), event("c", connection_id="gone")))
    with pytest.raises(Conflict):
        await storage.add_journal(half)
    assert (await actions_in(storage), await kinds_in(storage)) == ([], [])


@pytest.mark.parametrize(
    "cursor", ["x", "WyJhIiwiYiJd", "WyIyMDI2LTAxLTAxIiwiYiJd", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwiYiJd"]
)
async def test_a_cursor_that_no_page_gave_is_refused(storage: Storage, cursor: str) -> None:
    for pages in (storage.timeline("id-crm", limit=1, cursor=cursor), storage.activity(limit=1, cursor=cursor)):
        with pytest.raises(InputError) as caught:
            await pages
        assert caught.value.field == "cursor"


async def test_entries_come_back_as_they_were_with_ids_of_their_own(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    there = event("failed", authorization_id="a", code="c", hint="h", details={"deep": {"list": [1, None, "ü"]}})
    done = activity("done", address="192.0.2.1", details={"a": True})
    await storage.add_journal(Journal((done, activity("named", id="own-id")), (there,)))
    (entry,) = (await storage.timeline("id-crm", limit=9)).items
    assert entry == TimelineEntry(**{**_fields(there), "id": entry.id})
    assert entry.id
    found = {one.action: one for one in (await storage.activity(limit=9)).items}
    assert found["done"] == ActivityEntry(**{**_fields(done), "id": found["done"].id})
    assert found["named"].id == "own-id"


def _fields(record: TimelineEntry | ActivityEntry) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}


async def test_entries_of_one_moment_keep_their_order(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    words = [f"{n}" for n in range(30)]
    for start in range(0, 30, 5):
        part = words[start : start + 5]
        await storage.add_journal(Journal(tuple(map(activity, part)), tuple(map(event, part))))
    assert await actions_in(storage) == words
    assert await kinds_in(storage) == words


async def test_the_newest_come_first_by_their_own_time_whatever_its_zone(storage: Storage) -> None:
    east = timezone(timedelta(hours=9))
    moments = {"a": NOW, "c": (NOW + 2 * SECOND).astimezone(east), "b": NOW + SECOND, "d": NOW + timedelta(hours=1)}
    await storage.add_journal(Journal(tuple(activity(name, at=at) for name, at in moments.items())))
    entries = (await storage.activity(limit=9)).items
    assert [entry.action for entry in entries] == ["d", "c", "b", "a"]
    assert [entry.at for entry in entries] == [moments[name] for name in "dcba"]
    assert all(entry.at.utcoffset() == timedelta(0) for entry in entries)


async def test_pages_hide_and_repeat_nothing_while_entries_are_added(storage: Storage) -> None:
    words = [f"{n:02}" for n in range(20)]
    await storage.add_journal(Journal(tuple(activity(word) for word in words)))
    found: list[str] = []
    cursor = None
    for number in range(7):
        page = await storage.activity(limit=3, cursor=cursor)
        found += [entry.action for entry in page.items]
        cursor = page.next_cursor
        await storage.add_journal(Journal((activity(f"late{number}", at=NOW + SECOND),)))
    assert cursor is None
    assert found == words[::-1]


async def test_activity_is_limited_to_an_actor_and_a_target(storage: Storage) -> None:
    entries = [activity(f"{actor}{target}", actor=actor, target=target) for actor in "ab" for target in "xy"]
    await storage.add_journal(Journal(tuple(entries)))
    for query, expected in (
        ({"actor": "a"}, ["ay", "ax"]),
        ({"target": "y"}, ["by", "ay"]),
        ({"actor": "b", "target": "x"}, ["bx"]),
        ({"actor": "c"}, []),
    ):
        assert [one.action for one in (await storage.activity(limit=9, **query)).items] == expected


async def test_calls_come_back_newest_first_in_pages(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    await storage.add_calls([])
    await storage.add_calls([call(n) for n in range(5)])
    await storage.add_calls([call(5, status=None, error="timed_out")])
    first = await storage.calls("id-crm", limit=4)
    second = await storage.calls("id-crm", limit=4, cursor=first.next_cursor)
    assert [one.url[-1] for one in (*first.items, *second.items)] == ["5", "4", "3", "2", "1", "0"]
    assert first.items[0] == call(5, status=None, error="timed_out", id=first.items[0].id)
    assert second.next_cursor is None


SIDES = {
    "request": CallSide((KeptHeader("Accept", "*/*"), KeptHeader("X-Key", attached=True)), "text/plain", 12),
    "answer": CallSide((KeptHeader("set-cookie"), KeptHeader("server", "\u2603 \xff")), "", None),
}


async def keeping(storage: Storage, keeps: bool) -> None:
    row = await storage.connection("crm")
    assert row is not None
    await storage.save_connection(replace(row, policy=Policy(keep_bodies=keeps)), NOTHING)


async def test_both_sides_of_a_call_come_back_as_they_were(storage: Storage) -> None:
    await storage.add_connection(connection(policy=Policy(keep_bodies=True)), NOTHING)
    await storage.add_calls([call(1, id="own-id", bodies_sealed=b"\x00sealed", **SIDES), call(2)])
    second, first = (await storage.calls("id-crm", limit=9)).items
    assert first == call(1, id="own-id", bodies_sealed=b"\x00sealed", **SIDES)
    assert second == call(2, id=second.id)


async def test_bodies_go_when_the_policy_keeps_none_any_more_and_the_calls_stay(storage: Storage) -> None:
    for name in ("crm", "other"):
        await storage.add_connection(connection(name, policy=Policy(keep_bodies=True)), NOTHING)
    await storage.add_calls(
        [call(n, connection_id=f"id-{to}", bodies_sealed=b"s") for n, to in ((1, "crm"), (2, "other"))]
    )
    await keeping(storage, True)
    assert [one.bodies_sealed for one in (await storage.calls("id-crm", limit=9)).items] == [b"s"]
    await keeping(storage, False)
    assert [one.bodies_sealed for one in (await storage.calls("id-crm", limit=9)).items] == [None]
    assert [one.bodies_sealed for one in (await storage.calls("id-other", limit=9)).items] == [b"s"]


async def test_a_body_that_comes_after_the_policy_changed_is_left_out(storage: Storage) -> None:
    """What a process remembered while the switch was on is written when it is off."""
    await storage.add_connection(connection(policy=Policy()), NOTHING)
    await storage.add_connection(connection("other", policy=Policy(keep_bodies=True)), NOTHING)
    await storage.add_calls(
        [call(n, connection_id=f"id-{to}", bodies_sealed=b"s") for n, to in ((1, "crm"), (2, "other"))]
    )
    assert [one.bodies_sealed for one in (await storage.calls("id-crm", limit=9)).items] == [None]
    assert [one.bodies_sealed for one in (await storage.calls("id-other", limit=9)).items] == [b"s"]


async def test_a_deleted_connection_costs_the_batch_only_its_own_calls(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    await storage.add_calls([call(1), call(2, connection_id="gone"), call(3)])
    assert await urls(storage) == ["https://x/3", "https://x/1"]
    assert await urls(storage, "gone") == []
    await storage.add_calls([call(4, connection_id="gone")])


async def test_two_processes_that_look_before_they_write_do_not_turn_each_other_away(open_another: Opener) -> None:
    both = [await open_another(), await open_another()]
    await both[0].migrate()
    await both[0].add_connection(connection(), NOTHING)
    await asyncio.gather(*(both[n % 2].add_calls([call(n)]) for n in range(60)))
    assert len(await urls(both[1])) == 60


async def test_old_calls_go_after_a_while_and_never_those_of_another_connection(storage: Storage) -> None:
    for name in ("crm", "quiet"):
        await storage.add_connection(connection(name), NOTHING)
    await storage.add_calls([call(n, connection_id="id-quiet") for n in range(8)], keep=100)
    for start in range(0, 60, 5):
        await storage.add_calls([call(n) for n in range(start, start + 5)], keep=10)
    kept = await urls(storage)
    assert kept[:10] == [f"https://x/{n}" for n in range(59, 49, -1)]
    assert len(kept) < 20
    assert len(await urls(storage, "id-quiet")) == 8


async def test_calls_are_counted_by_the_hour_and_those_of_a_deleted_connection_are_dropped(storage: Storage) -> None:
    for name in ("crm", "quiet"):
        await storage.add_connection(connection(name), NOTHING)
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    await storage.count_calls([])
    await storage.count_calls([CallCount("id-crm", hour, 3, 1), CallCount("gone", hour, 9, 9)])
    await storage.count_calls([CallCount("id-quiet", hour, 1, 0), CallCount("id-crm", hour, 2, 2)])
    await storage.count_calls([CallCount("id-crm", hour - HOUR, 5, 0)])
    assert await storage.call_counts(since=hour, connection_id="id-crm") == [CallCount("id-crm", hour, 5, 3)]
    everything = await storage.call_counts(since=hour - HOUR)
    assert [(one.connection_id, one.calls) for one in everything] == [("id-crm", 5), ("id-crm", 5), ("id-quiet", 1)]
    await storage.purge_expired(now=hour + 32 * 24 * HOUR)
    assert [one.hour for one in await storage.call_counts(since=hour - HOUR)] == []
    await storage.count_calls([CallCount("id-crm", hour, 1, 0)])
    await storage.delete_connection("id-crm", NOTHING)
    assert await storage.call_counts(since=hour) == []
