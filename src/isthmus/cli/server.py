"""`isthmus serve`: the server, in this process for one worker, as processes of their own for more."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from granian.server.embed import Server as EmbeddedServer

from isthmus.app import Isthmus, build
from isthmus.cli.listener import COMMON, HostOption, address_of, check_port, serve_application
from isthmus.cli.operator import ConfigOption, settings
from isthmus.cli.outcome import say, told
from isthmus.settings import CONFIG_VARIABLE, PREFIX, Settings
from isthmus.web.asgi import ASGIApp, Message, Receive, Scope, Send
from isthmus.web.server import create_asgi

DEFAULT_PORT = 8400
KILL_MARGIN_SECONDS = 4
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104


@told
def serve(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port to listen on.")] = DEFAULT_PORT,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; more than one needs PostgreSQL.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Serve API and proxy on one port. SIGTERM lets calls in flight finish, then ends within 30 seconds."""
    chosen, told_to_workers = _choose(host, port, workers, config)
    check_port(host, port)
    if chosen.workers > 1:
        asyncio.run(_look_once(chosen, host, port))
        os.environ.update(told_to_workers)
        serve_application(
            "isthmus.cli.server:create",
            host,
            port,
            factory=True,
            workers=chosen.workers,
            workers_kill_timeout=int(chosen.drain_seconds) + KILL_MARGIN_SECONDS,
            respawn_failed_workers=True,
        )
    else:
        uvloop.run(serve_here(chosen, host, port))


def create() -> ASGIApp:
    """The application of a worker process, which finds its settings in the environment."""
    chosen = Settings.from_environment(None)
    return create_asgi(lambda: build(chosen))


async def serve_here(chosen: Settings, host: str, port: int) -> None:
    """Serve in this process until SIGTERM or SIGINT; then drain. Raises as `build` does before anything listens."""
    isthmus = await build(chosen)
    await _greet(isthmus, host, port)

    async def built() -> Isthmus:
        return isthmus

    application = Stoppable(create_asgi(built))
    server = EmbeddedServer(application, address=host, port=port, **COMMON)
    told_to_end = asyncio.Event()
    draining: list[asyncio.Task[None]] = []

    def end() -> None:
        server.stop()  # type: ignore[no-untyped-call]
        told_to_end.set()
        draining.append(asyncio.create_task(isthmus.drain()))

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    serving = asyncio.create_task(server.serve())
    await _first(serving, told_to_end.wait())
    # The server waits for its calls for ever, and a streamed one may last an hour.
    await _first(serving, application.stopping.wait(), seconds=chosen.drain_seconds)
    if application.stopping.is_set():
        await _first(serving, seconds=KILL_MARGIN_SECONDS)
    if serving.done():
        serving.result()
        return
    say(f"Calls that were still under way after {chosen.drain_seconds:g} seconds are cut off.")
    serving.cancel()
    if not application.stopping.is_set():
        await asyncio.wait_for(isthmus.stop(), KILL_MARGIN_SECONDS)


class Stoppable:
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


def _choose(host: str, port: int, workers: int | None, config: Path | None) -> tuple[Settings, dict[str, str]]:
    """The settings, where the words of the command count most, and the same as an environment for worker processes."""
    told: dict[str, str] = {}
    if config is not None:
        told[CONFIG_VARIABLE] = str(config.absolute())
    if workers is not None:
        told[PREFIX + "WORKERS"] = str(workers)
    chosen = settings(config, told)
    if chosen.public_url == Settings.public_url and port != DEFAULT_PORT:
        told[PREFIX + "PUBLIC_URL"] = address_of("127.0.0.1" if host in _EVERY_ADDRESS else host, port)
        chosen = settings(config, told)
    return chosen, told


async def _look_once(chosen: Settings, host: str, port: int) -> None:
    """Open, migrate, greet and close: what would keep every worker from starting is told once, by the parent."""
    isthmus = await build(chosen)
    try:
        await _greet(isthmus, host, port)
    finally:
        await isthmus.stop()


async def _greet(isthmus: Isthmus, host: str, port: int) -> None:
    workers = isthmus.settings.workers
    say(f"Isthmus listens on {address_of(host, port)}" + (f" with {workers} workers" if workers > 1 else ""))
    link = await isthmus.setup.link()
    if link is not None:
        say("It has no administrator yet. Open this link once to become the first:")
        say(f"  {link}")
