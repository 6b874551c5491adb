from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.made import NOTHING, NOW, SECOND, actions_in, activity, connection, service

from isthmus.errors import Conflict
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))


async def test_a_taken_link_name_is_refused_and_nothing_is_told(storage: Storage) -> None:
    await storage.add_service(service(), NOTHING)
    with pytest.raises(Conflict) as caught:
        await storage.add_service(service(document={"name": "other"}), SAID)
    assert caught.value.field == "link_name"
    assert await actions_in(storage) == []
    assert await storage.service("zoom") == service()


async def test_saving_over_a_newer_version_is_refused_and_nothing_is_told(storage: Storage) -> None:
    await storage.add_service(service(), NOTHING)
    await storage.save_service(service(document={"name": "first"}), NOTHING)
    with pytest.raises(Conflict):
        await storage.save_service(service(document={"name": "second"}), SAID)
    assert await actions_in(storage) == []
    stored = await storage.service("zoom")
    assert stored is not None
    assert stored.document == {"name": "first"}


async def test_saving_what_is_not_there_is_refused(storage: Storage) -> None:
    with pytest.raises(Conflict):
        await storage.save_service(service(), NOTHING)


async def test_a_service_in_use_is_not_deleted(storage: Storage) -> None:
    await storage.add_service(service(), NOTHING)
    await storage.add_connection(connection(), NOTHING)
    with pytest.raises(Conflict) as caught:
        await storage.delete_service("zoom", SAID)
    assert caught.value.code == "in_use"
    assert await storage.service("zoom") is not None
    assert await actions_in(storage) == []


async def test_a_service_comes_back_as_it_was_stored(storage: Storage) -> None:
    await storage.add_service(service(), SAID)
    assert await storage.service("zoom") == service()
    assert await storage.service("other") is None
    assert await actions_in(storage) == ["said"]


async def test_saving_grows_the_version_and_keeps_the_creation_time(storage: Storage) -> None:
    await storage.add_service(service(), NOTHING)
    later = NOW + SECOND
    await storage.save_service(service(client_secret_sealed=None, created_at=None, updated_at=later), SAID)
    expected = replace(service(), client_secret_sealed=None, updated_at=later, version=2)
    assert await storage.service("zoom") == expected
    assert await actions_in(storage) == ["said"]


async def test_services_come_by_link_name(storage: Storage) -> None:
    for name in ("b", "a_b", "ab", "a1"):
        await storage.add_service(service(name), NOTHING)
    assert [one.link_name for one in await storage.services()] == ["a1", "a_b", "ab", "b"]


async def test_deleting_says_whether_there_was_one(storage: Storage) -> None:
    await storage.add_service(service(), NOTHING)
    assert await storage.delete_service("zoom", SAID) is True
    assert await storage.delete_service("zoom", SAID) is False
    assert await storage.service("zoom") is None
    assert await actions_in(storage) == ["said"]


async def test_used_are_the_services_that_connections_name(storage: Storage) -> None:
    await storage.add_service(service(), NOTHING)
    assert await storage.used_services() == frozenset()
    await storage.add_connection(connection(), NOTHING)
    assert await storage.used_services() == {"zoom"}
