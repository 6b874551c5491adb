"""How our ASGI applications are put on a port."""

from __future__ import annotations

import socket
from typing import Annotated, Any

import typer
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from isthmus.cli.errors import FAILED
from isthmus.errors import InputError

HEADER_MILLISECONDS = 15_000
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


def serve_application(target: str, host: str, port: int, **more: Any) -> None:
    """Serve `module:attribute` in worker processes until SIGTERM or Ctrl-C."""
    check_port(host, port)
    server = Granian(target, address=host, port=port, loop=Loops.uvloop, **{**COMMON, **more})
    try:
        server.serve()
    except SystemExit as ended:
        raise typer.Exit(ended.code if isinstance(ended.code, int) else FAILED) from None
