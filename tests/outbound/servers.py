"""Third parties for the tests: raw servers on this machine that count, record and misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from isthmus.outbound import Outbound

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Open = Callable[..., Outbound]
Handler = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Names:
    """A resolver under the test's control: each look-up takes the next answer, the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Sequence[str]]] = {}
        self.asked: list[str] = []

    def say(self, host: str, *answers: Sequence[str]) -> None:
        self.answers[host] = list(answers)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        known = self.answers.get(host)
        if not known:
            raise OSError("no such name")
        return known.pop(0) if len(known) > 1 else known[0]


@dataclass
class Site:
    """A running server: how often it was connected to, and every byte it was sent."""

    port: int = 0
    accepted: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    closed: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    problems: list[BaseException] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "api.test", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def hosts(self) -> tuple[str, ...]:
        return (f"api.test:{self.port}",)

    async def all_closed(self) -> bool:
        """Whether every connection ends, which the server hears of a moment later: waited for, ten seconds at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), 10)
        return self.closed == self.accepted


def answering(answer: bytes | Callable[[bytes], bytes]) -> Handler:
    """A handler that reads the body that Content-Length announces and gives one answer for each request."""

    async def handle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(head) if callable(answer) else answer)
        await writer.drain()

    return handle


@contextlib.asynccontextmanager
async def serving(
    handler: Handler | bytes, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """Serve on a free port until the block ends; a handler that closes its writer ends the connection."""
    site = Site()
    handle = answering(handler) if isinstance(handler, bytes) else handler
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site.accepted += 1
        site.ended.clear()
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                site.heads.append(head)
                site.bodies.append(await _body(head, reader))
                await handle(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            pass
        except Exception as problem:
            site.problems.append(problem)
        finally:
            site.closed += 1
            if site.closed == site.accepted:
                site.ended.set()
            writer.transport.abort()

    server = await asyncio.start_server(connected, host, port, ssl=tls, limit=1 << 20)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert not site.problems


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
            return await reader.readexactly(length) if length <= 1 << 20 else b""
    return b""


def head_value(head: bytes, name: str) -> list[str]:
    """All values of one header in a request's head."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = [line.partition(":") for line in lines]
    return [value.strip() for key, _, value in pairs if key.lower() == name.lower()]
