"""TLS: what is refused, and that a private authority can be trusted by setting."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.outbound.certificates import Authority, make_authority, server_context
from tests.outbound.servers import OK, Names, Open, serving

from isthmus.errors import InputError, Unreachable
from isthmus.outbound import Outbound
from isthmus.records import HttpRequest
from isthmus.settings import Settings

pytestmark = pytest.mark.anyio
EGRESS = ("127.0.0.0/8",)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority()


@pytest.fixture
def bundle(authority: Authority, tmp_path: Path) -> Path:
    (tmp_path / "certificates").mkdir()
    return authority.write(tmp_path / "ca.pem")


async def refused(outbound: Outbound, names: Names, context: ssl.SSLContext) -> Unreachable:
    """The error of a call to a server with this TLS, after seeing that no request reached it."""
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK, tls=context) as site:
        request = HttpRequest("GET", site.url("/?q=canary", scheme="https"), (("Authorization", "canary"),))
        with pytest.raises(Unreachable) as caught:
            await outbound.send(request, hosts=None)
        assert site.heads == []
    assert caught.value.code == "tls_failed"
    assert "canary" not in str(caught.value)
    return caught.value


async def test_an_expired_certificate_is_refused(
    open_outbound: Open, names: Names, authority: Authority, bundle: Path, tmp_path: Path
) -> None:
    context = server_context(tmp_path / "certificates", "api.test", authority=authority, days=(-5, -1))
    assert "expired" in (await refused(open_outbound(egress_allow=EGRESS, ca_bundle=bundle), names, context)).message


async def test_a_self_signed_certificate_is_refused(
    open_outbound: Open, names: Names, bundle: Path, tmp_path: Path
) -> None:
    context = server_context(tmp_path / "certificates", "api.test", authority=None)
    problem = await refused(open_outbound(egress_allow=EGRESS, ca_bundle=bundle), names, context)
    assert "self-signed" in problem.message


async def test_another_hosts_certificate_is_refused(
    open_outbound: Open, names: Names, authority: Authority, bundle: Path, tmp_path: Path
) -> None:
    for host in ("evil.test", "test", "127.0.0.1"):
        context = server_context(tmp_path / "certificates", host, authority=authority)
        problem = await refused(open_outbound(egress_allow=EGRESS, ca_bundle=bundle), names, context)
        assert "another host" in problem.message


async def test_an_unknown_authority_is_refused(
    open_outbound: Open, names: Names, authority: Authority, bundle: Path, tmp_path: Path
) -> None:
    context = server_context(tmp_path / "certificates", "api.test", authority=authority)
    assert "authority" in (await refused(open_outbound(egress_allow=EGRESS), names, context)).message


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_an_old_protocol_version_is_refused(
    highest: ssl.TLSVersion, open_outbound: Open, names: Names, authority: Authority, bundle: Path, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = server_context(tmp_path / "certificates", "api.test", authority=authority, highest=highest)
    await refused(open_outbound(egress_allow=EGRESS, ca_bundle=bundle), names, context)


async def test_plain_http_on_a_tls_port_is_refused(open_outbound: Open, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    seen = b""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen = await reader.read(4096)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with server:
        url = f"https://api.test:{server.sockets[0].getsockname()[1]}/canary"
        with pytest.raises(Unreachable) as caught:
            await open_outbound(egress_allow=EGRESS).send(HttpRequest("GET", url), hosts=None)
    assert caught.value.code == "tls_failed"
    assert b"canary" not in seen


@pytest.mark.parametrize("host", ["api.test", "127.0.0.1"])
async def test_the_bundle_is_trusted_and_the_name_is_sent(
    host: str, open_outbound: Open, names: Names, authority: Authority, bundle: Path, tmp_path: Path
) -> None:
    asked: list[str | None] = []
    context = server_context(tmp_path / "certificates", host, authority=authority)
    context.sni_callback = lambda connection, name, original: asked.append(name)
    names.say("api.test", ["127.0.0.1"])
    outbound = open_outbound(egress_allow=EGRESS, ca_bundle=bundle)
    async with serving(OK, tls=context) as site:
        for _ in range(3):
            response = await outbound.send(HttpRequest("GET", site.url(host=host, scheme="https")), hosts=None)
            assert response.body == b"ok"
    assert site.accepted == 1
    assert asked == ([host] if host == "api.test" else [None])


async def test_both_sides_are_held_back_under_tls_too(
    open_outbound: Open, names: Names, authority: Authority, bundle: Path, tmp_path: Path
) -> None:
    size, sent, taken = 64 << 20, 0, 0
    go = asyncio.Event()

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if head.startswith(b"POST"):
            await go.wait()
            left = size
            while left:
                left -= len(await reader.read(1 << 20))
            writer.write(OK)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(bytes(65536))
            sent += 65536
            await writer.drain()

    async def large() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < size:
            taken += 65536
            yield bytes(65536)

    async def upload(url: str) -> bytes:
        request = HttpRequest("POST", url, (("Content-Length", str(size)),))
        async with outbound.stream(request, large(), hosts=None) as answer:
            return b"".join([piece async for piece in answer.chunks()])

    names.say("api.test", ["127.0.0.1"])
    outbound = open_outbound(egress_allow=EGRESS, ca_bundle=bundle)
    context = server_context(tmp_path / "certificates", "api.test", authority=authority)
    async with serving(handle, tls=context) as site:
        url = site.url(scheme="https")
        async with outbound.stream(HttpRequest("GET", url), None, hosts=None) as answer:
            await asyncio.sleep(0.3)
            assert sent < 16 << 20
            assert sum([len(piece) async for piece in answer.chunks()]) == size
        task = asyncio.create_task(upload(url))
        await asyncio.sleep(0.3)
        assert taken < 16 << 20
        go.set()
        assert await task == b"ok"
        assert site.accepted == 1


async def test_the_environment_does_not_get_the_session_keys(
    open_outbound: Open,
    names: Names,
    authority: Authority,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    context = server_context(tmp_path / "certificates", "api.test", authority=authority)
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK, tls=context) as site:
        outbound = open_outbound(egress_allow=EGRESS, ca_bundle=bundle)
        await outbound.send(HttpRequest("GET", site.url(scheme="https")), hosts=None)
    assert not keys.exists()


def test_a_bundle_that_is_none_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    for path in (broken, tmp_path / "missing.pem"):
        with pytest.raises(InputError) as caught:
            Outbound(Settings(ca_bundle=path))
        assert caught.value.field == "ca_bundle"
