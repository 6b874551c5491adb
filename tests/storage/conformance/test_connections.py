from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.made import (
    NOTHING,
    NOW,
    SECOND,
    actions_in,
    activity,
    authorization,
    connection,
    event,
    kinds_in,
    pending,
    told,
)

from isthmus.errors import Conflict, InputError
from isthmus.records import CallRecord
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))


async def names(storage: Storage, **query: object) -> list[str]:
    """All link names that a walk over the pages brings."""
    found: list[str] = []
    cursor = None
    while True:
        page = await storage.connections(cursor=cursor, **query)  # type: ignore[arg-type]
        found += [one.link_name for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("second", "field"),
    [(connection("crm", id="another"), "link_name"), (connection("other", id="id-crm"), "id")],
)
async def test_a_taken_name_or_id_is_refused(storage: Storage, second: object, field: str) -> None:
    await storage.add_connection(connection(), NOTHING)
    with pytest.raises(Conflict) as caught:
        await storage.add_connection(second, SAID)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert await actions_in(storage) == []
    assert await names(storage, limit=10) == ["crm"]


async def test_of_many_who_add_the_same_name_one_succeeds(storage: Storage) -> None:
    results = await asyncio.gather(
        *(storage.add_connection(connection("crm", id=f"id-{n}"), SAID) for n in range(20)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19
    assert await actions_in(storage) == ["said"]


async def test_saving_over_a_newer_version_is_refused(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    await storage.save_connection(connection(name="first"), NOTHING)
    with pytest.raises(Conflict):
        await storage.save_connection(connection(name="second"), SAID)
    stored = await storage.connection("crm")
    assert stored is not None
    assert (stored.name, stored.version) == ("first", 2)
    assert await actions_in(storage) == []


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "WyJh", "W10", "WzFd", "bnVsbA", "WyJhIiwiYiJd", "WyJcdTAwMDAiXQ", "ä", "x" * 9000]
)
async def test_a_cursor_that_no_page_gave_is_refused(storage: Storage, cursor: str) -> None:
    for names in (None, ["crm"]):
        with pytest.raises(InputError) as caught:
            await storage.connections(limit=10, cursor=cursor, names=names)
        assert caught.value.field == "cursor"


async def test_a_connection_comes_back_as_it_was_stored(storage: Storage) -> None:
    await storage.add_connection(connection(), SAID)
    assert await storage.connection("crm") == connection()
    assert await storage.connection_by_id("id-crm") == connection()
    assert await storage.connection("id-crm") is None
    assert await storage.connection_by_id("crm") is None
    assert await actions_in(storage) == ["said"]


async def test_link_name_id_and_origin_never_change(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    changed = connection(
        "renamed", id="id-crm", name="new", service="slack", disabled=True, created_by="x", created_at=None,
        updated_at=NOW + SECOND, scopes=(), variables={},
    )  # fmt: skip
    await storage.save_connection(changed, SAID)
    kept = {"link_name": "crm", "created_by": "user:ada", "created_at": NOW, "version": 2}
    assert await storage.connection("crm") == replace(changed, **kept)  # type: ignore[arg-type]
    assert await actions_in(storage) == ["said"]


async def test_pages_come_by_link_name_and_end(storage: Storage) -> None:
    expected = sorted(f"c{n}{'_x' * (n % 2)}" for n in range(25))
    for name in reversed(expected):
        await storage.add_connection(connection(name), NOTHING)
    for limit in (1, 7, 24, 25, 26, 1000):
        assert await names(storage, limit=limit) == expected


async def test_rows_that_come_and_go_between_pages_repeat_and_hide_nothing(storage: Storage) -> None:
    for name in ("b", "d", "f", "h"):
        await storage.add_connection(connection(name), NOTHING)
    first = await storage.connections(limit=2)
    await storage.add_connection(connection("a"), NOTHING)
    await storage.add_connection(connection("e"), NOTHING)
    await storage.delete_connection("id-d", NOTHING)
    second = await storage.connections(limit=10, cursor=first.next_cursor)
    assert [one.link_name for one in (*first.items, *second.items)] == ["b", "d", "e", "f", "h"]


async def test_lists_are_limited_to_a_service_and_to_names(storage: Storage) -> None:
    for n in range(12):
        await storage.add_connection(connection(f"c{n:02}", service="zoom" if n % 2 else "slack"), NOTHING)
    assert await names(storage, limit=2, service="zoom") == ["c01", "c03", "c05", "c07", "c09", "c11"]
    assert await names(storage, limit=2, names=["c07", "c02", "c02", "gone", "c11"]) == ["c02", "c07", "c11"]
    assert await names(storage, limit=2, names=["c07", "c02"], service="zoom") == ["c07"]
    assert await names(storage, limit=2, names=[]) == []
    assert await names(storage, limit=2, service="none") == []


async def test_a_list_takes_more_names_than_a_statement_does(storage: Storage) -> None:
    for name in ("a", "m", "z"):
        await storage.add_connection(connection(name), NOTHING)
    many = ["z", "a", "m", *(f"n{n}" for n in range(40_000))]
    assert await names(storage, limit=2, names=many) == ["a", "m", "z"]


async def test_deleting_takes_all_that_belongs_to_it_and_nothing_else(storage: Storage) -> None:
    for name in ("crm", "other"):
        ids = {"connection_id": f"id-{name}"}
        await storage.add_connection(connection(name), NOTHING)
        await storage.put_authorization(authorization(id=f"auth-{name}", **ids), NOTHING)
        await storage.add_pending(pending(id=name, token_hash=name, **ids), Journal(timeline=(event(**ids),)))
        await storage.add_calls([CallRecord(f"id-{name}", NOW, "ada", "GET", "https://x/", 200, 1.5, "r")])
    assert await storage.delete_connection("id-crm", told("deleted")) is True
    assert await storage.connection("crm") is None
    assert await storage.authorization("auth-crm") is None
    assert await storage.pending_by_token("crm", now=NOW) is None
    assert (await storage.calls("id-crm", limit=9)).items == []
    assert await kinds_in(storage) == []
    assert await storage.authorization("auth-other") is not None
    assert await storage.pending_by_token("other", now=NOW) is not None
    assert len((await storage.calls("id-other", limit=9)).items) == 1
    assert await kinds_in(storage, "id-other") == ["issued"]
    assert await actions_in(storage) == ["deleted"]
    assert await storage.delete_connection("id-crm", told("again")) is False
    assert await actions_in(storage) == ["deleted"]
