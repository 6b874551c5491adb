"""Streams: bytes as they come, both sides held back, and connections that are only reused when they are clean."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.outbound.servers import OK, Names, head_value, serving

from isthmus.errors import InputError, ResponseTooLarge, Unreachable
from isthmus.outbound import Limits, Outbound
from isthmus.outbound.wire import Connection
from isthmus.records import HttpRequest

pytestmark = pytest.mark.anyio

MIB = 1 << 20
PATIENT = Limits(30.0, 5.0, None, None, 200, idle_seconds=10.0)


@pytest.fixture(autouse=True)
def api_is_here(names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(outbound: Outbound, request: HttpRequest, body: AsyncIterator[bytes] | None = None) -> bytes:
    async with outbound.stream(request, body, hosts=None, limits=PATIENT) as answer:
        return b"".join([piece async for piece in answer.chunks()])


async def test_a_body_that_breaks_its_word_is_not_finished(local: Outbound) -> None:
    """Neither a shorter nor a longer body may end up as somebody else's request on the same connection."""
    async with serving(OK) as site:
        for announced, parts in (("10", [b"abc"]), ("2", [b"abc"]), ("2", [b"ab", b"GET /evil HTTP/1.1\r\n\r\n"])):
            request = HttpRequest("POST", site.url(), (("Content-Length", announced),))
            with pytest.raises(Unreachable) as caught:
                await read(local, request, pieces(*parts))
            assert caught.value.code == "request_body_incomplete"
        await asyncio.sleep(0.05)
        assert local._pool.idle_connections == 0
        assert all(b"evil" not in head for head in site.heads)


@pytest.mark.parametrize("length", ["-1", "+3", "3, 3", "0x3", "3.0", "", " ", "\u0663", "9" * 30])
async def test_an_announced_length_that_is_no_number_sends_nothing(length: str, local: Outbound) -> None:
    async with serving(OK) as site:
        with pytest.raises(InputError) as caught:
            await read(local, HttpRequest("POST", site.url(), (("Content-Length", length),)), pieces(b"abc"))
    assert caught.value.field == "headers.Content-Length"
    assert site.accepted == 0


async def test_a_body_that_fails_says_why_and_ends_the_connection(local: Outbound) -> None:
    class CallerLeft(Exception):
        pass

    async def failing() -> AsyncIterator[bytes]:
        yield b"abc"
        raise CallerLeft

    async with serving(OK) as site:
        with pytest.raises(CallerLeft):
            await read(local, HttpRequest("POST", site.url(), (("Content-Length", "10"),)), failing())
        assert await site.all_closed()
        assert (site.accepted, local._pool.idle_connections) == (1, 0)


async def test_a_caller_who_gives_up_ends_the_connection_at_once(local: Outbound) -> None:
    ended = asyncio.Event()

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/body" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        assert await reader.read(1) == b""
        ended.set()
        writer.close()

    async with serving(handle) as site:
        for path in ("/head", "/body"):
            ended.clear()
            task = asyncio.create_task(read(local, HttpRequest("GET", site.url(path))))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(ended.wait(), 1)
    assert local._pool.idle_connections == 0


async def test_an_unread_rest_is_not_left_for_the_next_answer(local: Outbound) -> None:
    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/long" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"HTTP/1.1 200 OK\r\n\r\n" * 10)
        else:
            writer.write(OK)

    async with serving(handle) as site:
        async with local.stream(HttpRequest("GET", site.url("/long")), None, hosts=None) as answer:
            assert answer.status == 200
        assert await read(local, HttpRequest("GET", site.url())) == b"ok"
        assert site.accepted == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        OK + b"rubbish",
        b"HTTP/1.1 204 No Content\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_showed_more_than_its_answer_is_not_used_again(answer: bytes, local: Outbound) -> None:
    async with serving(answer) as site:
        for _ in range(2):
            assert await read(local, HttpRequest("GET", site.url())) in (b"ok", b"")
            assert await site.all_closed()
        assert site.accepted == 2


async def test_what_comes_unasked_on_an_idle_connection_ends_it(local: Outbound) -> None:
    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")

    async with serving(handle) as site:
        for _ in range(2):
            assert await read(local, HttpRequest("GET", site.url())) == b"ok"
            assert await site.all_closed()
        assert site.accepted == 2


async def test_a_head_request_waits_for_no_body(local: Outbound) -> None:
    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Encoding: gzip\r\n\r\n")

    async with serving(handle) as site:
        for _ in range(2):
            response = await local.send(HttpRequest("HEAD", site.url()), hosts=None)
            assert (response.body, response.header("content-length")) == (b"", "500")
            assert await read(local, HttpRequest("HEAD", site.url())) == b""
    assert site.accepted == 1


async def test_an_idempotent_request_survives_a_connection_closed_just_then(local: Outbound) -> None:
    """The other side may close a kept connection in the same moment as we use it (RFC 9112 section 9.3.1)."""
    answered = 0

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        answered += 1
        if answered % 2 == 0:
            writer.close()
        else:
            writer.write(OK)

    async with serving(handle) as site:
        for method in ("GET", "PUT", "DELETE"):
            answered = 0
            request = HttpRequest(method, site.url())
            assert [(await local.send(request, hosts=None)).status for _ in range(2)] == [200, 200]
            local._pool.close()
            local._pool._closed = False
        answered = 0
        await local.send(HttpRequest("POST", site.url()), hosts=None)
        with pytest.raises(Unreachable) as caught:
            await local.send(HttpRequest("POST", site.url()), hosts=None)
        assert caught.value.code == "connection_lost"
        seen = len(site.heads)
        await asyncio.sleep(0.05)
        assert len(site.heads) == seen == 11


async def test_a_request_is_not_repeated_once_an_answer_has_begun(local: Outbound) -> None:
    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/half" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nConte")
            writer.close()
        else:
            writer.write(OK)

    async with serving(handle) as site:
        await local.send(HttpRequest("GET", site.url()), hosts=None)
        with pytest.raises(Unreachable) as caught:
            await local.send(HttpRequest("GET", site.url("/half")), hosts=None)
        await asyncio.sleep(0.05)
        assert (caught.value.code, len(site.heads)) == ("connection_lost", 2)


async def test_idle_connections_are_closed_after_a_while(local: Outbound) -> None:
    async with serving(OK) as site:
        await local.send(HttpRequest("GET", site.url()), hosts=None)
        local._pool._sweep_idle()
        assert local._pool.idle_connections == 1
        for lane in local._pool._lanes.values():
            lane.idle[0].idle_since -= 100
        local._pool._sweep_idle()
        assert await site.all_closed()
        assert (local._pool.idle_connections, site.accepted) == (0, 1)


async def test_a_connection_that_ended_before_its_first_use_does_not_wait_for_the_deadline() -> None:
    connection = Connection("api.test", "127.0.0.1")
    connection.start("GET", PATIENT, asyncio.get_running_loop().time() + 5)
    with pytest.raises(Unreachable) as caught:
        await asyncio.wait_for(connection.head(), 1)
    assert caught.value.code == "connection_lost"
    assert not connection.finish()


async def test_a_refused_connection_says_so_without_an_address(local: Outbound) -> None:
    async with serving(OK) as site:
        pass
    with pytest.raises(Unreachable) as caught:
        await local.send(HttpRequest("GET", site.url("/?canary")), hosts=None)
    assert caught.value.code == "connection_refused"
    assert "127.0.0.1" not in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_connections_are_kept_and_shared_one_exchange_at_a_time(local: Outbound) -> None:
    async with serving(OK) as site:
        for _ in range(20):
            assert await read(local, HttpRequest("GET", site.url())) == b"ok"
        assert site.accepted == 1
        await asyncio.gather(*[read(local, HttpRequest("GET", site.url())) for _ in range(10)])
        assert site.accepted <= 10
        await local.close()
        assert await site.all_closed()


async def test_idle_connections_are_bounded(local: Outbound) -> None:
    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(OK)

    async with serving(handle) as site:
        await asyncio.gather(*[read(local, HttpRequest("GET", site.url())) for _ in range(80)])
        assert site.accepted == 80
        assert local._pool.idle_connections == 64


async def test_the_number_of_origins_is_bounded(local: Outbound, names: Names) -> None:
    async with serving(OK) as site:
        for number in range(520):
            names.say(f"h{number}.test", ["127.0.0.1"])
            await local.send(HttpRequest("GET", site.url(host=f"h{number}.test")), hosts=None)
        assert len(local._pool._lanes) == 512
        assert local._pool.idle_connections == 512


async def test_codings_pass_through_untouched(local: Outbound) -> None:
    packed = gzip.compress(b"text" * 100)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
    async with (
        serving(head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed) as site,
        local.stream(HttpRequest("GET", site.url()), None, hosts=None) as answer,
    ):
        assert answer.headers[:3] == (("content-encoding", "gzip"), ("set-cookie", "a"), ("set-cookie", "b"))
        assert b"".join([piece async for piece in answer.chunks()]) == packed


async def test_pieces_arrive_before_the_answer_is_complete(local: Outbound) -> None:
    more = asyncio.Event()

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await more.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")

    async with serving(handle) as site, local.stream(HttpRequest("GET", site.url()), None, hosts=None) as answer:
        chunks = answer.chunks()
        assert await anext(chunks) == b"first"
        more.set()
        assert await anext(chunks) == b"last"
        assert [piece async for piece in chunks] == []


async def test_a_body_goes_out_as_announced_or_chunked(local: Outbound) -> None:
    raw: list[bytes] = []

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if head_value(head, "transfer-encoding"):
            raw.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)

    async with serving(handle) as site:
        sized = HttpRequest("PUT", site.url(), (("Content-Length", "6"),))
        assert await read(local, sized, pieces(b"abc", b"", b"def")) == b"ok"
        assert await read(local, HttpRequest("PUT", site.url()), pieces(b"abc", b"", b"d")) == b"ok"
        assert await read(local, HttpRequest("PUT", site.url(), body=b"own")) == b"ok"
    assert site.bodies[0] == b"abcdef"
    assert head_value(site.heads[0], "transfer-encoding") == []
    assert raw == [b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"]
    assert site.bodies[2] == b"own"
    assert site.accepted == 1


async def test_an_answer_may_begin_before_the_body_has_ended(local: Outbound) -> None:
    """An echo that writes as it reads must not lock up, and an early refusal must arrive."""

    async def echo(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/no" in head:
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 * MIB))
        for _ in range(8 * MIB // 65536):
            writer.write(await reader.readexactly(65536))
            await writer.drain()

    announced = (("Content-Length", str(8 * MIB)),)
    async with serving(echo) as site:
        body = await read(local, HttpRequest("POST", site.url(), announced), pieces(*[b"e" * 65536] * 128))
        assert body == b"e" * (8 * MIB)
        slow = HttpRequest("POST", site.url("/no"), announced)

        async def slowly() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(20)

        assert await asyncio.wait_for(read(local, slow, slowly()), 2) == b"no"
        assert local._pool.idle_connections == 0


async def test_a_slow_reader_slows_the_third_party_down(local: Outbound) -> None:
    sent = 0

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (256 * MIB))
        while sent < 256 * MIB:
            writer.write(bytes(65536))
            sent += 65536
            await writer.drain()

    before = resident_bytes()
    async with (
        serving(handle) as site,
        local.stream(HttpRequest("GET", site.url()), None, hosts=None, limits=PATIENT) as answer,
    ):
        await asyncio.sleep(0.3)
        assert sent < 16 * MIB
        total = 0
        async for piece in answer.chunks():
            total += len(piece)
        assert total == 256 * MIB
    assert resident_bytes() - before < 32 * MIB


async def test_a_slow_third_party_slows_the_caller_down(local: Outbound) -> None:
    taken = 0
    go = asyncio.Event()

    async def large() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 256 * MIB:
            taken += 65536
            yield bytes(65536)

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        left = 256 * MIB
        while left:
            left -= len(await reader.read(MIB))
        writer.write(OK)

    before = resident_bytes()
    async with serving(handle) as site:
        request = HttpRequest("POST", site.url(), (("Content-Length", str(256 * MIB)),))
        task = asyncio.create_task(read(local, request, large()))
        await asyncio.sleep(0.3)
        assert taken < 16 * MIB
        go.set()
        assert await task == b"ok"
    assert resident_bytes() - before < 32 * MIB


async def test_a_large_answer_over_the_buffered_cap_can_be_streamed(local: Outbound) -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (11 * MIB) + bytes(11 * MIB)) as site:
        with pytest.raises(ResponseTooLarge):
            await local.send(HttpRequest("GET", site.url()), hosts=None)
        assert len(await read(local, HttpRequest("GET", site.url()))) == 11 * MIB
