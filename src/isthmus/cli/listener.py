"""How our ASGI applications are put on a port: in this process, or as processes of their own."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server as EmbeddedServer

from isthmus.cli.errors import FAILED
from isthmus.cli.outcome import say
from isthmus.errors import InputError
from isthmus.web.asgi import ASGIApp, Message, Receive, Scope, Send

HEADER_MILLISECONDS = 15_000
KILL_MARGIN_SECONDS = 4
_PR_SET_PDEATHSIG = 1
COMMON: dict[str, Any] = {
    "interface": Interfaces.ASGI,
    "http": HTTPModes.http1,
    "websockets": False,
    "backlog": 2048,
    "http1_settings": HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=128 * 1024),
    "log_level": LogLevels.error,
    "log_access": False,
}
"""What every server of ours has in common. The applications write their own log, so the server's is for its faults."""

HostOption = Annotated[str, typer.Option("--host", help="The address to listen on.")]


def address_of(host: str, port: int) -> str:
    """The URL of what listens there."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def check_port(host: str, port: int, option: str = "--port") -> None:
    """Raise InputError where the port cannot be listened on, before anything is opened."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        hint = f"Choose another with {option}, or end what listens there."
        raise InputError(
            f"{host}:{port} cannot be listened on: {problem.strerror}.", field=option, hint=hint
        ) from problem


def serve_by_workers(target: str, host: str, port: int, workers: int, *, drain_seconds: float) -> None:
    """Serve what the factory `module:attribute` makes in worker processes until SIGTERM or Ctrl-C."""
    server = Granian(
        target,
        address=host,
        port=port,
        loop=Loops.uvloop,
        factory=True,
        workers=workers,
        workers_kill_timeout=int(drain_seconds) + KILL_MARGIN_SECONDS,
        respawn_failed_workers=True,
        **COMMON,
    )
    try:
        server.serve()
    except SystemExit as ended:
        raise typer.Exit(ended.code if isinstance(ended.code, int) else FAILED) from None


def end_with_parent() -> None:
    """Have SIGTERM sent to this process when the one that started it ends, even by a kill -9: nothing keeps the port
    that nobody knows of any more. Linux only; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def serve_until_told(
    application: ASGIApp,
    host: str,
    port: int,
    *,
    drain_seconds: float,
    draining: Callable[[], Coroutine[Any, Any, None]] | None = None,
    closing: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve in this process until SIGTERM or SIGINT, then wait for the calls under way, `drain_seconds` at most.
    `draining` begins with that; `closing` is called where the application could not close by its lifespan."""
    stoppable = _Stoppable(application)
    server = EmbeddedServer(stoppable, address=host, port=port, **COMMON)
    told_to_end = asyncio.Event()
    under_way: list[asyncio.Task[None]] = []

    def end() -> None:
        server.stop()  # type: ignore[no-untyped-call]
        told_to_end.set()
        if draining is not None:
            under_way.append(asyncio.create_task(draining()))

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    serving = asyncio.create_task(server.serve())
    await _first(serving, told_to_end.wait())
    # The server waits for its calls for ever, and a streamed one may last an hour.
    await _first(serving, stoppable.stopping.wait(), seconds=drain_seconds)
    if stoppable.stopping.is_set():
        await _first(serving, seconds=KILL_MARGIN_SECONDS)
    if serving.done():
        serving.result()
        return
    say(f"Calls that were still under way after {drain_seconds:g} s are cut off.")
    serving.cancel()
    if closing is not None and not stoppable.stopping.is_set():
        await asyncio.wait_for(closing(), KILL_MARGIN_SECONDS)


class _Stoppable:
    """An application, and the moment when all its calls are finished and it begins to close."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, self._listening(receive) if scope["type"] == "lifespan" else receive, send)

    def _listening(self, receive: Receive) -> Receive:
        async def heard() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.stopping.set()
            return message

        return heard


async def _first(
    serving: asyncio.Task[None], *others: Coroutine[Any, Any, object], seconds: float | None = None
) -> None:
    """Wait until the server has ended, one of the others has happened, or the time is over."""
    waiting = [asyncio.create_task(other) for other in others]
    await asyncio.wait({serving, *waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
