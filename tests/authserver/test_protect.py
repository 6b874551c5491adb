from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from tests.authserver.conftest import ADMIN_EMAIL, ADMIN_PASSWORD, World, at

from isthmus.authserver.keys import draw_key
from isthmus.authserver.protect import Protect
from isthmus.errors import NotAuthenticated, StorageError

pytestmark = pytest.mark.anyio
HERE = "192.0.2.7"


async def make_key(world: World, **document: Any) -> tuple[str, str]:
    made = await world.accounts.create_api_key(world.admin, {"name": "CI", **document})
    return made["key"], made["id"]


async def refused(call: Callable[[], Awaitable[Any]]) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        await call()
    return caught.value.code


@pytest.mark.parametrize("token", ["", "isk_", "admin", "isk_" + "a" * 50, "\udc80", draw_key()], ids=range(6))
async def test_a_key_that_is_not_ours_is_refused(world: World, token: str) -> None:
    assert await refused(lambda: world.protect.actor_for_key(token, HERE)) == "invalid_token"


async def test_a_malformed_key_is_refused_without_the_database(world: World) -> None:
    await world.storage.close()
    assert await refused(lambda: world.protect.actor_for_key("isk_wrong", HERE)) == "invalid_token"


async def test_a_key_stands_for_the_functions_it_may_run(world: World) -> None:
    key, _ = await make_key(world, functions=["standalone.a", "standalone.a"])
    assert (await world.protect.actor_for_key(key, HERE)).functions == ("standalone.a",)


async def test_a_key_stands_for_its_role_and_connections(world: World) -> None:
    key, key_id = await make_key(world, role="developer", connections=["crm", "crm", "mail"])
    actor = await world.protect.actor_for_key(key, HERE)
    assert (actor.kind, actor.id, actor.name, actor.role) == ("api_key", f"api_key:{key_id}", "CI", "developer")
    assert (actor.connections, actor.functions, actor.address) == (("crm", "mail"), None, HERE)
    assert (await world.protect.actor_for_key(key, "192.0.2.8")).address == "192.0.2.8"


async def test_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_a_second(world: World) -> None:
    key, key_id = await make_key(world)
    _, elsewhere = world.another_process()
    await world.protect.actor_for_key(key, HERE)
    await elsewhere.actor_for_key(key, HERE)
    await world.accounts.revoke_api_key(world.admin, key_id)
    assert await refused(lambda: world.protect.actor_for_key(key, HERE)) == "invalid_token"
    assert await elsewhere.actor_for_key(key, HERE)
    world.clock.move(seconds=1)
    assert await refused(lambda: elsewhere.actor_for_key(key, HERE)) == "invalid_token"


async def test_a_look_up_under_way_does_not_outlive_a_revocation(world: World) -> None:
    key, key_id = await make_key(world)
    read = world.storage.api_key_by_hash

    class SlowStorage:
        """The storage, with a revocation between the read and its answer."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.storage, name)

        async def api_key_by_hash(self, secret_hash: str) -> Any:
            found = await read(secret_hash)
            if found is not None and found.revoked_at is None:
                await world.accounts.revoke_api_key(world.admin, key_id)
                protect.forget()
            return found

    protect = Protect(storage=SlowStorage(), proofs=world.proofs, clock=world.clock)  # type: ignore[arg-type]
    await protect.actor_for_key(key, HERE)
    assert await refused(lambda: protect.actor_for_key(key, HERE)) == "invalid_token"


async def test_a_key_ends_when_it_expires_though_it_is_remembered(world: World) -> None:
    key, _ = await make_key(world, expires_at="2026-01-01T00:00:00.500Z")
    await world.protect.actor_for_key(key, HERE)
    world.clock.move(seconds=0.5)
    assert await refused(lambda: world.protect.actor_for_key(key, HERE)) == "invalid_token"


async def test_a_remembered_key_needs_no_database(world: World) -> None:
    key, _ = await make_key(world)
    actor = await world.protect.actor_for_key(key, HERE)
    await world.storage.close()
    assert await world.protect.actor_for_key(key, HERE) == actor


class Counting:
    """The storage, with the reads of keys and sessions counted."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.storage, name)

    async def api_key_by_hash(self, secret_hash: str) -> Any:
        self.reads += 1
        return await self.world.storage.api_key_by_hash(secret_hash)

    async def session(self, token_hash: str, *, now: datetime) -> Any:
        self.reads += 1
        return await self.world.storage.session(token_hash, now=now)


def counted(world: World) -> tuple[Counting, Protect]:
    storage = Counting(world)
    return storage, Protect(storage=storage, proofs=world.proofs, clock=world.clock)  # type: ignore[arg-type]


async def test_callers_who_show_the_same_at_the_same_time_cause_one_look_up(world: World) -> None:
    key, _ = await make_key(world)
    token, _ = await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))
    storage, protect = counted(world)
    for _ in range(2):
        storage.reads = 0
        actors = await asyncio.gather(*(protect.actor_for_key(key, HERE) for _ in range(50)))
        assert storage.reads == 1
        assert len(set(actors)) == 1
        storage.reads = 0
        people = await asyncio.gather(*(protect.actor_for_session(token, HERE) for _ in range(50)))
        assert storage.reads == 1
        assert len(set(people)) == 1
        world.clock.move(seconds=1)


async def test_what_is_used_all_the_time_is_looked_up_ahead_and_nobody_waits(world: World) -> None:
    key, key_id = await make_key(world)
    storage, protect = counted(world)
    actor = await protect.actor_for_key(key, HERE)
    world.clock.move(seconds=0.8)
    for _ in range(3):
        assert await protect.actor_for_key(key, HERE) == actor
    for _ in range(2000):
        if storage.reads == 2:
            break
        await asyncio.sleep(0.001)
    world.clock.move(seconds=0.5)
    accounts, _ = world.another_process()
    await accounts.revoke_api_key(world.admin, key_id)
    world.clock.move(seconds=0.5)
    assert await refused(lambda: protect.actor_for_key(key, HERE)) == "invalid_token"
    assert storage.reads == 3


async def test_the_use_of_a_key_is_noted_once_a_minute_and_never_needed(world: World) -> None:
    key, key_id = await make_key(world)
    await world.protect.actor_for_key(key, HERE)
    first = (await world.accounts.api_key(world.admin, key_id))["last_used_at"]
    world.clock.move(seconds=30)
    await world.protect.actor_for_key(key, HERE)
    assert (await world.accounts.api_key(world.admin, key_id))["last_used_at"] == first
    world.clock.move(seconds=40)

    class FullDisk:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.storage, name)

        async def touch_api_keys(self, used: Any) -> None:
            raise StorageError("The disk is full.")

    assert await Protect(storage=FullDisk(), proofs=world.proofs, clock=world.clock).actor_for_key(key, HERE)  # type: ignore[arg-type]
    await world.protect.actor_for_key(key, HERE)
    assert (await world.accounts.api_key(world.admin, key_id))["last_used_at"] != first


async def test_an_unknown_session_is_refused(world: World) -> None:
    assert await refused(lambda: world.protect.actor_for_session("unknown", HERE)) == "session_ended"


async def test_a_session_ends_after_twelve_idle_hours(world: World) -> None:
    token, _ = await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))
    world.clock.move(hours=11, minutes=59)
    await world.protect.actor_for_session(token, HERE)
    world.clock.move(hours=11, minutes=59)
    await world.protect.actor_for_session(token, HERE)
    world.clock.move(hours=12, minutes=1)
    assert await refused(lambda: world.protect.actor_for_session(token, HERE)) == "session_ended"


async def test_a_session_ends_after_seven_days_however_busy(world: World) -> None:
    token, _ = await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))
    for _ in range(27):
        world.clock.move(hours=6)
        await world.protect.actor_for_session(token, HERE)
    world.clock.move(hours=6)
    assert await refused(lambda: world.protect.actor_for_session(token, HERE)) == "session_ended"


async def test_signing_out_ends_the_session_at_once(world: World) -> None:
    token, _ = await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))
    await world.protect.actor_for_session(token, HERE)
    world.clock.move(hours=1)
    await world.accounts.sign_out(token)
    assert await refused(lambda: world.protect.actor_for_session(token, HERE)) == "session_ended"
    await world.accounts.sign_out(token)


async def test_a_disabled_or_demoted_person_is_signed_out_everywhere(world: World) -> None:
    person = {"email": "bob@example.com", "role": "developer", "password": "long enough"}
    made = await world.accounts.create_user(world.admin, person)
    for change in ({"role": "member"}, {"disabled": True}):
        token, actor = await world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
        assert (await world.protect.actor_for_session(token, HERE)).id == actor.id == f"user:{made['id']}"
        await world.accounts.update_user(world.admin, made["id"], change)
        assert await refused(lambda token=token: world.protect.actor_for_session(token, HERE)) == "session_ended"


async def test_the_terminal_s_actor_administers(world: World) -> None:
    actor = world.protect.system_actor()
    assert (actor.kind, actor.id, actor.role, actor.connections) == ("system", "system", "administrator", None)
