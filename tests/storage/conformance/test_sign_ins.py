from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.made import NOTHING, NOW, SECOND, actions_in, activity, identity, passkey, user

from isthmus.errors import Conflict
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))


# --- passkeys


async def test_a_credential_that_is_known_is_nobody_elses(storage: Storage) -> None:
    for name in ("ada", "bob"):
        await storage.add_user(user(name), NOTHING)
    await storage.add_passkey(passkey(), SAID)
    with pytest.raises(Conflict):
        await storage.add_passkey(passkey(user_id="id-bob"), SAID)
    assert await storage.passkey("key-laptop") == passkey()
    assert await actions_in(storage) == ["said"]


async def test_a_passkey_of_nobody_is_refused(storage: Storage) -> None:
    with pytest.raises(Conflict):
        await storage.add_passkey(passkey(), SAID)
    assert await storage.passkey("key-laptop") is None


async def test_only_their_person_removes_a_passkey(storage: Storage) -> None:
    for name in ("ada", "bob"):
        await storage.add_user(user(name), NOTHING)
    await storage.add_passkey(passkey(), NOTHING)
    assert await storage.delete_passkey("id-bob", "key-laptop", SAID) is False
    assert await storage.delete_passkey("id-ada", "other", SAID) is False
    assert await actions_in(storage) == []
    assert await storage.delete_passkey("id-ada", "key-laptop", SAID) is True
    assert await storage.passkey("key-laptop") is None
    assert await actions_in(storage) == ["said"]


async def test_of_two_uses_with_one_count_only_one_is_noted(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    await storage.add_passkey(passkey(sign_count=4), NOTHING)
    uses = [storage.use_passkey("key-laptop", seen=4, sign_count=5, synced=False, now=NOW + SECOND) for _ in range(8)]
    assert sum(await asyncio.gather(*uses)) == 1
    assert await storage.passkey("key-laptop") == passkey(sign_count=5, synced=False, last_used_at=NOW + SECOND)
    assert await storage.use_passkey("other", seen=0, sign_count=1, synced=False, now=NOW) is False


async def test_a_persons_passkeys_come_oldest_first_and_go_with_the_person(storage: Storage) -> None:
    for name in ("ada", "bob"):
        await storage.add_user(user(name), NOTHING)
    later = passkey("phone", created_at=NOW + SECOND)
    for one in (later, passkey(), passkey("stick", user_id="id-bob")):
        await storage.add_passkey(one, NOTHING)
    assert list(await storage.passkeys_of("id-ada")) == [passkey(), later]
    await storage.delete_user("id-ada", NOTHING)
    assert await storage.passkey("key-laptop") is None
    assert await storage.passkey("key-stick") is not None


# --- identities


async def test_an_identity_belongs_to_one_person(storage: Storage) -> None:
    for name in ("ada", "bob"):
        await storage.add_user(user(name), NOTHING)
    await storage.add_identity(identity(), SAID)
    with pytest.raises(Conflict):
        await storage.add_identity(identity(user_id="id-bob"), SAID)
    await storage.add_identity(identity(issuer="https://other.example", user_id="id-bob"), NOTHING)
    assert await storage.identity("https://login.example", "ada@idp") == identity()
    assert await storage.identity("https://login.example/", "ada@idp") is None
    assert await storage.identity("https://login.example", "Ada@idp") is None
    assert await actions_in(storage) == ["said"]


async def test_a_new_person_and_their_identity_are_there_together_or_not_at_all(storage: Storage) -> None:
    await storage.add_user(user("bob"), NOTHING)
    await storage.add_identity(identity(user_id="id-bob"), NOTHING)
    with pytest.raises(Conflict):
        await storage.add_identity(identity(), SAID, user=user())
    assert await storage.user("id-ada") is None
    with pytest.raises(Conflict) as caught:
        await storage.add_identity(identity("new"), SAID, user=user(email="BOB@example.com"))
    assert caught.value.field == "email"
    assert await storage.identity("https://login.example", "new") is None
    await storage.add_identity(identity("new"), SAID, user=user(password_hash=None))
    assert await storage.user("id-ada") == user(password_hash=None)
    assert await actions_in(storage) == ["said"]


async def test_an_identity_tells_its_last_address_and_use(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    await storage.add_identity(identity(), NOTHING)
    await storage.touch_identity("https://login.example", "ada@idp", email="new@example.com", now=NOW + SECOND)
    used = replace(identity(), email="new@example.com", last_used_at=NOW + SECOND)
    assert list(await storage.identities_of("id-ada")) == [used]


async def test_only_their_person_removes_an_identity(storage: Storage) -> None:
    await storage.add_user(user(), NOTHING)
    await storage.add_identity(identity(), NOTHING)
    assert await storage.delete_identity("id-bob", "https://login.example", "ada@idp", SAID) is False
    assert await storage.delete_identity("id-ada", "https://login.example", "ada@idp", SAID) is True
    assert await storage.identities_of("id-ada") == []
    assert await actions_in(storage) == ["said"]
