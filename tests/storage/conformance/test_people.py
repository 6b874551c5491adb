from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.made import NOTHING, NOW, SECOND, actions_in, activity, api_key, user

from isthmus.errors import Conflict, InputError
from isthmus.records import Session
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))


async def test_a_taken_address_is_refused_in_any_case(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    await storage.add_user(user("bob"), NOTHING)
    with pytest.raises(Conflict) as caught:
        await storage.add_user(user("eve", email="ADA@example.com"), SAID)
    assert caught.value.field == "email"
    with pytest.raises(Conflict):
        await storage.save_user(user("bob", email="Ada@Example.com"), SAID)
    assert await actions_in(storage) == []
    assert await storage.user("id-bob") == user("bob")


async def test_people_are_found_by_address_in_any_case(storage: Storage) -> None:
    await storage.add_user(user(email="Ada@Example.COM"), SAID)
    assert await storage.user_by_email("ADA@example.com") == user()
    assert await storage.user("id-ada") == user()
    assert await storage.user("other") is None
    assert await storage.user_by_email("other@example.com") is None
    assert await actions_in(storage) == ["said"]


async def test_saving_replaces_all_but_birth_and_says_whether_there_was_one(storage: Storage) -> None:
    changed = replace(user(), email="new@example.com", name="new", role="member", password_hash=None, disabled=True)
    assert await storage.save_user(changed, SAID) is False
    assert await actions_in(storage) == []
    await storage.add_user(user(), NOTHING)
    assert await storage.save_user(replace(changed, created_at=None), SAID) is True
    assert await storage.user("id-ada") == changed
    assert await actions_in(storage) == ["said"]


async def test_only_administrators_who_may_act_are_counted(storage: Storage) -> None:
    assert await storage.count_administrators() == 0
    for name, more in (("a", {}), ("b", {"disabled": True}), ("c", {"role": "member"}), ("d", {})):
        await storage.add_user(user(name, **more), NOTHING)
    assert await storage.count_administrators() == 2


async def test_people_come_by_address(storage: Storage) -> None:
    for name in ("c", "a", "b"):
        await storage.add_user(user(name), NOTHING)
    first = await storage.users(limit=2)
    second = await storage.users(limit=2, cursor=first.next_cursor)
    assert [one.name for one in (*first.items, *second.items)] == ["a", "b", "c"]
    assert second.next_cursor is None


async def test_deleting_a_person_ends_their_sessions_only(storage: Storage) -> None:
    for name in ("ada", "bob"):
        await storage.add_user(user(name), NOTHING)
        await storage.add_session(Session(f"of-{name}", f"id-{name}", NOW, NOW + SECOND))
    assert await storage.delete_user("id-ada", SAID) is True
    assert await storage.delete_user("id-ada", SAID) is False
    assert await storage.user("id-ada") is None
    assert await storage.session("of-ada", now=NOW) is None
    assert await storage.session("of-bob", now=NOW) is not None
    assert await actions_in(storage) == ["said"]


# --- sessions


async def test_a_session_without_end_or_person_is_refused(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    with pytest.raises(InputError):
        await storage.add_session(Session("t", "id-ada", NOW))
    with pytest.raises(Conflict):
        await storage.add_session(Session("t", "nobody", NOW, NOW + SECOND))


async def test_a_session_that_ended_is_not_found(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    session = Session("t", "id-ada", NOW, NOW + SECOND, NOW)
    await storage.add_session(session)
    assert await storage.session("t", now=NOW) == session
    assert await storage.session("t", now=NOW + SECOND) is None
    assert await storage.session("other", now=NOW) is None
    assert await storage.delete_session("t") is True
    assert await storage.delete_session("t") is False
    assert await storage.session("t", now=NOW) is None


async def test_all_sessions_of_a_person_end_at_once(storage: Storage) -> None:
    for name in ("ada", "bob"):
        await storage.add_user(user(name), NOTHING)
        for n in range(3):
            await storage.add_session(Session(f"{name}{n}", f"id-{name}", NOW, NOW + SECOND))
    assert await storage.delete_sessions_of("id-ada") == 3
    assert await storage.delete_sessions_of("id-ada") == 0
    assert await storage.session("bob0", now=NOW) is not None


async def test_ending_the_others_leaves_the_one_session(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    for n in range(3):
        await storage.add_session(Session(f"ada{n}", "id-ada", NOW, NOW + SECOND))
    assert await storage.delete_sessions_of("id-ada", but="ada1") == 2
    assert [one.token_hash for one in await storage.sessions_of("id-ada", now=NOW)] == ["ada1"]


async def test_a_persons_sessions_come_by_when_they_were_seen_and_only_live_ones(storage: Storage) -> None:
    for name in ("ada", "bob"):
        await storage.add_user(user(name), NOTHING)
    whole = Session("a", "id-ada", NOW, NOW + 9 * SECOND, NOW + SECOND, "192.0.2.1", "Firefox", "passkey", NOW)
    old = Session("b", "id-ada", NOW + 3 * SECOND, NOW + 9 * SECOND)
    for session in (whole, old, Session("c", "id-ada", NOW, NOW + SECOND), Session("d", "id-bob", NOW, NOW + SECOND)):
        await storage.add_session(session)
    assert list(await storage.sessions_of("id-ada", now=NOW + SECOND)) == [old, whole]


async def test_a_session_that_ended_cannot_be_confirmed(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    assert await storage.confirm_session("t", now=NOW) is False
    await storage.add_session(Session("t", "id-ada", NOW, NOW + SECOND))
    assert await storage.confirm_session("t", now=NOW) is True
    found = await storage.session("t", now=NOW)
    assert found is not None
    assert found.confirmed_at == NOW


# --- API keys


async def test_a_key_comes_back_as_it_was_stored(storage: Storage) -> None:
    every = api_key("all", connections=None, expires_at=NOW)
    none = api_key("none", connections=())
    for key in (every, none):
        await storage.add_api_key(key, SAID)
    assert await storage.api_key_by_hash("hash-all") == every
    assert await storage.api_key("id-none") == none
    assert await storage.api_key_by_hash("id-all") is None
    assert await storage.api_key("hash-all") is None
    assert await actions_in(storage) == ["said", "said"]


async def test_a_key_that_exists_is_refused(storage: Storage) -> None:
    await storage.add_api_key(api_key(), NOTHING)
    with pytest.raises(Conflict) as caught:
        await storage.add_api_key(api_key("ci", id="other"), SAID)
    assert caught.value.field == "secret_hash"
    assert "hash-ci" not in str(caught.value)
    assert await actions_in(storage) == []


async def test_a_key_is_revoked_once(storage: Storage) -> None:
    await storage.add_api_key(api_key(), NOTHING)
    results = await asyncio.gather(
        *(storage.revoke_api_key("id-ci", now=NOW + n * SECOND, journal=SAID) for n in range(8))
    )
    assert sum(results) == 1
    assert await actions_in(storage) == ["said"]
    key = await storage.api_key("id-ci")
    assert key is not None
    assert key.revoked_at is not None
    assert await storage.revoke_api_key("other", now=NOW, journal=SAID) is False
    assert await actions_in(storage) == ["said"]


async def test_keys_come_by_name_and_their_last_use_never_goes_backwards(storage: Storage) -> None:
    for name in ("b", "a", "c"):
        await storage.add_api_key(api_key(name), NOTHING)
    await storage.add_api_key(api_key("b", id="id-b2", secret_hash="h"), NOTHING)
    await storage.touch_api_keys({"id-a": NOW, "id-b": NOW})
    await storage.touch_api_keys({"id-a": NOW + SECOND, "id-b": NOW - SECOND})
    first = await storage.api_keys(limit=2)
    second = await storage.api_keys(limit=2, cursor=first.next_cursor)
    found = [(one.id, one.last_used_at) for one in (*first.items, *second.items)]
    assert found == [("id-a", NOW + SECOND), ("id-b", NOW), ("id-b2", None), ("id-c", None)]
