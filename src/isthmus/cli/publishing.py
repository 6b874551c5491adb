"""`isthmus catalog key`, `bundle` and `update`: signed updates, for who publishes them and who takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from isthmus.app import Isthmus, check_catalog
from isthmus.broker import publishing
from isthmus.cli.errors import FAILED
from isthmus.cli.operator import ConfigOption, operate
from isthmus.cli.outcome import say
from isthmus.errors import InputError


def key(
    file: Annotated[Path, typer.Argument(help="Where the private key is written; it must not exist.")],
    show: Annotated[bool, typer.Option("--show", help="Print the public key of a private key that exists.")] = False,
) -> None:
    """Make a key to sign bundles with, and print its public key, for ISTHMUS_CATALOG_KEYS."""
    print(publishing.public_key_of(file) if show else publishing.make_key(file))


def bundle(
    paths: Annotated[list[Path], typer.Argument(help="Definition files or directories.")],
    private_key: Annotated[Path, typer.Option("--key", help="The private key's file.")],
    output: Annotated[Path, typer.Option("--output", help="Where the bundle is written.")],
    serial: Annotated[
        int | None, typer.Option("--serial", min=1, help="Higher than the last one; the present second without it.")
    ] = None,
) -> None:
    """Check definitions and sign them as one bundle, for a web server to serve."""
    problems = check_catalog(paths)
    for problem in problems:
        say(f"{problem.path}: {problem.field}: {problem.message} {problem.hint}")
    if problems:
        raise typer.Exit(FAILED)
    signed, chosen = publishing.bundle(paths, private_key, now=datetime.now(UTC), serial=serial)
    try:
        output.write_bytes(signed)
    except OSError as problem:
        raise InputError(f"The bundle cannot be written: {problem.strerror}.", field="--output") from problem
    say(f"Serial {chosen}, {len(signed):,} bytes.")
    print(output)


def update(
    file: Annotated[Path | None, typer.Argument(help="A bundle; without it, ISTHMUS_CATALOG_URL is asked.")] = None,
    config: ConfigOption = None,
) -> None:
    """Take an update of the catalog, if a trusted key signed it; a bad one changes nothing."""
    signed = _read(file) if file is not None else None

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        status = await isthmus.updates.update(isthmus.protect.system_actor(), signed)
        await isthmus.notices.look()
        return {**status, "changed": await isthmus.notices.pending(isthmus.protect.system_actor())}

    status = operate(config, work)
    print(f"serial {status['update']['serial']}, {status['update']['services']} services")
    if status["changed"]:
        say(f"{len(status['changed'])} services in use changed: see `isthmus catalog changes`.")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise InputError(f"The bundle cannot be read: {problem.strerror}.", field="FILE") from problem
