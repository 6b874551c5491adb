"""Each service that is more than listed is driven through what its vendor answers; see `fixtures/README.md`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.catalog import shipped
from tests.catalog.vendors import Drive, VendorDoor, fixture_names, read_fixture
from tests.practice_server import PracticeServer
from tests.world import environ

from isthmus.app import Isthmus, assemble, open_vault
from isthmus.broker import renewal
from isthmus.settings import Settings
from isthmus.storage import open_storage

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
def no_pause_before_a_refresh_is_tried_again() -> Iterator[None]:
    """The pause is tested with refreshing; here it would be waited for by each vendor that ends a grant."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(renewal, "GRACE_PAUSE_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
async def isthmus(tmp_path_factory: pytest.TempPathFactory, practice_server: PracticeServer) -> AsyncIterator[Isthmus]:
    """One product for all of them; each has a connection of its own."""
    directory: Path = tmp_path_factory.mktemp("vendors")
    settings = Settings.load(environ(directory))
    storage = await open_storage(settings)
    await storage.migrate()
    vault = await open_vault(settings, storage)
    built = assemble(settings, storage, vault, outbound=VendorDoor(settings, practice_server))
    yield built
    await built.stop()


@pytest.mark.parametrize("name", fixture_names())
async def test_a_vendor_s_answers_are_understood(name: str, isthmus: Isthmus, practice_server: PracticeServer) -> None:
    await Drive(isthmus, practice_server, name, read_fixture(name)).run()


async def test_every_service_that_claims_it_is_driven() -> None:
    claimed = {
        service.link_name
        for service in shipped.services()
        if service.evidence is not None and service.evidence.level != "listed"
    }
    assert claimed - set(fixture_names()) == set()


@pytest.mark.parametrize("planted", ["authorize", "token", "who_am_i", "then"])
async def test_a_fixture_that_differs_is_noticed(
    planted: str, isthmus: Isthmus, practice_server: PracticeServer
) -> None:
    """The drive itself can fail: each part of a good fixture, spoilt, is found out."""
    fixture: dict[str, Any] = read_fixture("zoom")
    if planted == "authorize":
        fixture["authorize"] += "/other"
    elif planted == "then":
        fixture["then"]["connected_as"] = "somebody else"
    else:
        exchange = next(one for one in fixture["exchanges"] if one["name"] == planted)
        exchange.setdefault("headers", {})["Authorization"] = "Bearer of-somebody-else"
        exchange.pop("basic", None)
    drive = Drive(isthmus, practice_server, "zoom", fixture)
    drive.connection = f"planted_{planted}"
    failed = False
    try:
        await drive.run()
    except Exception:
        failed = True
    assert failed
