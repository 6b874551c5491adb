from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.made import NOW, actions_in, activity

from isthmus.records import KnownService
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))
SLACK = KnownService("slack", {"hosts": ["slack.com"]}, {"hosts": ["slack.com"]})


async def test_a_service_that_is_known_already_is_not_added_again(storage: Storage) -> None:
    assert await storage.add_known_service(SLACK) is True
    assert await storage.add_known_service(replace(SLACK, agreed={}, latest={})) is False
    assert await storage.known_service("slack") == SLACK


async def test_saving_over_a_newer_version_or_what_is_not_there_is_refused_and_nothing_is_told(
    storage: Storage,
) -> None:
    assert await storage.save_known_service(SLACK, SAID) is False
    await storage.add_known_service(SLACK)
    assert await storage.save_known_service(replace(SLACK, changes=("Hosts: added x.",)), Journal()) is True
    assert await storage.save_known_service(replace(SLACK, changes=("other",)), SAID) is False
    assert await actions_in(storage) == []


async def test_what_changed_comes_back_as_it_was_stored(storage: Storage) -> None:
    await storage.add_known_service(SLACK)
    changed = replace(
        SLACK, latest={"hosts": ["ä"]}, changes=("Hosts: added ä.", "PKCE: was S256, is none."), changed_at=NOW
    )
    assert await storage.save_known_service(changed, SAID) is True
    assert await storage.known_service("slack") == replace(changed, version=2)
    assert await actions_in(storage) == ["said"]


async def test_known_services_come_by_link_name_and_are_forgotten_by_it(storage: Storage) -> None:
    for name in ("b", "a_b", "a"):
        await storage.add_known_service(replace(SLACK, link_name=name))
    assert [one.link_name for one in await storage.known_services()] == ["a", "a_b", "b"]
    assert await storage.forget_known_services(["a", "b", "c"]) == 2
    assert [one.link_name for one in await storage.known_services()] == ["a_b"]
    assert await storage.forget_known_services([]) == 0
