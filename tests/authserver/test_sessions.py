"""Where a person is signed in: only their own, ended at once, and what else ends with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.authserver.conftest import ADMIN_EMAIL, ADMIN_PASSWORD, World, at
from tests.storage.made import client, grant, token

from isthmus.authserver.sessions import CONFIRMED_FOR
from isthmus.errors import AccessDenied, NotAuthenticated, NotFound
from isthmus.records import Actor
from isthmus.storage import Journal

pytestmark = pytest.mark.anyio
HERE, THERE = "192.0.2.7", "198.51.100.9"
BOB = {"email": "bob@example.com", "name": "Bob", "role": "member", "password": "long enough"}


async def make_bob(world: World) -> Actor:
    made = await world.accounts.create_user(world.admin, BOB)
    return Actor("user", f"user:{made['id']}", "Bob", "member", None, HERE)


async def sign_in(world: World, address: str = HERE) -> str:
    return (await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(address, "Firefox on Linux")))[0]


async def is_signed_in(world: World, session: str) -> bool:
    try:
        await world.protect.actor_for_session(session, HERE)
    except NotAuthenticated:
        return False
    return True


async def give_grant(world: World, actor: Actor) -> None:
    """An application holds tokens for this person."""
    now, user_id = world.clock(), actor.id.removeprefix("user:")
    until = now + timedelta(days=1)
    await world.storage.add_client(client(), None, Journal())
    await world.storage.add_grant(
        grant(user_id=user_id, expires_at=until), [token(issued_at=now, expires_at=until)], Journal()
    )


async def grants_of(world: World, actor: Actor) -> int:
    found = await world.storage.grants(now=world.clock(), limit=10, user_id=actor.id.removeprefix("user:"))
    return len(found.items)


async def test_another_persons_session_is_neither_seen_nor_ended(world: World) -> None:
    bob, session = await make_bob(world), await sign_in(world)
    assert await world.sessions.mine(bob, session) == []
    found = (await world.sessions.mine(world.admin, session))[0]
    for name in (found["id"], "0" * 32, ""):
        with pytest.raises(NotFound):
            await world.sessions.end(bob, name)
    assert await is_signed_in(world, session)


async def test_an_api_key_has_no_sessions(world: World) -> None:
    key = Actor("api_key", world.admin.id, "CI", "administrator")
    with pytest.raises(AccessDenied):
        await world.sessions.mine(key, "")


async def test_a_list_of_sessions_tells_where_they_are_and_nothing_that_opens_one(world: World) -> None:
    first = await sign_in(world)
    world.clock.move(minutes=1)
    second = await sign_in(world, THERE)
    shown = await world.sessions.mine(world.admin, first)
    assert [(one["address"], one["current"]) for one in shown] == [(THERE, False), (HERE, True)]
    assert shown[0]["browser"] == "Firefox on Linux"
    assert shown[0]["way"] == "password"
    kept = [one.token_hash for one in await world.storage.sessions_of(world.admin.id[5:], now=world.clock())]
    for secret in (first, second, *kept):
        assert secret not in str(shown)


async def test_a_session_is_ended_from_another_browser_at_once(world: World) -> None:
    first, second = await sign_in(world), await sign_in(world, THERE)
    assert await is_signed_in(world, second)
    other = next(one for one in await world.sessions.mine(world.admin, first) if not one["current"])
    await world.sessions.end(world.admin, other["id"])
    assert not await is_signed_in(world, second)
    assert await is_signed_in(world, first)


async def test_signing_out_everywhere_keeps_this_browser_and_ends_what_applications_hold(world: World) -> None:
    first, second, third = [await sign_in(world) for _ in range(3)]
    await give_grant(world, world.admin)
    assert await world.sessions.end_others(world.admin, second) == 2
    assert [await is_signed_in(world, one) for one in (first, second, third)] == [False, True, False]
    assert await grants_of(world, world.admin) == 0


@pytest.mark.parametrize("by", ["the person", "an administrator"])
async def test_a_new_password_ends_the_other_sessions_and_what_applications_hold(world: World, by: str) -> None:
    bob = await make_bob(world)
    sessions = [(await world.accounts.sign_in("bob@example.com", "long enough", at(HERE)))[0] for _ in range(2)]
    await give_grant(world, bob)
    actor, kept = (bob, sessions[0]) if by == "the person" else (world.admin, "")
    changes = {"password": "another one", "current_password": "long enough"}
    await world.accounts.update_user(bob, bob.id[5:], {"name": "Robert"}, session_token=kept)
    assert await grants_of(world, bob) == 1
    if actor is world.admin:
        del changes["current_password"]
    await world.accounts.update_user(actor, bob.id[5:], changes, session_token=kept)
    assert [await is_signed_in(world, one) for one in sessions] == [by == "the person", False]
    assert await grants_of(world, bob) == 0


async def test_a_confirmation_holds_for_ten_minutes_in_one_browser(world: World) -> None:
    first = await sign_in(world)
    await world.sessions.require_confirmed(first)
    world.clock.move(seconds=CONFIRMED_FOR.total_seconds() + 1)
    second = await sign_in(world)
    await world.sessions.require_confirmed(second)
    for session in (first, "", "made up"):
        with pytest.raises(AccessDenied) as caught:
            await world.sessions.require_confirmed(session)
        assert caught.value.code == "confirmation_required"
    with pytest.raises(AccessDenied):
        await world.accounts.confirm(world.admin, first, "wrong")
    with pytest.raises(AccessDenied):
        await world.sessions.require_confirmed(first)
    await world.accounts.confirm(world.admin, first, ADMIN_PASSWORD)
    await world.sessions.require_confirmed(first)
