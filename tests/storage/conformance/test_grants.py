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
    authorization_code,
    client,
    grant,
    token,
    user,
)

from isthmus.errors import Conflict
from isthmus.records import DeviceAuthorization, TokenHolder
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))


@pytest.fixture(autouse=True)
async def known(storage: Storage) -> None:
    await storage.add_client(client(), None, NOTHING)
    await storage.add_user(user(), NOTHING)


async def test_a_grant_of_an_unknown_client_is_refused_whole(storage: Storage) -> None:
    with pytest.raises(Conflict) as caught:
        await storage.add_grant(grant(client_id="nobody"), [token()], SAID)
    assert caught.value.code == "gone"
    assert await storage.token_holder("t1") is None
    assert await actions_in(storage) == []


async def test_one_look_up_finds_all_that_decides(storage: Storage) -> None:
    await storage.add_grant(grant(), [token(), token("t2", kind="refresh")], SAID)
    assert await storage.token_holder("t2") == TokenHolder(token("t2", kind="refresh"), grant(), client(), user())
    assert await storage.token_holder("t3") is None
    await storage.delete_user("id-ada", NOTHING)
    holder = await storage.token_holder("t1")
    assert holder is not None
    assert holder.user is None


async def test_a_code_is_redeemed_once_however_many_ask(storage: Storage) -> None:
    await storage.add_authorization_code(authorization_code(), NOTHING)
    asked = [
        storage.redeem_code("code", grant(f"g{n}"), [token(f"t{n}", grant_id=f"g{n}")], now=NOW, journal=SAID)
        for n in range(8)
    ]
    redeemed = await asyncio.gather(*asked)
    assert sum(redeemed) == 1
    winner = f"g{redeemed.index(True)}"
    spent = await storage.authorization_code("code")
    assert spent == replace(authorization_code(), spent_at=NOW, grant_id=winner)
    assert [item.id for item in (await storage.grants(now=NOW, limit=9)).items] == [winner]
    assert await actions_in(storage) == ["said"]


async def test_an_expired_code_is_not_redeemed(storage: Storage) -> None:
    await storage.add_authorization_code(authorization_code(), NOTHING)
    assert not await storage.redeem_code("code", grant(), [token()], now=NOW + SECOND, journal=SAID)
    assert await storage.grant("g1") is None


async def test_a_refresh_token_is_spent_once(storage: Storage) -> None:
    await storage.add_grant(grant(), [token("r1", kind="refresh")], NOTHING)
    spent = token("r1", kind="refresh")
    asked = [
        storage.rotate_token(spent, [token(f"r1{n}", kind="refresh"), token(f"a{n}")], successor_hash=f"r1{n}", now=NOW)
        for n in range(6)
    ]
    assert sum(await asyncio.gather(*asked)) == 1
    holder = await storage.token_holder("r1")
    assert holder is not None
    assert holder.token.spent_at == NOW
    assert await storage.token_holder(holder.token.successor_hash) is not None


async def test_an_unused_successor_is_taken_back_and_a_used_one_is_not(storage: Storage) -> None:
    first, second = token("r1", kind="refresh"), token("r2", kind="refresh")
    await storage.add_grant(grant(), [first], NOTHING)
    assert await storage.rotate_token(first, [second, token("a2")], successor_hash="r2", now=NOW)
    spent = replace(first, spent_at=NOW, successor_hash="r2")
    third = [token("r3", kind="refresh"), token("a3")]
    assert await storage.rotate_token(spent, third, successor_hash="r3", now=NOW + SECOND)
    assert await storage.token_holder("r2") is None
    assert await storage.token_holder("a2") is None
    assert await storage.token_holder("a3") is not None
    holder = await storage.token_holder("r1")
    assert holder is not None
    assert holder.token == replace(spent, successor_hash="r3")
    assert await storage.rotate_token(third[0], [token("r4", kind="refresh")], successor_hash="r4", now=NOW)
    again = replace(spent, successor_hash="r3")
    assert not await storage.rotate_token(again, [token("r5", kind="refresh")], successor_hash="r5", now=NOW)
    assert await storage.token_holder("r5") is None
    assert await storage.token_holder("a3") is not None


async def test_grants_are_listed_newest_first_for_client_and_person(storage: Storage) -> None:
    await storage.add_client(client("c2"), None, NOTHING)
    await storage.add_grant(grant("g1"), [token("t1", grant_id="g1")], NOTHING)
    await storage.add_grant(grant("g2", client_id="c2", created_at=NOW + SECOND), [token("t2", grant_id="g2")], NOTHING)
    await storage.add_grant(grant("g3", user_id=""), [token("t3", grant_id="g3")], NOTHING)
    await storage.add_grant(grant("g4", expires_at=NOW), [token("t4", grant_id="g4")], NOTHING)

    async def ids(**more: str) -> list[str]:
        return [item.id for item in (await storage.grants(now=NOW, limit=9, **more)).items]

    assert await ids() == ["g2", "g3", "g1"]
    assert await ids(client_id="c1") == ["g3", "g1"]
    assert await ids(user_id="id-ada") == ["g2", "g1"]


async def test_revoking_ends_tokens_with_their_grant(storage: Storage) -> None:
    for number in range(3):
        name = f"g{number}"
        await storage.add_grant(grant(name), [token(f"t{number}", grant_id=name)], NOTHING)
    assert await storage.revoke_token("t0", NOTHING)
    assert await storage.grant("g0") is not None
    assert await storage.revoke_grant("g1", SAID)
    assert not await storage.revoke_grant("g1", SAID)
    assert await storage.token_holder("t1") is None
    assert await storage.revoke_grants(NOTHING) == 0
    assert await storage.revoke_grants(NOTHING, user_id="id-ada", client_id="other") == 0
    assert await storage.revoke_grants(NOTHING, user_id="id-ada") == 2
    assert await storage.token_holder("t2") is None


async def test_what_ran_out_is_purged(storage: Storage) -> None:
    await storage.add_grant(grant(expires_at=NOW + 5 * SECOND), [token(expires_at=NOW), token("t2")], NOTHING)
    assert await storage.purge_expired(now=NOW) == 1
    assert await storage.token_holder("t2") is not None
    await storage.touch_grants({"g1": NOW})
    found = await storage.grant("g1")
    assert found is not None
    assert found.last_used_at == NOW


async def test_what_was_agreed_to_and_not_yet_fetched_ends_with_the_grants(storage: Storage) -> None:
    for name, user_id, spent in (("ada", "id-ada", None), ("spent", "id-ada", NOW), ("bob", "id-bob", None)):
        await storage.add_authorization_code(authorization_code(name, user_id=user_id, spent_at=spent), NOTHING)
    device = {"client_id": "c1", "scopes": (), "expires_at": NOW + SECOND, "interval_seconds": 5}
    for name in ("ada", "bob"):
        await storage.add_device_authorization(
            DeviceAuthorization(name, f"code-{name}", **device, status="approved", user_id=f"id-{name}")
        )
    await storage.revoke_grants(NOTHING, user_id="id-ada")
    codes = [name for name in ("ada", "spent", "bob") if await storage.authorization_code(name)]
    devices = [name for name in ("ada", "bob") if await storage.device_authorization(name)]
    assert (codes, devices) == (["spent", "bob"], ["bob"])
