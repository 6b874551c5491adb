"""The stand-in under the real server, for what only a socket shows. Started by `test_on_the_wire.py`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.web.stand_in import Calls, Invoker, Protect, StandIn

from isthmus.broker.call import StreamAnswer, StreamCall
from isthmus.records import Actor
from isthmus.settings import Settings
from isthmus.web.server import create_asgi

NOTES = Path(os.environ["STAND_IN_NOTES"])


class ByPath(Invoker):
    """A third party whose behaviour is chosen by the path."""

    endless_ones: ClassVar[dict[str, Invoker]] = {}

    @asynccontextmanager
    async def stream(self, actor: Actor, link_name: str, call: StreamCall) -> AsyncIterator[StreamAnswer]:
        wanted = call.target.partition("?")[0]
        other = Invoker(Calls())
        if wanted == "/broken":
            other.stream_headers, other.chunks, other.break_after = (), (b"part", b"never"), 1
        elif wanted == "/broken-length":
            other.chunks, other.break_after = (b'{"ok"', b"never"), 1
        elif wanted == "/endless":
            other.stream_headers, other.endless = (), True
            self.endless_ones[call.target.partition("?")[2]] = other
        elif wanted == "/sent":
            sent = self.endless_ones[call.target.partition("?")[2]].sent
            other.stream_headers, other.chunks = (("content-length", str(len(str(sent)))),), (str(sent).encode(),)
        elif wanted == "/silent":
            other.stream_headers, other.chunks, other.silent_after = (), (b"x" * 70_000,) * 2, 1
        elif wanted == "/echo":
            other.stream_headers, other.chunks = (), ()
            other.received = _Sizes()  # type: ignore[assignment]
        try:
            async with other.stream(actor, link_name, call) as answer:
                yield answer
        finally:
            received = other.received.size if isinstance(other.received, _Sizes) else 0
            note(f"{call.method} {call.target} sent={other.sent} received={received}\n")


def note(line: str) -> None:
    with NOTES.open("a") as notes:
        notes.write(line)


class _Sizes(list[bytes]):
    size = 0

    def append(self, chunk: bytes) -> None:
        self.size += len(chunk)


app = StandIn()
app.settings = Settings(data_dir=Path("unused"), request_body_seconds=1.0, request_bytes=1000)
app.keys["administrator"] = os.environ["STAND_IN_KEY"]
app.protect = Protect(app.keys)
app.invoker = ByPath(Calls())


async def build() -> Any:
    return app


application = create_asgi(build)
