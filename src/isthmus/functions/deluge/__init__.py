"""The Deluge language: source -> tree -> problems, and source -> program.

It reads, judges and compiles, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from isthmus.functions.deluge.checker import find_problems
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.deluge.outline import Outline, outline
from isthmus.functions.deluge.parser import parse_source
from isthmus.functions.deluge.problems import Problem
from isthmus.functions.deluge.tree import Script

__all__ = ["Outline", "Problem", "Script", "check", "compile_deluge", "outline", "parse"]


def parse(source: str) -> Script:
    """The tree of a source, with what is wrong with its syntax in `problems`. Bad source never raises."""
    return parse_source(source)


def check(
    source: str,
    *,
    connections: Collection[str] | None = None,
    functions: Collection[str] | None = None,
    arguments: Collection[str] = (),
) -> list[Problem]:
    """Everything that is wrong with a source, syntax included, in its order; it fits to run if none is an `error`.

    `connections` are the link names that there are, `functions` the names of other functions (`standalone.notify`);
    where one is None, it is not judged whether those named in the source exist. `arguments` are the names of those
    that a script without a header is declared to take. Runs nothing, and never raises for bad source.
    """
    return find_problems(source, parse_source(source, arguments), connections, functions, arguments)
