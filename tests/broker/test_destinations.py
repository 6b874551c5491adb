"""Where requests may go, from factory settings: nothing of ours ever opens a connection to an internal address.

What counts is counted at the other end: a listener on the forbidden addresses accepts, and must have accepted nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.world import ADMIN, World, open_world

from isthmus.broker.call import StreamCall
from isthmus.catalog.hosts import ENDPOINTS
from isthmus.errors import DestinationDenied, InputError, IsthmusError, Unreachable
from isthmus.records import HttpRequest, StoredService

pytestmark = pytest.mark.anyio

HOSTS = """127.0.0.1 127.1 127.0.1 2130706433 0x7f.1 0x7f000001 017700000001 0177.0.0.1 127.0.0.1. 0.0.0.0 0 0x0
127.0.0.2 localhost localhost. LOCALHOST \uff11\uff12\uff17.0.0.1 127\u30020\u30020\u30021 [::1] [::] [::ffff:127.0.0.1]
[::ffff:7f00:1] [::127.0.0.1] [0:0:0:0:0:0:0:1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0::1]
[fe80::1%25lo] [fd00:ec2::254] [5f00::1] [ff02::1] 10.0.0.1 172.16.0.1 192.168.0.1 100.100.100.200 169.254.169.254
169.254.170.2 168.63.129.16 192.0.0.8 224.0.0.1 255.255.255.255 ok@127.0.0.1 127.0.0.1#@ok""".split()
STEPS = [
    "after_connect[0].url",
    "refresh_request.url",
    "revoke_request.url",
    "login.requests[0].url",
    "login.logout.url",
]
FIELDS = [*ENDPOINTS, "base_url", "test.url", *STEPS]


class Sink:
    """Listens on loopback, IPv4 and IPv6, at one port."""

    def __init__(self) -> None:
        self.accepted = 0
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        first = await asyncio.start_server(self._count, "127.0.0.1", 0)
        self.port = first.sockets[0].getsockname()[1]
        self._servers = [first, await asyncio.start_server(self._count, "::1", self.port)]

    async def close(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        writer.close()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    opened = Sink()
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def factory(tmp_path: Path, practice: Any) -> AsyncIterator[World]:
    """The product without any egress exception."""
    async with open_world(tmp_path, practice, egress_allow="") as opened:
        yield opened


def urls(port: int) -> Iterator[str]:
    for host in HOSTS:
        before, mark, after = host.partition("#")
        for scheme in ("https", "http"):
            yield f"{scheme}://{before}:{port}/{mark}{after}"


@contextmanager
def refused(url: str) -> Iterator[None]:
    """The attempt ends in an error that says what to do, and does not say what a name leads to."""
    with pytest.raises(IsthmusError) as caught:
        yield
    assert isinstance(caught.value, DestinationDenied | InputError | Unreachable)
    assert caught.value.hint
    if "localhost" in url.lower():
        assert "127.0.0.1" not in caught.value.message
        assert "::1" not in caught.value.message


def service_document(field: str, url: str) -> dict[str, Any]:
    """A service that is right but for this URL in this field."""
    document: dict[str, Any] = {
        "link_name": "crafted",
        "name": "Crafted",
        "auth_type": "oauth1" if field == "request_token_url" else "oauth2",
        "base_url": "https://api.example.com",
        "hosts": ["api.example.com"],
        **{name: f"https://auth.example.com/{name}" for name in ENDPOINTS},
    }
    if field == "test.url":
        document["test"] = {"method": "GET", "url": url}
        document["hosts"] = ["api.example.com", url.split("/")[2]]
    elif field in ("refresh_request.url", "revoke_request.url"):
        document[field.removesuffix(".url")] = {"method": "POST", "url": url}
    elif field.startswith("login."):
        step = {"method": "POST", "url": url, "copy": {"team": "id"}}
        fine = {**step, "url": "https://auth.example.com/login"}
        requests = {"requests": [step]} if field == "login.requests[0].url" else {"requests": [fine], "logout": step}
        document = {key: value for key, value in document.items() if key not in ENDPOINTS}
        document |= {"auth_type": "login", "login": requests}
        document["variables"] = [{"name": "team", "source": "step", "pattern": "[a-z]+"}]
    elif field == "after_connect[0].url":
        document["after_connect"] = [{"method": "GET", "url": url, "copy": {"team": "id"}}]
        document["variables"] = [{"name": "team", "source": "step", "pattern": "[a-z]+"}]
    else:
        document[field] = url
    return document


@pytest.mark.parametrize("field", FIELDS)
async def test_a_service_is_not_saved_with_an_internal_address_in_any_url(
    factory: World, sink: Sink, field: str
) -> None:
    named = 0
    for url in urls(sink.port):
        if "localhost" in url.lower() and url.startswith("https"):
            continue  # a name: it is judged by what it leads to, whenever it is dialled
        with pytest.raises(InputError) as caught:
            await factory.isthmus.directory.create_service(ADMIN, service_document(field, url))
        assert caught.value.hint
        named += caught.value.field == field
    assert named >= len(HOSTS)
    assert (await factory.isthmus.directory.services(ADMIN, kind="custom")).items == []
    await factory.isthmus.directory.create_service(ADMIN, service_document("base_url", "https://api.example.com"))
    assert sink.accepted == 0


async def test_an_endpoint_that_leads_inside_is_never_dialled_though_it_was_stored(factory: World, sink: Sink) -> None:
    """As if the row were older than the rule, or its name had come to lead elsewhere: the door itself refuses."""
    exchange: Any = factory.isthmus.connect._exchange
    services: Any = factory.isthmus.connect._services
    storage: Any = factory.isthmus._storage
    document = await factory.isthmus.directory.create_service(
        ADMIN, service_document("base_url", "https://api.example.com")
    )
    stored: StoredService = await storage.service(document["link_name"])
    sent = 0
    for url in urls(sink.port):
        written = {**stored.document, **dict.fromkeys(ENDPOINTS, url)}
        for resolved_hosts in (None, (url.split("://")[1].split("/")[0],)):
            with refused(url):
                await exchange._outbound.send(HttpRequest("POST", url), hosts=resolved_hosts)
        try:
            found = services._join("crafted", StoredService("crafted", "custom", written, version=9))
        except InputError:
            continue  # not even read
        services._parsed.clear()
        sent += 1
        with refused(url):
            await exchange.send(services.resolve(found, {}, partial=True), HttpRequest("POST", url))
    assert sent >= 40
    assert sink.accepted == 0


async def test_no_call_goes_inside_though_an_administrator_listed_the_host(factory: World, sink: Sink) -> None:
    storage: Any = factory.isthmus._storage
    directory = factory.isthmus.directory
    hosts = ["api.example.com", f"127.0.0.1:{sink.port}", f"localhost:{sink.port}", f"[::1]:{sink.port}"]
    document = {"link_name": "listed", "name": "Listed", "auth_type": "basic", "base_url": "https://api.example.com"}
    await directory.create_service(ADMIN, {**document, "hosts": hosts})
    await factory.connection("listed")
    await factory.isthmus.connect.begin(ADMIN, "link", {"username": "ada", "password": "cnry-password"})
    assert await storage.connection("link")
    for url in urls(sink.port):
        with refused(url):
            await factory.call(url)
    assert sink.accepted == 0


async def test_the_sink_would_have_counted(tmp_path: Path, practice: Any, sink: Sink) -> None:
    async with open_world(tmp_path, practice, egress_allow="127.0.0.0/8,::1/128") as open_to_it:
        for host in ("127.0.0.1", "[::1]", "localhost"):
            with pytest.raises(Unreachable):
                await open_to_it.isthmus.invoker.outbound.send(
                    HttpRequest("GET", f"http://{host}:{sink.port}/"), hosts=None
                )
    assert sink.accepted >= 3


PROXY_TRICKS = """//EVIL/ /@EVIL/ /\\EVIL/ /%5c%5cEVIL/ /..//EVIL/ /%2e%2e/%2e%2e/EVIL /.%2e/x /..;/x /%2e%2e%2fx /..%2f..%2f
/%2e%2e;a=b/x /?@EVIL/ /?https://EVIL/ /https://EVIL/ /http:%2f%2fEVIL/ /:EVIL /:80@EVIL/ /.EVIL/ /%00EVIL
/%0d%0aHost:%20EVIL /%ff%fe /x?a=%0d%0ab /;@EVIL/ /#@EVIL/ /x#/../..""".split()


@pytest.mark.parametrize("trick", PROXY_TRICKS)
async def test_no_proxied_path_leaves_the_base_url(world: World, elsewhere: Any, trick: str) -> None:
    await world.connected("practice_basic")
    before = len(world.practice.log())
    target = trick.replace("EVIL", elsewhere.host)
    try:
        async with world.isthmus.invoker.stream(ADMIN, "link", StreamCall("GET", target)) as answer:
            assert answer.status == 404
    except (DestinationDenied, InputError):
        pass
    for entry in world.practice.log()[before:]:
        assert entry["path"].startswith("/basic/api/"), entry
        assert "/.." not in entry["path"]
    assert elsewhere.requests == []


async def test_a_refusal_names_the_field_the_host_and_the_remedy_and_no_secret(world: World) -> None:
    await world.connected("practice_basic")
    with pytest.raises(DestinationDenied) as caught:
        await world.call("https://elsewhere.example/x?key=cnry-in-query")
    assert caught.value.field == "url"
    assert "elsewhere.example" in caught.value.message
    assert caught.value.hint
    assert "cnry" not in json.dumps([caught.value.message, caught.value.hint, caught.value.details])
