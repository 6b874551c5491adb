"""Signed updates of the catalog: a bad one changes nothing and is told; a good one is used at once, by every process."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.world import ADMIN, World, open_world, person

from isthmus.broker import layers
from isthmus.catalog import bundle as bundles
from isthmus.catalog.bundle import PURPOSE, write_bundle
from isthmus.errors import AccessDenied, InputError, OutboundError, ProtocolError
from isthmus.protocols.signed import new_key, public_key, sign

pytestmark = pytest.mark.anyio

KEY, OTHER = new_key(bytes(range(32))), new_key(bytes(32))
ACME: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "category": "crm",
    "auth_type": "basic",
    "homepage_url": "https://acme.example",
    "base_url": "https://api.acme.example",
    "hosts": ["api.acme.example"],
}


def made(serial: int, *documents: dict[str, Any], key: bytes = KEY) -> bytes:
    content = write_bundle(documents or (ACME,), serial=serial, published_at="2026-03-01T12:00:00Z")
    return sign(content, PURPOSE, key)


def named(name: str) -> dict[str, Any]:
    return {**ACME, "name": name}


class Publisher:
    """Serves a bundle on loopback; counts who asked."""

    def __init__(self) -> None:
        self.body = made(1)
        self.status = 200
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(302 if self.path == "/moved" else outer.status)
                if self.path == "/moved":
                    self.send_header("Location", "/bundle")
                body = b"" if self.path == "/moved" else outer.body
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    server = Publisher()
    yield server
    server.close()


class Place:
    """A data directory that takes updates, and the worlds on it."""

    def __init__(self, directory: Path, practice: Any, publisher: Publisher) -> None:
        self.directory = directory / "data"
        self.practice = practice
        self.publisher = publisher

    def open(self, **more: str) -> Any:
        told = {"catalog_url": f"{self.publisher.url}/bundle", "catalog_keys": public_key(KEY)}
        return open_world(self.directory, self.practice, **{**told, **more})

    @property
    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in (self.directory / "catalog").glob("*.bundle")}

    def checked(self, ago: timedelta, code: str = "") -> None:
        """As if the address had been asked that long ago."""
        at = (datetime.now(UTC) - ago).isoformat()
        (self.directory / "catalog" / "state.json").write_text(json.dumps({"checked_at": at, "code": code}))


@pytest.fixture
def place(tmp_path: Path, practice: Any, publisher: Publisher) -> Place:
    return Place(tmp_path, practice, publisher)


async def name_of(world: World, link_name: str = "acme") -> str:
    return str((await world.isthmus.directory.service(ADMIN, link_name))["name"])


async def activities(world: World) -> list[tuple[str, str]]:
    page = await world.isthmus.directory.activity(ADMIN, target="catalog")
    return [(entry["action"], entry["result"]) for entry in page.items]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (made(3, key=OTHER), "signature_wrong"),
        (made(3)[:-1], "signature_wrong"),
        (b'{"format": 1}', "signature_missing"),
        (b"", "signature_missing"),
        (made(1, named("Older")), "bundle_stale"),
        (made(2, named("Another of this serial")), "bundle_stale"),
        (sign(b"{}", PURPOSE, KEY), "bundle_malformed"),
        (sign(write_bundle([ACME], serial=3, published_at=""), b"another purpose", KEY), "signature_wrong"),
        (b"x" * (bundles.MOST_BYTES + 2000), "response_too_large"),
    ],
)
async def test_a_bad_update_changes_nothing_and_is_told(
    place: Place, publisher: Publisher, body: bytes, code: str
) -> None:
    publisher.body = made(2, named("Good"))
    async with place.open() as world:
        await world.isthmus.updates.update(ADMIN)
        files = place.files
        publisher.body = body
        with pytest.raises((ProtocolError, OutboundError)) as caught:
            await world.isthmus.updates.update(ADMIN)
        assert caught.value.code == code
        assert place.files == files
        assert await name_of(world) == "Good"
        status = world.isthmus.updates.status(person("bob"))
        assert (status["update"]["serial"], status["problem"]["code"]) == (2, code)
        assert await activities(world) == [("catalog.update", code), ("catalog.update", "done")]
        with pytest.raises((ProtocolError, OutboundError)):
            await world.isthmus.updates.update(ADMIN)
        assert len(await activities(world)) == 2, "the same trouble is told once"
    async with place.open() as world:
        assert await name_of(world) == "Good"
        publisher.body = made(4, named("Mended"))
        assert (await world.isthmus.updates.update(ADMIN))["problem"] is None
        assert await name_of(world) == "Mended"


async def test_the_content_is_not_looked_at_before_its_signature_is_good(
    place: Place, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(layers, "read_bundle", read.append)
    publisher.body = made(3, key=OTHER)
    async with place.open() as world:
        with pytest.raises(ProtocolError):
            await world.isthmus.updates.update(ADMIN)
    assert read == []


async def test_an_address_that_does_not_answer_well_changes_nothing(place: Place, publisher: Publisher) -> None:
    async with place.open() as world:
        await world.isthmus.updates.update(ADMIN)
        publisher.status = 404
        with pytest.raises(ProtocolError) as refused:
            await world.isthmus.updates.update(ADMIN)
        assert refused.value.code == "no_bundle"
        publisher.close()
        with pytest.raises(OutboundError) as away:
            await world.isthmus.updates.update(ADMIN)
        assert away.value.code == "connection_refused"
        assert await name_of(world) == "Acme"


async def test_an_address_that_may_not_be_reached_is_refused(place: Place) -> None:
    async with place.open(egress_allow="10.0.0.0/8") as world:
        with pytest.raises(OutboundError):
            await world.isthmus.updates.update(ADMIN)
    assert place.publisher.asked == 0


async def test_only_an_administrator_updates_and_only_with_a_key(place: Place) -> None:
    async with place.open() as world:
        for role in ("member", "developer"):
            with pytest.raises(AccessDenied):
                await world.isthmus.updates.update(person("bob", role), made(5))
    async with place.open(catalog_url="", catalog_keys="") as world:
        with pytest.raises(InputError) as keyless:
            await world.isthmus.updates.update(ADMIN, made(5))
        assert keyless.value.code == "no_catalog_keys"
    async with place.open(catalog_url="") as world:
        with pytest.raises(InputError) as homeless:
            await world.isthmus.updates.update(ADMIN)
        assert homeless.value.code == "no_catalog_url"
        await world.isthmus.updates.update(ADMIN, made(5, named("From a file")))
        assert await name_of(world) == "From a file"
        with pytest.raises(InputError) as stale:
            await world.isthmus.updates.update(ADMIN, made(4))
        assert stale.value.code == "bundle_stale"


async def test_an_update_of_a_key_that_is_trusted_no_more_is_not_used(place: Place) -> None:
    async with place.open() as world:
        await world.isthmus.updates.update(ADMIN)
    async with place.open(catalog_keys=public_key(OTHER)) as world:
        with pytest.raises(InputError):
            await name_of(world)
        assert world.isthmus.updates.status(ADMIN)["problem"]["code"] == "signature_wrong"
    async with place.open(catalog_keys=f"{public_key(OTHER)},{public_key(KEY)}") as world:
        assert await name_of(world) == "Acme"


@pytest.mark.parametrize("damage", [b"", b"\x00" * 100, made(9, named("Forged"), key=OTHER)])
async def test_where_the_update_on_disk_is_damaged_the_one_before_is_used_and_it_is_mended(
    place: Place, publisher: Publisher, damage: bytes
) -> None:
    async with place.open() as world:
        await world.isthmus.updates.update(ADMIN)
        publisher.body = made(2, named("Second"))
        await world.isthmus.updates.update(ADMIN)
        (place.directory / "catalog" / layers.PRESENT).write_bytes(damage)
        await world.isthmus.updates._reread()
        assert await name_of(world) == "Second", "what was good last stays in use"
        assert world.isthmus.updates.status(ADMIN)["problem"] is not None
    async with place.open() as world:
        assert await name_of(world) == "Acme"
        assert world.isthmus.updates.status(ADMIN)["problem"] is not None
        assert (await world.isthmus.updates.update(ADMIN))["problem"] is None
        assert await name_of(world) == "Second"


async def test_an_update_that_cannot_be_written_changes_nothing(
    place: Place, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.open() as world:
        await world.isthmus.updates.update(ADMIN)
        files = place.files

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        publisher.body = made(2, named("Second"))
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(InputError) as caught:
                await world.isthmus.updates.update(ADMIN)
        assert caught.value.code == "update_not_written"
        assert place.files == files
        assert await name_of(world) == "Acme"
        await world.isthmus.updates.update(ADMIN)
        assert await name_of(world) == "Second"


async def test_an_update_adds_and_replaces_services_and_the_own_directory_comes_last(
    place: Place, publisher: Publisher, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "own.yaml").write_text(yaml.safe_dump({**ACME, "link_name": "own", "name": "Ours"}))
    theirs = {**ACME, "link_name": "own", "name": "Theirs"}
    slack = {**ACME, "link_name": "slack", "name": "Slack of the update"}
    publisher.body = made(1, ACME, theirs, slack)
    async with place.open(catalog_dir=str(own), catalog_url=f"{publisher.url}/moved") as world:
        assert await name_of(world, "slack") == "Slack"
        status = await world.isthmus.updates.update(ADMIN)
        assert (status["update"]["services"], status["update"]["serial"]) == (3, 1)
        assert [await name_of(world, one) for one in ("slack", "own", "acme")] == [
            "Slack of the update",
            "Ours",
            "Acme",
        ]
        assert await name_of(world, "zoom") == "Zoom"
        page = await world.isthmus.directory.cards(ADMIN, q="acme")
        assert "acme" in [card["link_name"] for card in page.items]


async def test_another_process_reads_what_one_has_taken(place: Place) -> None:
    async with place.open() as one, place.open() as other:
        await one.isthmus.updates.update(ADMIN)
        await other.isthmus.updates._reread()
        assert await name_of(other) == "Acme"
        assert (await other.isthmus.updates.update(ADMIN))["update"]["serial"] == 1
        assert await activities(one) == [("catalog.update", "done")]


async def test_the_address_is_asked_when_it_is_time_and_by_one_process(place: Place, publisher: Publisher) -> None:
    async with place.open(catalog_hours="24") as world, place.open(catalog_hours="24") as other:
        await world.isthmus.updates.round()
        await world.isthmus.updates.round()
        await other.isthmus.updates.round()
        assert publisher.asked == 1
        for ago, code, asked in [(23, "", 1), (25, "", 2), (0.5, "unreachable", 2), (2, "unreachable", 3)]:
            place.checked(timedelta(hours=ago), code)
            await world.isthmus.updates.round()
            assert publisher.asked == asked, (ago, code)
        place.checked(timedelta(hours=25))
        duty = other.isthmus.updates._duty
        now = datetime.now(UTC)
        assert await other.isthmus._storage.take_duty(duty, owner="other", now=now, until=now + timedelta(minutes=5))
        await world.isthmus.updates.round()
        assert publisher.asked == 3


async def test_a_failing_round_is_told_and_tried_again_later(place: Place, publisher: Publisher) -> None:
    publisher.body = made(1, key=OTHER)
    async with place.open() as world:
        await world.isthmus.updates.round()
        await world.isthmus.updates.round()
        assert publisher.asked == 1
        assert await activities(world) == [("catalog.update", "signature_wrong")]


async def test_a_changed_service_in_use_is_told_after_an_update(place: Place, publisher: Publisher) -> None:
    async with place.open() as world:
        await world.isthmus.updates.update(ADMIN)
        await world.connection("acme")
        await world.isthmus.notices.look()
        moved = {**ACME, "base_url": "https://api.acme.invalid", "hosts": ["api.acme.invalid"]}
        publisher.body = made(2, moved)
        await world.isthmus.updates.update(ADMIN)
        assert await world.isthmus.notices.look() == 1
        (pending,) = await world.isthmus.notices.pending(ADMIN)
        assert pending["changes"][0] == "Base URL: was https://api.acme.example, is https://api.acme.invalid."


async def test_a_call_goes_where_the_new_definition_says(place: Place, publisher: Publisher) -> None:
    async with place.open() as world:
        await world.isthmus.updates.update(ADMIN)
        await world.connection("acme")
        await world.isthmus.connect.begin(ADMIN, "link", {"username": "ada", "password": "x"})
        entry = await world.isthmus.upkeep._lookup.find("link", "")
        assert entry.resolved.service.base_url == "https://api.acme.example"
        publisher.body = made(2, {**ACME, "base_url": "https://eu.acme.example", "hosts": ["eu.acme.example"]})
        await world.isthmus.updates.update(ADMIN)
        entry = await world.isthmus.upkeep._lookup.find("link", "")
        assert entry.resolved.service.base_url == "https://eu.acme.example"


async def test_a_custom_service_keeps_its_link_name(place: Place, publisher: Publisher) -> None:
    async with place.open() as world:
        await world.service("practice_basic", link_name="acme", name="Our own")
        await world.isthmus.updates.update(ADMIN)
        assert await name_of(world) == "Our own"
        page = await world.isthmus.directory.cards(ADMIN, q="acme")
        assert [card["name"] for card in page.items if card["link_name"] == "acme"] == ["Our own"]
        assert (await world.isthmus.directory.cards_of(ADMIN, ["acme"]))["acme"]["kind"] == "custom"


async def test_a_changed_file_of_the_own_directory_is_read_while_the_server_runs(place: Place, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    file = own / "acme.yaml"
    file.write_text(yaml.safe_dump(named("First")))
    async with place.open(catalog_dir=str(own), catalog_url="") as world:
        file.write_text("link_name: [\n")
        await world.isthmus.updates.round()
        assert await name_of(world) == "First"
        assert "acme.yaml" in world.isthmus.updates.status(ADMIN)["problem"]["message"]
        file.write_text(yaml.safe_dump(named("The second")))
        await world.isthmus.updates.round()
        assert await name_of(world) == "The second"
        assert world.isthmus.updates.status(ADMIN)["problem"] is None
