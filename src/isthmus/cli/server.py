"""`isthmus serve`: the server, in this process for one worker, as processes of their own for more."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from isthmus.app import Isthmus, build
from isthmus.cli.listener import (
    HostOption,
    address_of,
    check_port,
    end_with_parent,
    serve_by_workers,
    serve_until_told,
)
from isthmus.cli.operator import ConfigOption, settings
from isthmus.cli.outcome import say, told
from isthmus.settings import CONFIG_VARIABLE, PREFIX, Settings
from isthmus.web.asgi import ASGIApp
from isthmus.web.server import create_asgi

DEFAULT_PORT = 8400
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
        serve_by_workers("isthmus.cli.server:create", host, port, chosen.workers, drain_seconds=chosen.drain_seconds)
    else:
        uvloop.run(serve_here(chosen, host, port))


def create() -> ASGIApp:
    """The application of a worker process, which finds its settings in the environment."""
    end_with_parent()
    chosen = Settings.from_environment(None)
    return create_asgi(lambda: build(chosen))


async def serve_here(chosen: Settings, host: str, port: int) -> None:
    """Serve in this process until SIGTERM or SIGINT; then drain. Raises as `build` does before anything listens."""
    isthmus = await build(chosen)
    await _greet(isthmus, host, port)

    async def built() -> Isthmus:
        return isthmus

    await serve_until_told(
        create_asgi(built),
        host,
        port,
        drain_seconds=chosen.drain_seconds,
        draining=isthmus.drain,
        closing=isthmus.stop,
    )


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
