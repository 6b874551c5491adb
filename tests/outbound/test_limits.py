"""Bombs, drips and floods: each ends at its cap or its deadline, and memory stays small."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import time
import zlib
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.servers import OK, Names, head_value, serving

from isthmus.errors import ResponseTooLarge, TimedOut, Unreachable
from isthmus.outbound import Limits, Outbound
from isthmus.outbound.decoding import Decoder
from isthmus.records import HttpRequest, HttpResponse
from isthmus.settings import Settings

pytestmark = pytest.mark.anyio

MIB = 1 << 20
ALLOWED_GROWTH = 64 * MIB


def limits(**changes: object) -> Limits:
    values: dict[str, object] = {
        "total_seconds": 5.0,
        "connect_seconds": 2.0,
        "wire_bytes": 4 * MIB,
        "decoded_bytes": 10 * MIB,
        "headers": 200,
    }
    return Limits(**{**values, **changes})  # type: ignore[arg-type]


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def message(body: bytes, *headers: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in (*headers, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body


@cache
def bomb(container: int, size: int = 200 * MIB) -> bytes:
    """`size` zeros, packed; made piecewise so that the test itself stays small."""
    machine = zlib.compressobj(9, zlib.DEFLATED, container)
    return b"".join(machine.compress(bytes(MIB)) for _ in range(size // MIB)) + machine.flush()


async def ask(outbound: Outbound, names: Names, handler: object, **changes: object) -> HttpResponse:
    names.say("api.test", ["127.0.0.1"])
    async with serving(handler) as site:  # type: ignore[arg-type]
        return await outbound.send(HttpRequest("GET", site.url()), hosts=None, limits=limits(**changes))


async def read_all(outbound: Outbound, url: str, within: Limits, received: list[bytes]) -> None:
    async with outbound.stream(HttpRequest("GET", url), None, hosts=None, limits=within) as answer:
        async for piece in answer.chunks():
            received.append(piece)


async def send(outbound: Outbound, url: str, within: Limits) -> None:
    await outbound.send(HttpRequest("GET", url), hosts=None, limits=within)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", lambda: bomb(31)),
        ("x-gzip", lambda: bomb(31)),
        ("deflate", lambda: bomb(15)),
        ("deflate", lambda: bomb(-15)),
        ("gzip, gzip", lambda: gzip.compress(bomb(31))),
        ("deflate, gzip", lambda: gzip.compress(bomb(15))),
        ("gzip", lambda: gzip.compress(b"a") * 900 + bomb(31)),
    ],
    ids=["gzip", "x-gzip", "zlib", "raw", "gzip-gzip", "deflate-gzip", "members"],
)
async def test_a_bomb_is_cut_at_the_cap(
    coding: str, packed: Callable[[], bytes], local: Outbound, names: Names
) -> None:
    body = packed()
    before, started = resident_bytes(), time.monotonic()
    with pytest.raises(ResponseTooLarge) as caught:
        await ask(local, names, message(body, f"Content-Encoding: {coding}"))
    assert caught.value.code in ("response_too_large", "suspicious_compression")
    assert resident_bytes() - before < ALLOWED_GROWTH
    assert time.monotonic() - started < 15


async def test_a_ratio_beyond_200_is_cut_below_the_size_cap(local: Outbound, names: Names) -> None:
    body = bomb(31, 3 * MIB)
    with pytest.raises(ResponseTooLarge) as caught:
        await ask(local, names, message(body, "Content-Encoding: gzip"))
    assert caught.value.code == "suspicious_compression"
    small = await ask(local, names, message(bomb(31, MIB), "Content-Encoding: gzip"))
    assert small.body == bytes(MIB)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", "gzip, gzip, gzip", "gzip, deflate, gzip"])
async def test_a_coding_that_was_not_asked_for_is_refused(coding: str, local: Outbound, names: Names) -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(local, names, message(b"x" * 100, f"Content-Encoding: {coding}"))
    assert caught.value.code == "encoding_not_understood"


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"abc" * 100)[:-4],
        gzip.compress(b"abc" * 100)[:20],
        b"not gzip",
        gzip.compress(b"a") + b"tail",
        b"\x1f",
    ],
    ids=["cut off", "cut short", "something else", "with a tail", "one byte"],
)
async def test_damaged_compression_is_an_error_and_not_half_an_answer(
    body: bytes, local: Outbound, names: Names
) -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(local, names, message(body, "Content-Encoding: gzip"))
    assert caught.value.code == "encoding_not_understood"


async def test_compression_is_offered_and_undone(local: Outbound, names: Names) -> None:
    text = bytes(range(256)) * 40
    raw = zlib.compressobj(wbits=-15)
    for coding, body in (
        ("gzip", gzip.compress(text)),
        ("X-GZip", gzip.compress(text[:5]) + gzip.compress(text[5:]) + bytes(8)),
        ("deflate", zlib.compress(text)),
        ("deflate", raw.compress(text) + raw.flush()),
        ("deflate, gzip", gzip.compress(zlib.compress(text))),
        ("identity", text),
        ("", text),
    ):
        response = await ask(local, names, message(body, f"Content-Encoding: {coding}"))
        assert response.body == text
        assert (response.header("content-encoding") is None) == (coding not in ("identity", ""))
        raw = zlib.compressobj(wbits=-15)
    async with serving(OK) as site:
        await local.send(HttpRequest("GET", site.url()), hosts=None)
        await local.send(HttpRequest("GET", site.url(), (("accept-encoding", "identity"),)), hosts=None)
        async with local.stream(HttpRequest("GET", site.url()), None, hosts=None):
            pass
    assert [head_value(head, "accept-encoding") for head in site.heads] == [["gzip, deflate"], ["identity"], []]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_body_needs_no_decoding(status: str, local: Outbound, names: Names) -> None:
    answer = f"HTTP/1.1 {status}\r\nContent-Encoding: br\r\n\r\n".encode()
    assert (await ask(local, names, answer)).body == b""


@given(
    st.binary(max_size=2000),
    st.lists(st.integers(1, 50), max_size=30),
    st.sampled_from(["gzip", "deflate", "gzip, deflate"]),
)
def test_decoding_does_not_depend_on_where_the_pieces_are_cut(text: bytes, cuts: list[int], coding: str) -> None:
    packed = text
    for part in coding.split(", "):
        packed = gzip.compress(packed) if part == "gzip" else zlib.compress(packed)
    decoder = Decoder("api.test", (("content-encoding", coding),), None)
    for size in cuts:
        decoder.feed(packed[:size])
        packed = packed[size:]
    decoder.feed(packed)
    assert decoder.finish() == text


@pytest.mark.parametrize("size", [65536, 65537, 65600, 65794, 131072, 131200])
def test_output_that_is_still_inside_when_the_input_ends_is_not_lost(size: int) -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    decoder = Decoder("api.test", (("content-encoding", "deflate"),), None)
    decoder.feed(machine.compress(bytes(size)) + machine.flush())
    assert decoder.finish() == bytes(size)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "gzip, gzip"]))
def test_rubbish_is_refused_and_nothing_else_happens(rubbish: bytes, coding: str) -> None:
    decoder = Decoder("api.test", (("content-encoding", coding),), 1000)
    with contextlib.suppress(Unreachable, ResponseTooLarge):
        decoder.feed(rubbish)
        assert len(decoder.finish()) <= 1000


async def test_an_announced_size_over_the_cap_is_not_even_read(local: Outbound, names: Names) -> None:
    sent = 0

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 << 30))
        while not writer.is_closing() and sent < 2 << 30:
            writer.write(bytes(65536))
            sent += 65536
            await writer.drain()

    before = resident_bytes()
    with pytest.raises(ResponseTooLarge):
        await ask(local, names, handle)
    assert sent < 32 * MIB
    assert resident_bytes() - before < ALLOWED_GROWTH


@pytest.mark.parametrize("size", [65536, 1])
@pytest.mark.parametrize("framing", ["chunked", "close"])
async def test_an_endless_body_is_cut_at_the_wire_cap(framing: str, size: int, local: Outbound, names: Names) -> None:
    head = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Connection: close"
    piece = b"%x\r\n%b\r\n" % (size, bytes(size)) if framing == "chunked" else bytes(size)
    many = piece * (65536 // size)
    sent = 0

    async def handle(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % head)
        while not writer.is_closing() and sent < 200 * MIB:
            writer.write(many)
            sent += len(many)
            await writer.drain()

    before = resident_bytes()
    with pytest.raises(ResponseTooLarge):
        await ask(local, names, handle, wire_bytes=MIB)
    assert sent < 32 * MIB
    assert resident_bytes() - before < ALLOWED_GROWTH


async def test_the_wire_cap_is_exact(local: Outbound, names: Names) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n%b\r\n0\r\n\r\n" % bytes(1000)
    for answer in (message(bytes(1000)), chunked):
        assert len((await ask(local, names, answer, wire_bytes=1000)).body) == 1000
        with pytest.raises(ResponseTooLarge):
            await ask(local, names, answer, wire_bytes=999)
        with pytest.raises(ResponseTooLarge):
            await ask(local, names, answer, decoded_bytes=999)


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"],
    ids=["status", "headers", "body", "chunks", "until-close"],
)  # fmt: skip
@pytest.mark.parametrize("way", ["send", "stream"])
async def test_a_drip_ends_at_the_deadline(start: bytes, way: str, local: Outbound, names: Names) -> None:
    drip = b"1\r\nx\r\n" * 1000 if b"chunked" in start else b"X-Long-Header-Name-That-Never-Ends" * 100
    drip = b"HTTP/1.1 200 OK\r\nX" if not start else drip

    async def handle(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        for position in range(len(drip)):
            writer.write(drip[position : position + 1])
            await writer.drain()
            await asyncio.sleep(0.05)

    names.say("api.test", ["127.0.0.1"])
    started = time.monotonic()
    async with serving(handle) as site:
        within = limits(total_seconds=0.5, idle_seconds=9.0)
        with pytest.raises(TimedOut) as caught:
            await (read_all(local, site.url(), within, []) if way == "stream" else send(local, site.url(), within))
        assert caught.value.code == "timed_out"
        assert 0.4 < time.monotonic() - started < 7
        assert await site.all_closed()
        assert site.accepted == 1


async def test_silence_ends_a_stream_after_the_idle_time(local: Outbound, names: Names) -> None:
    async def handle(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(4):
            writer.write(b"x")
            await asyncio.sleep(0.4)
        await asyncio.sleep(20)

    names.say("api.test", ["127.0.0.1"])
    received: list[bytes] = []
    started = time.monotonic()
    async with serving(handle) as site:
        with pytest.raises(TimedOut) as caught:
            await read_all(local, site.url(), limits(idle_seconds=1.5), received)
    assert caught.value.code == "idle"
    assert b"".join(received) == b"xxxx"
    assert 2.5 < time.monotonic() - started < 15


async def test_connecting_has_its_own_time(local: Outbound, names: Names) -> None:
    """A listener that never accepts: its queue is full, and new connections hang."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    names.say("api.test", ["127.0.0.1"])
    started = time.monotonic()
    try:
        with pytest.raises(TimedOut) as caught:
            await local.send(
                HttpRequest("POST", f"http://api.test:{full.getsockname()[1]}/"),
                hosts=None,
                limits=limits(connect_seconds=0.3),
            )
    finally:
        for one in (full, *fillers):
            one.close()
    assert caught.value.code == "connect_timed_out"
    assert time.monotonic() - started < 4.5


class SlowNames(Names):
    async def resolve(self, host: str, port: int) -> list[str]:
        await asyncio.sleep(30)
        return []


async def test_resolving_counts_as_connecting() -> None:
    outbound = Outbound(Settings(), resolver=SlowNames())
    with pytest.raises(TimedOut) as caught:
        await outbound.send(HttpRequest("GET", "https://api.test/"), hosts=None, limits=limits(connect_seconds=0.2))
    assert caught.value.code == "connect_timed_out"


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"X-%d: y\r\n" % number for number in range(10_000)),
        b"".join(b"X: y\r\n" for _ in range(201)),
        b"X: " + b"y" * (2 * MIB) + b"\r\n",
        b"X" * (2 * MIB) + b": y\r\n",
        b"".join(b"X-%d: %b\r\n" % (number, b"y" * 2000) for number in range(150)),
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"".join(b"T-%d: y\r\n" % number for number in range(10_000)),
    ],
    ids=["10000", "201", "long value", "long name", "total", "trailers"],
)
async def test_too_many_or_too_large_headers_are_cut(head: bytes, local: Outbound, names: Names) -> None:
    before = resident_bytes()
    with pytest.raises(ResponseTooLarge) as caught:
        await ask(local, names, b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
    assert caught.value.code == "headers_too_large"
    assert resident_bytes() - before < ALLOWED_GROWTH


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Endless: "])
async def test_a_head_without_end_is_cut(start: bytes, local: Outbound, names: Names) -> None:
    sent = 0

    async def handle(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(start)
        while not writer.is_closing() and sent < 200 * MIB:
            writer.write(b"\r\n" * 32768 if not start else b"y" * 65536)
            sent += 65536
            await writer.drain()

    with pytest.raises(ResponseTooLarge) as caught:
        await ask(local, names, handle)
    assert caught.value.code == "headers_too_large"
    assert sent < 32 * MIB


async def test_two_hundred_headers_are_fine(local: Outbound, names: Names) -> None:
    head = b"".join(b"X-%d: y\r\n" % number for number in range(199)) + b"Content-Length: 0\r\n"
    response = await ask(local, names, b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
    assert len(response.headers) == 200


async def test_interim_answers_are_passed_over_but_not_for_ever(local: Outbound, names: Names) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
    response = await ask(local, names, b"HTTP/1.1 100 Continue\r\n\r\n" + interim * 2 + OK)
    assert (response.status, response.body, response.header("link")) == (200, b"ok", None)
    with pytest.raises(Unreachable):
        await ask(local, names, interim * 100 + OK)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nX y: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_is_not_sound_http_is_refused(answer: bytes, local: Outbound, names: Names) -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(local, names, answer)
    assert caught.value.code == "answer_not_understood"
    assert local._pool.idle_connections == 0


async def test_a_body_that_stops_short_is_lost(local: Outbound, names: Names) -> None:
    for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"HTTP/1.1 200 OK\r\nContent-Le", b""):

        async def handle(_: bytes, reader: object, writer: asyncio.StreamWriter, answer: bytes = answer) -> None:
            writer.write(answer)
            writer.close()

        with pytest.raises(Unreachable) as caught:
            await ask(local, names, handle)
        assert caught.value.code == "connection_lost"


async def never() -> AsyncIterator[bytes]:
    await asyncio.sleep(30)
    yield b""


async def test_a_request_body_that_never_comes_ends_too(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])

    async def handle(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(handle) as site:
        with pytest.raises(TimedOut):
            async with local.stream(
                HttpRequest("POST", site.url()), never(), hosts=None, limits=limits(idle_seconds=0.3)
            ):
                pytest.fail("an answer came")
