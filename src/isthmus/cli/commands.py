"""The tree of commands. A command's module is loaded when it is called for: most need neither server nor framework."""

from __future__ import annotations

import gc
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from isthmus import __version__
from isthmus.settings import CONFIG_VARIABLE

HOMES = {
    "serve": "server:serve",
    "demo": "demo:demo",
    "practice": "practice:practice",
    "visit": "visit:visit",
    "api-key": "accounts:api_keys",
    "user": "accounts:users",
    "apply": "documents:apply",
    "export": "documents:export",
    "connect": "connect:connect",
    "invoke": "invoke:invoke",
    "test": "upkeep:test",
    "refresh": "upkeep:refresh",
    "status": "upkeep:status",
    "functions": "functions:functions",
    "catalog": "catalog:catalog",
    "deluge": "deluge:deluge",
}
"""Command -> module and attribute: a function is one command, a `Typer` a group of them."""


class Commands(TyperGroup):
    """The commands by name, each loaded when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(HOMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load(cmd_name) if cmd_name in HOMES else None


def load(name: str) -> Any:
    """The command of this name, from its module."""
    module, _, attribute = HOMES[name].partition(":")
    found = getattr(_loaded(f"isthmus.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name)(found)
        found = single
    command = get_command(found)
    command.name = name
    return command


def _loaded(module: str) -> ModuleType:
    """The module. Loading makes a million objects that stay; to look for garbage among them takes a fifth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return import_module(module)
    finally:
        if collecting:
            gc.enable()


application = typer.Typer(
    cls=Commands,
    name="isthmus",
    help="A self-hosted Connections service: connect a third party once, call it by link name.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"isthmus {__version__}")
        raise typer.Exit


@application.callback()
def _root(
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file with settings; the environment wins over it.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """A self-hosted Connections service: connect a third party once, call it by link name."""
    if config is not None:
        # The environment carries it to the processes that `serve` and `demo` start, too.
        os.environ[CONFIG_VARIABLE] = str(config.absolute())


def main() -> None:
    """The entry point of the command `isthmus`."""
    application()
