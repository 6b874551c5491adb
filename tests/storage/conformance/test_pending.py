from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest
from tests.storage.conftest import Opener
from tests.storage.made import NOTHING, NOW, SECOND, actions_in, connection, pending, told, user

from isthmus.errors import Conflict
from isthmus.records import IdempotentAnswer, Session
from isthmus.storage import Storage

pytestmark = pytest.mark.anyio
END = NOW + 600 * SECOND


async def proceed(storage: Storage, *, state: str = "state-1", at: datetime = NOW) -> bool:
    return await storage.proceed_pending(
        "pending-1", state_hash=state, browser_hash="browser", payload_sealed=b"bound", service="zoom", now=at
    )


async def begun(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    await storage.add_pending(pending(), NOTHING)


async def test_what_expired_is_not_found_not_bound_and_not_taken(storage: Storage) -> None:
    await begun(storage)
    assert await storage.pending_by_token("token-1", now=END) is None
    assert await proceed(storage, at=END) is False
    assert await proceed(storage) is True
    assert await storage.take_pending("state-1", now=END) is None
    assert await storage.take_pending("state-1", now=END - SECOND) is not None


async def test_it_is_bound_to_one_browser_once(storage: Storage) -> None:
    await begun(storage)
    assert await proceed(storage) is True
    assert await proceed(storage, state="state-2") is False
    assert await storage.take_pending("state-2", now=NOW) is None


async def test_a_state_that_was_not_issued_takes_nothing(storage: Storage) -> None:
    await begun(storage)
    assert await storage.take_pending("state-1", now=NOW) is None
    await proceed(storage)
    assert await storage.take_pending("other", now=NOW) is None
    assert await storage.pending_by_token("token-1", now=NOW) is not None


async def test_a_taken_token_or_connection_that_is_gone_is_refused(storage: Storage) -> None:
    await begun(storage)
    with pytest.raises(Conflict) as caught:
        await storage.add_pending(pending(id="pending-2"), told("told"))
    assert caught.value.field == "token_hash"
    with pytest.raises(Conflict) as caught:
        await storage.add_pending(pending(id="pending-2", token_hash="t2", connection_id="gone"), told("told"))
    assert caught.value.code == "gone"
    assert await actions_in(storage) == []


async def test_it_is_found_bound_and_taken_once(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    await storage.add_pending(pending(), told("begun"))
    assert await storage.pending_by_token("token-1", now=NOW) == pending()
    assert await storage.pending_by_token("other", now=NOW) is None
    await proceed(storage)
    bound = replace(pending(), state_hash="state-1", browser_hash="browser", payload_sealed=b"bound")
    assert await storage.take_pending("state-1", now=NOW) == bound
    assert await storage.take_pending("state-1", now=NOW) is None
    assert await storage.pending_by_token("token-1", now=NOW) is None
    assert await actions_in(storage) == ["begun"]


async def test_of_many_callbacks_in_two_processes_exactly_one_takes_it(open_another: Opener) -> None:
    first, second = await open_another(), await open_another()
    await first.migrate()
    await first.add_connection(connection(), NOTHING)
    for n in range(10):
        await first.add_pending(pending(id="pending-1", token_hash=f"t{n}"), NOTHING)
        bound = await asyncio.gather(*(proceed((first, second)[k % 2], state=f"s{n}") for k in range(6)))
        assert sum(bound) == 1
        takes = ((first, second)[k % 2].take_pending(f"s{n}", now=NOW) for k in range(20))
        assert sum(taken is not None for taken in await asyncio.gather(*takes)) == 1


async def test_connections_with_an_authorization_under_way_are_told(storage: Storage) -> None:
    for name in ("a", "b", "c", "d"):
        await storage.add_connection(connection(name), NOTHING)
    begun = [("1", "id-a", "", END), ("2", "id-a", "", END), ("3", "id-b", "ada", END), ("4", "id-c", "", NOW)]
    for id_, connection_id, owner, end in begun:
        row = pending(id=id_, token_hash=id_, connection_id=connection_id, resource_owner=owner, expires_at=end)
        await storage.add_pending(row, NOTHING)
    among = ["id-a", "id-b", "id-c", "id-d"]
    assert await storage.pending_connections(among, "", now=NOW) == {"id-a"}
    assert await storage.pending_connections(among, "ada", now=NOW) == {"id-b"}
    assert await storage.pending_connections(["id-b"], "", now=NOW) == frozenset()
    assert await storage.pending_connections([], "", now=NOW) == frozenset()


async def test_purging_removes_what_ran_out_and_nothing_else(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    await storage.add_user(user(), NOTHING)
    day = 24 * 3600 * SECOND
    for name, end in (("old", NOW), ("new", NOW + SECOND)):
        await storage.add_pending(pending(id=name, token_hash=name, expires_at=end), NOTHING)
        await storage.add_session(Session(name, "id-ada", NOW - day, end))
        await storage.begin_idempotent(IdempotentAnswer(name, "request", end - day))
    assert await storage.purge_expired(now=NOW) == 3
    assert await storage.purge_expired(now=NOW) == 0
    assert await storage.pending_by_token("new", now=NOW) is not None
    assert await storage.session("new", now=NOW) is not None
    assert await storage.begin_idempotent(IdempotentAnswer("new", "request", NOW)) is not None
    assert await storage.begin_idempotent(IdempotentAnswer("old", "request", NOW)) is None
