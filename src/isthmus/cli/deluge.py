"""`isthmus deluge`. Needs neither server nor database: a language is judged by itself."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from isthmus import __version__
from isthmus.cli.errors import FAILED
from isthmus.cli.outcome import say, told
from isthmus.cli.script_run import read_text, run
from isthmus.functions.deluge import Problem
from isthmus.functions.deluge import check as find_problems
from isthmus.functions.deluge.grammar import textmate_grammar

deluge = typer.Typer(help="Scripts in Deluge.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
deluge.command("run")(run)

ConnectionsOption = Annotated[
    list[str] | None,
    typer.Option("--connection", help="A link name that there is; with one or more, others are reported."),
]
FunctionsOption = Annotated[
    list[str] | None,
    typer.Option("--function", help="A function that there is; with one or more, others are reported."),
]


@deluge.command("check")
@told
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scripts.")],
    connection: ConnectionsOption = None,
    function: FunctionsOption = None,
    errors_only: Annotated[bool, typer.Option("--errors-only", help="Leave warnings out.")] = False,
    source_lines: Annotated[
        bool, typer.Option("--source", help="Show the line of each problem too, with a caret below the place.")
    ] = False,
) -> None:
    """Parse and check scripts; one line per problem, exit 1 if there is any. Runs nothing."""
    count = 0
    for path in files:
        source = read_text(path)
        for problem in find_problems(source, connections=connection, functions=function):
            if errors_only and problem.severity != "error":
                continue
            count += 1
            print(_told(path, problem))
            if source_lines:
                print(problem.excerpt)
    if count:
        raise typer.Exit(FAILED)
    say("No problems found.")


def _told(path: Path, problem: Problem) -> str:
    kind = "warning: " if problem.severity == "warning" else ""
    return f"{path}:{problem.line}:{problem.column}: {kind}{problem.message} {problem.hint} [{problem.code}]"


@deluge.command("grammar")
@told
def grammar() -> None:
    """Print the TextMate grammar, for editors and highlighters."""
    print(json.dumps(textmate_grammar(), indent=2))


@deluge.command("lsp")
@told
def lsp(connection: ConnectionsOption = None, function: FunctionsOption = None) -> None:
    """Run the language server on standard input and output, as editors start it."""
    # It brings a library that no other command needs.
    import_module("isthmus.functions.deluge.language_server").run(__version__, connection, function)
