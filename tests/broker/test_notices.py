"""A default service in use that changed is told, until an administrator agrees to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.world import ADMIN, World, open_world, person

from isthmus.errors import AccessDenied, NotFound

pytestmark = pytest.mark.anyio

ACME = {
    "link_name": "acme",
    "name": "Acme",
    "category": "crm",
    "auth_type": "basic",
    "homepage_url": "https://acme.example",
    "base_url": "https://api.acme.example",
    "hosts": ["api.acme.example"],
}
MOVED = {**ACME, "base_url": "https://api.acme.invalid", "hosts": ["api.acme.invalid"]}


class Installation:
    """An installation whose catalog is changed between two starts, as an upgrade does it."""

    def __init__(self, place: Path, practice: Any) -> None:
        self.place = place
        self.practice = practice
        (place / "own").mkdir()
        self.define(ACME)

    def define(self, document: dict[str, Any] | None) -> None:
        file = self.place / "own" / "acme.yaml"
        file.unlink() if document is None else file.write_text(yaml.safe_dump(document))

    def start(self, **more: str) -> Any:
        return open_world(self.place / "data", self.practice, catalog_dir=str(self.place / "own"), **more)

    async def use(self) -> None:
        async with self.start() as world:
            await world.connection("acme")
            assert await world.isthmus.notices.look() == 0


@pytest.fixture
def installation(tmp_path: Path, practice: Any) -> Installation:
    return Installation(tmp_path, practice)


async def actions(world: World) -> list[str]:
    page = await world.isthmus.directory.activity(ADMIN, target="acme")
    return [entry["action"] for entry in page.items]


async def test_only_an_administrator_acknowledges(installation: Installation) -> None:
    await installation.use()
    installation.define(MOVED)
    async with installation.start() as world:
        await world.isthmus.notices.look()
        for role in ("member", "developer"):
            with pytest.raises(AccessDenied):
                await world.isthmus.notices.acknowledge(person("bob", role), "acme")
        assert len(await world.isthmus.notices.pending(ADMIN)) == 1


async def test_what_did_not_change_cannot_be_acknowledged(installation: Installation) -> None:
    await installation.use()
    async with installation.start() as world:
        assert await world.isthmus.notices.look() == 0
        for link_name in ("acme", "slack", "nowhere"):
            with pytest.raises(NotFound) as caught:
                await world.isthmus.notices.acknowledge(ADMIN, link_name)
            assert caught.value.code == "no_notice"
        assert (await world.isthmus.directory.service(ADMIN, "acme"))["changed"] is None


async def test_a_change_after_an_upgrade_is_told_once_and_stays_until_it_is_acknowledged(
    installation: Installation,
) -> None:
    await installation.use()
    installation.define(MOVED)
    async with installation.start() as world:
        assert await world.isthmus.notices.look() == 1
        assert await world.isthmus.notices.look() == 0
        assert await actions(world) == ["service.changed"]
    async with installation.start() as world:
        assert await world.isthmus.notices.look() == 0
        assert await actions(world) == ["service.changed"]
        changed = (await world.isthmus.directory.service(ADMIN, "acme"))["changed"]
        assert changed["changes"] == [
            "Base URL: was https://api.acme.example, is https://api.acme.invalid.",
            "Hosts: added api.acme.invalid; removed api.acme.example.",
        ]
        (pending,) = await world.isthmus.notices.pending(person("bob"))
        assert (pending["link_name"], pending["name"], pending["changes"]) == ("acme", "Acme", changed["changes"])
        await world.isthmus.notices.acknowledge(ADMIN, "acme")
        assert await world.isthmus.notices.pending(ADMIN) == []
        assert await actions(world) == ["service.acknowledge", "service.changed"]
    async with installation.start() as world:
        assert await world.isthmus.notices.look() == 0


async def test_a_second_change_is_told_against_what_was_agreed_to(installation: Installation) -> None:
    await installation.use()
    for document in (MOVED, {**MOVED, "headers": {"Accept": "application/json"}}):
        installation.define(document)
        async with installation.start() as world:
            assert await world.isthmus.notices.look() == 1
    async with installation.start() as world:
        (pending,) = await world.isthmus.notices.pending(ADMIN)
        assert [change.split(":")[0] for change in pending["changes"]] == ["Base URL", "Hosts", "Headers of every call"]


async def test_a_change_that_is_taken_back_needs_nobody(installation: Installation) -> None:
    await installation.use()
    for document in (MOVED, ACME):
        installation.define(document)
        async with installation.start() as world:
            await world.isthmus.notices.look()
    async with installation.start() as world:
        assert await world.isthmus.notices.pending(ADMIN) == []
        assert await actions(world) == ["service.changed_back", "service.changed"]


async def test_a_service_that_left_the_catalog_is_told(installation: Installation) -> None:
    await installation.use()
    installation.define(None)
    async with installation.start() as world:
        assert await world.isthmus.notices.look() == 1
        (pending,) = await world.isthmus.notices.pending(ADMIN)
        assert "no longer in the catalog" in pending["changes"][0]


async def test_what_nobody_uses_or_does_not_matter_is_not_told(installation: Installation) -> None:
    await installation.use()
    installation.define({**ACME, "description": "Better", "notes": ["Mind the gap."]})
    async with installation.start() as world:
        assert await world.isthmus.notices.look() == 0
        await world.isthmus.directory.delete_connection(ADMIN, "link")
        await world.isthmus.notices.look()
    installation.define(MOVED)
    async with installation.start() as world:
        assert await world.isthmus.notices.look() == 0
        await world.connection("acme")
        assert await world.isthmus.notices.look() == 0
        assert await world.isthmus.notices.pending(ADMIN) == []


async def test_a_custom_service_is_its_owners_business(installation: Installation) -> None:
    async with installation.start() as world:
        await world.service("practice_basic")
        await world.connection("practice_basic")
        await world.isthmus.notices.look()
        await world.isthmus.directory.update_service(ADMIN, "practice_basic", {"headers": {"Accept": "text/plain"}})
        assert await world.isthmus.notices.look() == 0
        assert await world.isthmus._storage.known_services() == []


async def test_a_change_is_told_by_alert_once_and_no_more_when_it_is_acknowledged(
    installation: Installation, elsewhere: Any
) -> None:
    await installation.use()
    hook = {"alert_webhook": elsewhere.url}
    installation.define(MOVED)
    async with installation.start(**hook) as world:
        await world.isthmus.notices.look()
        assert await world.isthmus._watch._slow() == 1
        (posted,) = elsewhere.whole
        assert "The service acme changed" in posted
        assert "added api.acme.invalid" in posted
        assert '"state": "changed"' in posted
        await world.isthmus.notices.acknowledge(ADMIN, "acme")
    installation.define(ACME)
    async with installation.start(**hook) as world:
        await world.isthmus.notices.look()
        await world.isthmus.notices.acknowledge(ADMIN, "acme")
        assert await world.isthmus._watch._slow() == 0
    assert len(elsewhere.whole) == 1


async def test_without_anybody_to_tell_no_alert_is_kept(installation: Installation) -> None:
    await installation.use()
    installation.define(MOVED)
    async with installation.start() as world:
        await world.isthmus.notices.look()
        assert await world.isthmus._storage.alerts_of(["service acme"]) == []
