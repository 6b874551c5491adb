"""Services and connections: what is refused, by field, and what changing them does."""

from __future__ import annotations

from typing import Any

import pytest
from tests.world import ADMIN, World, person

from isthmus.errors import AccessDenied, Conflict, InputError, NotConnected, NotFound
from isthmus.records import Actor

pytestmark = pytest.mark.anyio

DEVELOPER = Actor("api_key", "api_key:1", "dev", "developer")
LIMITED = Actor("api_key", "api_key:2", "limited", "member", connections=("other",))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"link_name": "Bad Name"}, "link_name"),
        ({"link_name": "x" * 51}, "link_name"),
        ({"name": ""}, "name"),
        ({"service": "nowhere"}, "service"),
        ({"service": None}, "service"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": ["a b"]}, "scopes[0]"),
        ({"variables": {"shop": "x"}}, "variables.shop"),
        ({"policy": {"methods": ["FETCH"]}}, "policy.methods"),
        ({"policy": {"path_prefixes": ["me"]}}, "policy.path_prefixes"),
        ({"policy": {"credential_export": "yes"}}, "policy.credential_export"),
        ({"policy": {"colour": 1}}, "policy.colour"),
        ({"use_credentials_of_login_user": "yes"}, "use_credentials_of_login_user"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_malformed_connection_is_refused_with_its_field(
    world: World, changes: dict[str, Any], field: str
) -> None:
    await world.service("practice_basic")
    document = {"link_name": "link", "name": "Link", "service": "practice_basic", **changes}
    with pytest.raises(InputError) as caught:
        await world.isthmus.directory.create_connection(ADMIN, document)
    assert caught.value.field == field
    assert caught.value.hint
    assert not (await world.isthmus.directory.connections(ADMIN)).items


async def test_a_taken_link_name_is_refused_and_the_first_one_untouched(world: World) -> None:
    await world.service("practice_basic")
    await world.connection("practice_basic")
    with pytest.raises(Conflict) as caught:
        await world.connection("practice_basic", name="Second")
    assert (caught.value.code, caught.value.field) == ("link_name_taken", "link_name")
    with pytest.raises(Conflict):
        await world.service("practice_basic")
    with pytest.raises(Conflict):
        await world.service("practice_basic", link_name="slack")
    assert (await world.shown())["name"] == "link"


@pytest.mark.parametrize("actor", [DEVELOPER, person("somebody")])
async def test_only_an_administrator_manages_services_and_connections(world: World, actor: Actor) -> None:
    await world.connected("practice_basic")
    directory = world.isthmus.directory
    for call in (
        directory.create_service(actor, {}),
        directory.update_service(actor, "practice_basic", {}),
        directory.delete_service(actor, "practice_basic"),
        directory.clone_service(actor, "practice_basic", {}),
        directory.create_connection(actor, {}),
        directory.update_connection(actor, "link", {}),
        directory.delete_connection(actor, "link"),
        directory.set_enabled(actor, "link", False),
        directory.activity(actor),
        world.isthmus.connect.begin(actor, "link", {"username": "ada", "password": "x"}),
        world.isthmus.upkeep.refresh(actor, "link"),
        world.isthmus.upkeep.revoke(actor, "link"),
        world.isthmus.blueprint.export(actor),
    ):
        with pytest.raises(AccessDenied):
            await call
    assert (await world.call(actor=actor)).status == 200


async def test_a_key_for_other_connections_sees_nothing_of_this_one(world: World) -> None:
    await world.connected("practice_basic")
    for call in (
        world.isthmus.directory.connection(LIMITED, "link"),
        world.isthmus.directory.snippet(LIMITED, "link"),
        world.call(actor=LIMITED),
        world.isthmus.invoker.lease(LIMITED, "link"),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.code == "connection_not_found"
    assert not (await world.isthmus.directory.connections(LIMITED)).items


async def test_link_name_and_service_never_change(world: World) -> None:
    await world.service("practice_basic")
    await world.connection("practice_basic")
    for changes, field in (({"link_name": "other"}, "link_name"), ({"service": "slack"}, "service")):
        with pytest.raises(InputError) as caught:
            await world.isthmus.directory.update_connection(ADMIN, "link", changes)
        assert caught.value.field == field
    shown = await world.shown()
    assert await world.isthmus.directory.update_connection(ADMIN, "link", shown)


async def test_a_service_in_use_is_not_deleted(world: World) -> None:
    await world.service("practice_basic")
    await world.connection("practice_basic")
    with pytest.raises(Conflict) as caught:
        await world.isthmus.directory.delete_service(ADMIN, "practice_basic")
    assert caught.value.code == "in_use"
    await world.isthmus.directory.delete_connection(ADMIN, "link")
    await world.isthmus.directory.delete_service(ADMIN, "practice_basic")
    with pytest.raises(NotFound):
        await world.isthmus.directory.service(ADMIN, "practice_basic")


async def test_of_a_default_service_only_client_id_and_secret_can_be_set(world: World) -> None:
    directory = world.isthmus.directory
    with pytest.raises(InputError) as caught:
        await directory.update_service(ADMIN, "slack", {"base_url": "https://evil.example"})
    assert caught.value.code == "default_service"
    shown = await directory.update_service(ADMIN, "slack", {"client_id": "me", "client_secret": "shh"})
    assert shown["client_id"] == "me"
    assert shown["has_client_secret"] is True
    assert "shh" not in str(shown)
    copy = await directory.clone_service(ADMIN, "slack", {"link_name": "our_slack"})
    assert copy["kind"] == "custom"
    assert copy["client_id"] == ""
    assert copy["has_client_secret"] is False


async def test_a_missing_variable_may_come_when_somebody_connects(world: World) -> None:
    await world.isthmus.directory.create_connection(ADMIN, {"link_name": "sms", "service": "twilio"})
    with pytest.raises(InputError) as caught:
        await world.isthmus.connect.begin(ADMIN, "sms", {"username": "a", "password": "b"})
    assert caught.value.field == "variables.account_sid"
    bad = {"link_name": "sms2", "service": "twilio", "variables": {"account_sid": "not one"}}
    with pytest.raises(InputError):
        await world.isthmus.directory.create_connection(ADMIN, bad)


async def test_a_disabled_connection_lets_nothing_through_and_keeps_its_grant(world: World) -> None:
    await world.connected("practice_basic")
    await world.isthmus.directory.set_enabled(ADMIN, "link", False)
    with pytest.raises(NotConnected) as caught:
        await world.call()
    assert caught.value.code == "connection_disabled"
    for act in (world.isthmus.upkeep.test, world.isthmus.upkeep.refresh):
        with pytest.raises(NotConnected):
            await act(ADMIN, "link")
    assert (await world.shown())["status"] == "disabled"
    await world.isthmus.directory.set_enabled(ADMIN, "link", True)
    assert (await world.call()).status == 200


async def test_deleting_a_connection_revokes_its_grant_at_the_provider(world: World) -> None:
    await world.connected("practice_oauth2")
    await world.isthmus.directory.delete_connection(ADMIN, "link")
    assert [entry for entry in world.practice.log() if entry["path"] == "/oauth2/revoke"]
    with pytest.raises(NotFound):
        await world.call()


async def test_lists_are_paged_by_keys(world: World) -> None:
    await world.service("practice_basic")
    for number in range(5):
        await world.connection("practice_basic", f"c{number}")
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = await world.isthmus.directory.connections(ADMIN, limit=2, cursor=cursor)
        names += [item["link_name"] for item in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        await world.connection("practice_basic", f"a_new_{len(names)}")  # behind us: must not shift the pages
    assert names == ["c0", "c1", "c2", "c3", "c4"]


async def test_snippets_name_the_connection_in_four_languages(world: World) -> None:
    await world.connected("practice_basic")
    code = await world.isthmus.directory.snippet(ADMIN, "link")
    assert set(code) == {"deluge", "python", "python_function", "curl", "javascript"}
    assert all("link" in text for text in code.values())
    compile(code["python"], "snippet", "exec")


async def found(world: World, **asked: Any) -> list[str]:
    page = await world.isthmus.directory.services(ADMIN, limit=200, **asked)
    cards = await world.isthmus.directory.cards(ADMIN, limit=200, **asked)
    assert {one["link_name"] for one in cards.items} == {one["link_name"] for one in page.items}
    return [one["link_name"] for one in page.items]


async def test_a_retired_service_is_hidden_until_it_is_asked_for_or_set_up(world: World) -> None:
    assert "pocket" not in await found(world, q="pocket")
    assert "pocket" in await found(world, q="pocket", marked=True)
    await world.isthmus.directory.update_service(ADMIN, "pocket", {"client_id": "our-id"})
    assert (await found(world, q="pocket"))[0] == "pocket"
    exported = await world.isthmus.blueprint.export(ADMIN)
    assert exported["services"] == [{"link_name": "pocket", "client_id": "our-id"}]


async def test_a_retired_service_that_is_used_is_shown(world: World) -> None:
    retired = await world.isthmus.directory.cards(ADMIN, marked=True, limit=2000)
    link_name = next(one["link_name"] for one in retired.items if one["marks"])
    assert link_name not in await found(world, q=link_name)
    await world.isthmus.directory.create_connection(
        ADMIN, {"service": link_name, "name": "Old", "link_name": "old", "variables": {}}
    )
    assert link_name in await found(world, q=link_name)


async def test_a_search_finds_custom_services_beside_default_ones(world: World) -> None:
    await world.service("practice_basic", name="Slick")
    assert (await found(world, q="slick"))[0] == "practice_basic"
    assert "slack" not in await found(world, q="slick", kind="custom")
    assert (await found(world, q="slakc"))[0] == "slack"
