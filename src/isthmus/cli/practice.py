"""`isthmus practice`: the third party in the box, alone."""

from __future__ import annotations

from typing import Annotated

import typer
import uvloop

from isthmus.cli.listener import HostOption, address_of, check_port, serve_until_told
from isthmus.cli.outcome import say, told
from isthmus.practice.app import app

DRAIN_SECONDS = 1.0
"""Its dials make calls that are never answered: an end does not wait for those."""


@told
def practice(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port to listen on.")] = 8401,
) -> None:
    """Run the practice third party alone: OAuth 1.0a, OAuth 2, Basic and API key, with dials for bad behaviour."""
    check_port(host, port)
    say(f"The practice third party listens on {address_of(host, port)}")
    uvloop.run(serve_until_told(app, host, port, drain_seconds=DRAIN_SECONDS))
