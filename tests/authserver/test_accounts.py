from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.authserver.conftest import ADMIN_EMAIL, ADMIN_PASSWORD, World, at, make_accounts

from isthmus.authserver.attempts import FREE_ATTEMPTS
from isthmus.authserver.keys import is_well_formed
from isthmus.errors import AccessDenied, Conflict, InputError, IsthmusError, NotAuthenticated, NotFound, RateLimited
from isthmus.records import Actor
from isthmus.settings import Settings
from isthmus.storage import Journal

pytestmark = pytest.mark.anyio
HERE = "192.0.2.7"
BOB = {"email": "bob@example.com", "name": "Bob", "role": "member", "password": "long enough"}


async def make_bob(world: World, **changes: Any) -> Actor:
    made = await world.accounts.create_user(world.admin, {**BOB, **changes})
    return Actor("user", f"user:{made['id']}", "Bob", made["role"], None, HERE)


def id_of(actor: Actor) -> str:
    return actor.id.removeprefix("user:")


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


async def activity(world: World) -> list[tuple[str, str, str, str]]:
    page = await world.storage.activity(limit=200)
    return [(entry.actor, entry.action, entry.target, entry.result) for entry in page.items]


LIMITED = {
    "administrator of some connections": Actor("api_key", "api_key:k", "CI", "administrator", ("crm",)),
    "administrator of some functions": Actor("api_key", "api_key:k", "CI", "administrator", functions=("a.b",)),
}


@pytest.mark.parametrize("role", ["developer", "member", *LIMITED])
async def test_only_an_unlimited_administrator_manages_people_and_keys(world: World, role: str) -> None:
    actor = LIMITED[role] if role in LIMITED else await make_bob(world, role=role)
    admin_id = id_of(world.admin)
    before = await activity(world)
    for call in (
        world.accounts.users(actor, limit=10),
        world.accounts.create_user(actor, {**BOB, "email": "eve@example.com"}),
        world.accounts.delete_user(actor, admin_id),
        world.accounts.api_keys(actor, limit=10),
        world.accounts.create_api_key(actor, {"name": "CI"}),
        world.accounts.revoke_api_key(actor, "any"),
        world.accounts.api_key(actor, "any"),
    ):
        with pytest.raises(AccessDenied):
            await call
    for call in (world.accounts.user(actor, admin_id), world.accounts.update_user(actor, admin_id, {"name": "x"})):
        with pytest.raises(NotFound):
            await call
    assert await activity(world) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no-address"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a@b\x00"}, "email"),
        ({"email": None}, "email"),
        ({"role": "owner"}, "role"),
        ({"password": "short"}, "password"),
        ({"password": None}, "password"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"id": "mine"}, "id"),
        ({"password_hash": "x"}, "password_hash"),
    ],
)
async def test_a_person_with_a_wrong_value_is_not_made(world: World, change: dict[str, Any], field: str) -> None:
    before = await activity(world)
    with pytest.raises(InputError) as caught:
        await world.accounts.create_user(world.admin, {**BOB, **change})
    assert caught.value.field == field
    assert await activity(world) == before


@pytest.mark.parametrize("email", ["bob@example.com", "BOB@Example.com", " bob@example.com ", "ｂob@example.com"])
async def test_an_address_is_taken_however_it_is_written(world: World, email: str) -> None:
    await make_bob(world)
    with pytest.raises(Conflict) as caught:
        await world.accounts.create_user(world.admin, {**BOB, "email": email})
    assert caught.value.code == "email_taken"


async def test_a_person_is_shown_without_password(world: World) -> None:
    made = await world.accounts.create_user(world.admin, BOB)
    assert {key: made[key] for key in ("email", "name", "role", "disabled")} == {
        "email": "bob@example.com",
        "name": "Bob",
        "role": "member",
        "disabled": False,
    }
    assert "argon2" not in repr(made)
    page = await world.accounts.users(world.admin, limit=1)
    assert len(page.items) == 1
    assert page.next_cursor


async def test_a_member_reads_and_renames_only_themselves(world: World) -> None:
    bob = await make_bob(world)
    assert (await world.accounts.user(bob, id_of(bob)))["email"] == "bob@example.com"
    assert (await world.accounts.update_user(bob, id_of(bob), {"name": "Robert"}))["name"] == "Robert"
    for change in ({"role": "administrator"}, {"disabled": False}, {"email": "root@example.com"}):
        with pytest.raises(InputError) as caught:
            await world.accounts.update_user(bob, id_of(bob), change)
        assert caught.value.code == "field_unknown"


async def test_the_own_password_is_changed_only_with_the_present_one(world: World) -> None:
    bob = await make_bob(world)
    token, _ = await world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    for wrong in ({}, {"current_password": "wrong"}):
        with pytest.raises(AccessDenied) as caught:
            await world.accounts.update_user(bob, id_of(bob), {"password": "another one", **wrong})
        assert caught.value.code == "current_password_wrong"
    await world.accounts.update_user(bob, id_of(bob), {"password": "another one", "current_password": "long enough"})
    with pytest.raises(NotAuthenticated):
        await world.protect.actor_for_session(token, HERE)
    await world.accounts.sign_in("bob@example.com", "another one", at(HERE))


async def test_guessing_the_present_password_is_limited_too(world: World) -> None:
    bob = await make_bob(world)
    guess = {"password": "another one", "current_password": "x"}
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(AccessDenied):
            await world.accounts.update_user(bob, id_of(bob), guess)
    with pytest.raises(RateLimited):
        await world.accounts.update_user(bob, id_of(bob), guess)


async def test_the_last_administrator_stays(world: World) -> None:
    admin_id = id_of(world.admin)
    for call in (
        world.accounts.delete_user(world.admin, admin_id),
        world.accounts.update_user(world.admin, admin_id, {"role": "member"}),
        world.accounts.update_user(world.admin, admin_id, {"disabled": True}),
    ):
        with pytest.raises(Conflict) as caught:
            await call
        assert caught.value.code == "last_administrator"
    assert (await world.accounts.user(world.admin, admin_id))["role"] == "administrator"


async def test_two_administrators_cannot_remove_each_other_at_once(world: World) -> None:
    other = await make_bob(world, role="administrator")
    elsewhere, _ = world.another_process()
    results = await asyncio.gather(
        world.accounts.delete_user(world.admin, id_of(other)),
        elsewhere.update_user(other, id_of(world.admin), {"role": "member"}),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Conflict) for result in results) == 1
    assert await world.storage.count_administrators() == 1


async def test_a_change_and_its_entry_are_one(world: World) -> None:
    bob = await make_bob(world)
    await world.accounts.update_user(world.admin, id_of(bob), {"role": "developer"})
    await world.accounts.delete_user(world.admin, id_of(bob))
    made = await world.accounts.create_api_key(world.admin, {"name": "CI"})
    await world.accounts.revoke_api_key(world.admin, made["id"])
    told = await activity(world)
    admin = world.admin.id
    assert [entry for entry in reversed(told) if entry[0] == admin] == [
        (admin, "user.create", bob.id, "done"),
        (admin, "user.update", bob.id, "done"),
        (admin, "user.delete", bob.id, "done"),
        (admin, "api_key.create", f"api_key:{made['id']}", "done"),
        (admin, "api_key.revoke", f"api_key:{made['id']}", "done"),
    ]
    assert ("system", "user.create", admin, "done") in told


async def test_a_deleted_person_is_gone_with_their_session(world: World) -> None:
    bob = await make_bob(world)
    token, _ = await world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    await world.accounts.delete_user(world.admin, id_of(bob))
    with pytest.raises(NotAuthenticated):
        await world.protect.actor_for_session(token, HERE)
    for call in (world.accounts.user(world.admin, id_of(bob)), world.accounts.delete_user(world.admin, id_of(bob))):
        with pytest.raises(NotFound):
            await call


# --- API keys


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "CI", "role": "root"}, "role"),
        ({"name": "CI", "connections": "crm"}, "connections"),
        ({"name": "CI", "connections": ["Not a name"]}, "connections"),
        ({"name": "CI", "connections": [1]}, "connections"),
        ({"name": "CI", "functions": "standalone.a"}, "functions"),
        ({"name": "CI", "functions": ["no point"]}, "functions"),
        ({"name": "CI", "functions": [None]}, "functions"),
        ({"name": "CI", "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "CI", "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"name": "CI", "expires_at": "2025-12-31T23:59:59Z"}, "expires_at"),
        ({"name": "CI", "expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at"),
        ({"name": "CI", "expires_at": 1893456000}, "expires_at"),
        ({"name": "CI", "secret_hash": "x"}, "secret_hash"),
    ],
)
async def test_a_key_with_a_wrong_value_is_not_made(world: World, document: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        await world.accounts.create_api_key(world.admin, document)
    assert caught.value.field == field
    assert (await world.accounts.api_keys(world.admin, limit=10)).items == []


async def test_a_key_is_told_once_and_kept_as_a_hash(world: World, tmp_path: Path) -> None:
    made = await world.accounts.create_api_key(world.admin, {"name": "CI", "connections": []})
    key = made.pop("key")
    assert is_well_formed(key)
    assert made["hint"] == key[-4:]
    assert made["connections"] == []
    listed = (await world.accounts.api_keys(world.admin, limit=10)).items
    assert listed == [made]
    assert await world.accounts.api_key(world.admin, made["id"]) == made
    assert key not in repr(await activity(world))
    written = b"".join(contents(tmp_path))
    assert made["id"].encode() in written
    assert key.encode() not in written


async def test_revoking_twice_is_no_error_and_revoking_nothing_is(world: World) -> None:
    made = await world.accounts.create_api_key(world.admin, {"name": "CI"})
    for _ in range(2):
        await world.accounts.revoke_api_key(world.admin, made["id"])
    with pytest.raises(NotFound):
        await world.accounts.revoke_api_key(world.admin, "unknown")


# --- signing in


async def test_every_failure_to_sign_in_looks_the_same(world: World) -> None:
    await make_bob(world)
    off = await make_bob(world, email="off@example.com")
    await world.accounts.update_user(world.admin, id_of(off), {"disabled": True})
    told = set()
    for number, (email, password) in enumerate(
        [
            ("bob@example.com", "wrong password"),
            ("bob@example.com", ""),
            ("bob@example.com", "x" * 5000),
            ("nobody@example.com", "long enough"),
            ("no-address", "long enough"),
            ("a\x00@example.com", "long enough"),
            ("off@example.com", "long enough"),
        ]
    ):
        with pytest.raises(NotAuthenticated) as caught:
            await world.accounts.sign_in(email, password, at(f"192.0.2.{number}"))
        told.add((type(caught.value), caught.value.code, caught.value.message, caught.value.hint))
    assert len(told) == 1
    entries = await activity(world)
    assert sum(entry[1:] == ("user.sign_in", "unknown", "refused") for entry in entries) == 3
    assert "nobody@example.com" not in repr(entries)


async def test_repeated_failures_wait_here_but_not_elsewhere(world: World) -> None:
    async def attempt(address: str) -> type[IsthmusError] | None:
        try:
            await world.accounts.sign_in(ADMIN_EMAIL, "wrong password", at(address))
        except IsthmusError as problem:
            return type(problem)
        return None

    results = await asyncio.gather(*(attempt("198.51.100.1") for _ in range(50)))
    assert results.count(NotAuthenticated) == FREE_ATTEMPTS
    assert results.count(RateLimited) == 50 - FREE_ATTEMPTS
    with pytest.raises(RateLimited):
        await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at("198.51.100.1"))
    assert await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))
    world.clock.move(seconds=1)
    assert await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at("198.51.100.1"))


async def test_signing_in_gives_a_new_session_each_time(world: World) -> None:
    tokens = {(await world.accounts.sign_in(" ADMIN@example.com ", ADMIN_PASSWORD, at(HERE)))[0] for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        assert len(token) == 43
        assert (await world.protect.actor_for_session(token, HERE)).id == world.admin.id


async def test_an_older_hash_is_renewed_when_its_person_signs_in(world: World) -> None:
    admin_id = id_of(world.admin)
    old = (await world.storage.user(admin_id)).password_hash  # type: ignore[union-attr]
    newer = make_accounts(world.storage, world.protect, world.clock, world.settings)
    newer._passwords = type(newer._passwords)(time_cost=2, memory_kib=64, parallelism=1)
    await newer.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))
    new = (await world.storage.user(admin_id)).password_hash  # type: ignore[union-attr]
    assert "t=2" in str(new)
    assert new != old
    await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))


# --- the first administrator


async def test_the_first_administrator_is_made_only_while_there_is_none(world: World) -> None:
    assert not await world.accounts.bootstrap()
    other = replace(world.settings, admin_email="other@example.com")
    assert not await make_accounts(world.storage, world.protect, world.clock, other).bootstrap()
    assert len((await world.accounts.users(world.admin, limit=10)).items) == 1


async def test_processes_that_start_together_make_one_administrator(world: World, tmp_path: Path) -> None:
    admin = await world.storage.user(id_of(world.admin))
    assert admin is not None
    bob = await make_bob(world, role="administrator")
    await world.accounts.update_user(bob, id_of(world.admin), {"role": "member"})
    await world.storage.delete_user(id_of(bob), Journal())
    settings = replace(world.settings, admin_email="new@example.com")
    made = await asyncio.gather(
        *(make_accounts(world.storage, world.protect, world.clock, settings).bootstrap() for _ in range(3))
    )
    assert sorted(made) == [False, False, True]


@pytest.mark.parametrize(("setting", "value"), [("admin_email", "nobody"), ("admin_password", "short")])
async def test_a_setting_that_makes_no_administrator_is_named(world: World, setting: str, value: str) -> None:
    await world.storage.delete_user(id_of(world.admin), Journal())
    settings: Settings = replace(world.settings, **{setting: value})  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        await make_accounts(world.storage, world.protect, world.clock, settings).bootstrap()
    assert caught.value.field == setting
    assert value not in caught.value.message
