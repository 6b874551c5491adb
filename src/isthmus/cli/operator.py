"""The operator's way in: settings from the environment, the application on its data, one piece of work."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from isthmus.app import Isthmus, build
from isthmus.errors import InputError
from isthmus.records import Page
from isthmus.settings import CONFIG_VARIABLE, Settings

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings; the environment wins over it.")
]
LinkName = Annotated[str, typer.Argument(metavar="LINK", help="The connection's link name.")]
UserOption = Annotated[str | None, typer.Option("--user", help="Whose account, where the connection is personal.")]


def settings(config: Path | None, told: Mapping[str, str] | None = None) -> Settings:
    """Settings from what the command was told, over the environment, over the file."""
    if not told:
        return Settings.from_environment(config)
    named = os.environ.get(CONFIG_VARIABLE)
    return Settings.load({**os.environ, **told}, config or (Path(named) if named else None))


def operate(config: Path | None, work: Callable[[Isthmus], Awaitable[T]]) -> T:
    """Build the application on its data, do the work as the operator, and close it again."""

    async def run() -> T:
        isthmus = await build(settings(config))
        try:
            return await work(isthmus)
        finally:
            await isthmus.stop()

    return asyncio.run(run())


async def all_items(read: Callable[[str | None], Awaitable[Page[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """Every item of a list, page by page; `read` takes the cursor."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await read(cursor)
        items.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return items


def pairs(words: list[str] | None, option: str) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping. Raises InputError that names the option."""
    found: dict[str, str] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise InputError(f"{option} takes NAME=VALUE.", field=option, hint=f"Such as {option} workspace=acme.")
        found[name] = value
    return found


def write(data: bytes) -> None:
    """Bytes to standard output, as they are."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
