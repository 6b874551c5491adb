"""`isthmus practice`: the third party in the box, alone."""

from __future__ import annotations

from typing import Annotated

import typer

from isthmus.cli.listener import HostOption, address_of, serve_application
from isthmus.cli.outcome import say, told


@told
def practice(
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port to listen on.")] = 8401,
) -> None:
    """Run the practice third party alone: OAuth 1.0a, OAuth 2, Basic and API key, with dials for bad behaviour."""
    say(f"The practice third party listens on {address_of(host, port)}")
    serve_application("isthmus.practice.app:app", host, port)
