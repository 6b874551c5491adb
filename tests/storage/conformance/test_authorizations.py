from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.made import (
    NOTHING,
    NOW,
    SECOND,
    actions_in,
    authorization,
    connection,
    kinds_in,
    told,
    with_grant,
)

from isthmus.errors import Conflict, InputError
from isthmus.records import Authorization
from isthmus.storage import Storage

pytestmark = pytest.mark.anyio


async def test_a_grant_for_a_deleted_connection_is_refused(storage: Storage) -> None:
    with pytest.raises(Conflict) as caught:
        await storage.put_authorization(authorization(), NOTHING)
    assert caught.value.code == "gone"


async def test_a_grant_sealed_for_another_row_is_refused(storage: Storage) -> None:
    before = await with_grant(storage)
    with pytest.raises(Conflict):
        await storage.put_authorization(authorization(id="auth-2", credential_sealed=b"other"), told("told"))
    assert await storage.authorization("auth-1") == before
    assert await storage.authorization("auth-2") is None
    assert (await actions_in(storage), await kinds_in(storage)) == ([], [])


async def test_an_id_that_belongs_to_another_resource_owner_is_refused(storage: Storage) -> None:
    before = await with_grant(storage)
    with pytest.raises(Conflict) as caught:
        await storage.put_authorization(authorization(resource_owner="bob"), told("told"))
    assert caught.value.field == "id"
    assert await storage.authorization("auth-1") == before
    assert await actions_in(storage) == []


@pytest.mark.parametrize("owner", ["a\x00", "\ud800"])
async def test_a_resource_owner_that_could_be_mistaken_for_another_is_refused(storage: Storage, owner: str) -> None:
    await with_grant(storage)
    with pytest.raises(InputError):
        await storage.authorization_of("id-crm", owner)
    with pytest.raises(InputError):
        await storage.put_authorization(authorization(id="auth-2", resource_owner=owner), NOTHING)


async def test_a_new_grant_comes_back_as_it_was_stored(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    stored = await storage.put_authorization(authorization(), told("told"))
    assert stored == authorization()
    assert await storage.authorization("auth-1") == stored
    assert await storage.authorization_of("id-crm", "") == stored
    assert await storage.authorization_of("id-crm", "ada") is None
    assert (await actions_in(storage), await kinds_in(storage)) == (["told"], ["told"])


async def test_a_bare_grant_comes_back_as_it_was_stored(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    bare = Authorization("auth-1", "id-crm", "ada", b"sealed")
    assert await storage.put_authorization(bare, NOTHING) == bare
    assert await storage.authorization("auth-1") == bare


async def test_what_a_third_party_wrote_cannot_keep_a_grant_from_being_stored(storage: Storage) -> None:
    hostile = {"connected_as": "a\x00b\ud800", "last_test": {"name": "\x00\ud800", "number": float("nan")}}
    stored = await with_grant(storage, **hostile)
    assert stored.connected_as == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert stored.last_test == {"name": "\x00\ud800", "number": None}


async def test_a_reconnect_replaces_the_grant_and_keeps_its_id_and_birth(storage: Storage) -> None:
    await with_grant(storage, last_used_at=NOW)
    again = authorization(
        credential_sealed=b"sealed-2", refresh_token_hash="hash-2", reason=None, created_at=NOW + SECOND, last_test=None
    )
    stored = await storage.put_authorization(again, told("again"))
    assert stored == replace(again, version=2, epoch=1, created_at=NOW, last_used_at=NOW)
    assert await storage.authorization("auth-1") == stored
    assert await kinds_in(storage) == ["again"]


async def test_a_reconnect_ends_the_lease_of_a_refresh_under_way(storage: Storage) -> None:
    await with_grant(storage)
    until = NOW + 30 * SECOND
    held = await storage.take_lease("auth-1", version=1, owner="me", now=NOW, until=until, attempt_id="t")
    assert held is not None
    newer = await storage.put_authorization(
        authorization(credential_sealed=b"newer", refresh_token_hash="new"), NOTHING
    )
    assert (newer.lease_owner, newer.lease_until, newer.attempt_id, newer.attempt_hash) == (None, None, None, None)
    assert newer.state == "ok"
    changes = {"credential_sealed": b"older", "refresh_token_hash": "hash-1b"}
    for rotated in (True, False):
        committed = await storage.commit_refresh(
            "auth-1", used_hash="hash-1", version=1, rotated=rotated, changes=changes, journal=told("refreshed")
        )
        assert committed is None
    released = await storage.release_lease(
        "auth-1", epoch=held.epoch, changes={"state": "needs_person"}, journal=told("needs_person")
    )
    assert released is False
    assert await storage.authorization("auth-1") == newer
    assert await kinds_in(storage) == []


async def test_of_many_first_connects_with_ids_of_their_own_one_is_kept(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    grants = [authorization(id=f"auth-{n}", credential_sealed=b"%d" % n) for n in range(20)]
    results = await asyncio.gather(
        *(storage.put_authorization(grant, told("told")) for grant in grants), return_exceptions=True
    )
    kept = [result for result in results if isinstance(result, Authorization)]
    assert len(kept) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19
    assert await storage.authorization_of("id-crm", "") == kept[0]
    assert await kinds_in(storage) == ["told"]


async def test_authorizations_come_in_pages_by_resource_owner(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    owners = sorted(["", "Zoe", "ada", "bob", "_x", "émile", "z"], key=str.encode)
    for owner in reversed(owners):
        await storage.put_authorization(authorization(id=f"a{owner}", resource_owner=owner), NOTHING)
    found: list[str] = []
    cursor = None
    for _ in range(4):
        page = await storage.authorizations("id-crm", limit=2, cursor=cursor)
        found += [one.resource_owner for one in page.items]
        cursor = page.next_cursor
    assert found == owners
    assert cursor is None
    assert (await storage.authorizations("other", limit=2)).items == []


async def test_one_query_brings_the_authorizations_of_a_page_of_connections(storage: Storage) -> None:
    for name in ("a", "b", "c"):
        await storage.add_connection(connection(name), NOTHING)
        for owner in ("", "ada"):
            grant = authorization(id=f"{name}-{owner}", connection_id=f"id-{name}", resource_owner=owner)
            await storage.put_authorization(grant, NOTHING)
    found = await storage.authorizations_for(["id-a", "id-c", "gone"], "ada")
    assert {key: value.id for key, value in found.items()} == {"id-a": "a-ada", "id-c": "c-ada"}
    assert await storage.authorizations_for([], "ada") == {}


async def test_deleting_says_whether_there_was_one(storage: Storage) -> None:
    await with_grant(storage)
    assert await storage.delete_authorization("auth-1", told("revoked")) is True
    assert await storage.delete_authorization("auth-1", told("revoked")) is False
    assert await storage.authorization("auth-1") is None
    assert await kinds_in(storage) == ["revoked"]


async def test_last_use_never_goes_backwards(storage: Storage) -> None:
    await with_grant(storage)
    await storage.put_authorization(authorization(id="auth-2", resource_owner="ada"), NOTHING)
    await storage.touch_authorizations({})
    await storage.touch_authorizations({"auth-1": NOW, "auth-2": NOW, "gone": NOW})
    await storage.touch_authorizations({"auth-1": NOW - SECOND, "auth-2": NOW + SECOND})
    first, second = await storage.authorization("auth-1"), await storage.authorization("auth-2")
    assert first is not None
    assert second is not None
    assert (first.last_used_at, second.last_used_at) == (NOW, NOW + SECOND)
    assert (first.version, first.epoch) == (1, 0)
