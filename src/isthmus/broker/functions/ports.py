"""What custom functions need from elsewhere: the languages, the sandbox, a queue."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from isthmus.functions.host import Argument, Limits, Program, Reply, State, Surroundings, Waiting
from isthmus.records import Language, Run


@dataclass(frozen=True, slots=True)
class Source:
    """A function as its author wrote it: the code, and what was declared besides."""

    name: str
    language: Language
    code: str = field(repr=False)
    arguments: tuple[Argument, ...] | None = None
    return_type: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong with a code. An `error` keeps it from being published, a `warning` does not.

    Lines and columns count from 1; `end_column` is one past the last.
    """

    severity: Literal["error", "warning"]
    code: str
    message: str
    line: int = 1
    column: int = 1
    end_column: int = 2
    hint: str = ""
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """One thing that can be written. `insert_text` takes the place of the word before the cursor."""

    label: str
    kind: str
    detail: str = ""
    documentation: str = ""
    insert_text: str = ""


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What there is that a code may name; None where that is not to be judged."""

    connections: Collection[str] | None = None
    functions: Collection[str] | None = None


class Languages(Protocol):
    """The languages that functions are written in. Neither method runs anything of the code."""

    async def check(self, source: Source, surrounding: Surrounding) -> Sequence[Diagnostic]:
        """Everything that is wrong with the code, types included where the language has them, in its order."""

    def complete(self, source: Source, line: int, column: int, surrounding: Surrounding) -> Sequence[Completion]:
        """What can be written at a place; nothing for a language whose editors know it themselves."""

    def compile(self, source: Source) -> Program:
        """The program, with the arguments that code and declaration together give.

        Raises FunctionError at the first thing that is wrong, InputError (field `arguments`) where the declaration
        names others than the code.
        """


class Sandbox(Protocol):
    """Runs programs, each step in whichever worker is free."""

    async def begin(
        self, program: Program, arguments: Mapping[str, Any], *, surroundings: Surroundings, limits: Limits
    ) -> State: ...

    async def resume(
        self, program: Program, waiting: Waiting, reply: Reply, *, surroundings: Surroundings, limits: Limits
    ) -> State:
        """Go on where the run waits, with the answer to what it asked."""

    def close(self) -> None: ...


class Queue(Protocol):
    """Takes up runs that were stored as queued."""

    def wake(self, run: Run) -> None:
        """A run was just stored that is due now."""
