"""The languages, as custom functions use them: one way to check and compile both."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Protocol

from isthmus.broker.functions.ports import Completion, Diagnostic, Source, Surrounding
from isthmus.errors import InputError
from isthmus.functions import deluge
from isthmus.functions.deluge import completion
from isthmus.functions.host import Argument, Fault, Program
from isthmus.functions.python import compile_python


class TypeChecker(Protocol):
    async def check(self, program: Program) -> Sequence[Fault]:
        """What is wrong with the types of a program; nothing of it is run."""


class LanguageSet:
    """Deluge and Python."""

    def __init__(self, *, checker: TypeChecker) -> None:
        self._checker = checker

    async def check(self, source: Source, surrounding: Surrounding) -> Sequence[Diagnostic]:
        """Everything that is wrong, errors and warnings. Raises FunctionError for Python that does not compile."""
        if source.language == "deluge":
            return await asyncio.to_thread(self._check_deluge, source, surrounding)
        program = self.compile(source)
        found = [_diagnostic(fault) for fault in await self._checker.check(program)]
        return [*found, *_unknown(program, surrounding)]

    def complete(self, source: Source, line: int, column: int, surrounding: Surrounding) -> Sequence[Completion]:
        """What can be written at a place of a Deluge script; nothing for Python, which editors know themselves."""
        if source.language != "deluge":
            return []
        connections, functions = surrounding.connections or (), surrounding.functions or ()
        found = completion.complete(source.code, line, column, connections=connections, functions=functions)
        return [Completion(**asdict(item)) for item in found]

    def compile(self, source: Source) -> Program:
        if source.language == "deluge":
            program = deluge.compile_deluge(source.code, source.name, source.arguments or ())
        else:
            program = compile_python(source.code, source.name)
        return with_declaration(program, source)

    def _check_deluge(self, source: Source, surrounding: Surrounding) -> list[Diagnostic]:
        """Its checker knows connections and functions itself; compiling finds a declaration that does not fit."""
        found = deluge.check(
            source.code,
            connections=surrounding.connections,
            functions=surrounding.functions,
            arguments=[argument.name for argument in source.arguments or ()],
        )
        if all(problem.severity != "error" for problem in found):
            self.compile(source)
        return [*_misnamed(source), *(Diagnostic(**asdict(problem)) for problem in found)]


def with_declaration(program: Program, source: Source) -> Program:
    """The program, its arguments as code and declaration together say: names from the code, and what the declaration
    says of type and default over what the code says.

    Raises InputError (`arguments_differ`) where the names are not the same.
    """
    if source.arguments is None:
        return program
    declared = {argument.name: argument for argument in source.arguments}
    names = [argument.name for argument in program.arguments]
    if names != list(declared):
        raise InputError(
            f"The code takes ({', '.join(names)}), the declaration says ({', '.join(declared)}).",
            field="arguments",
            code="arguments_differ",
            hint="Declare the arguments as the code does, or leave the declaration out.",
        )
    merged = tuple(_merged(argument, declared[argument.name]) for argument in program.arguments)
    return replace(program, arguments=merged, return_type=program.return_type or source.return_type)


def _merged(code: Argument, declared: Argument) -> Argument:
    by = code if declared.required and not code.required else declared
    return Argument(code.name, declared.type or code.type, by.default, by.required)


def _misnamed(source: Source) -> list[Diagnostic]:
    """A header that names another function than the one that the code is saved as: a copy, most often."""
    header = deluge.parse(source.code).header
    if header is None or not source.name or header.name in (source.name, source.name.rpartition(".")[2]):
        return []
    message = f"The header says {header.name}; the function is called {source.name}."
    hint = "Name it in the header as it is called; calls go by the function's own name."
    end = header.column + len(header.return_type)
    return [Diagnostic("warning", "header_name", message, header.line, header.column, end, hint)]


def _diagnostic(fault: Fault) -> Diagnostic:
    return Diagnostic(
        "error", fault.code, fault.message, fault.line, fault.column, fault.column + 1, fault.hint, fault.excerpt
    )


def _unknown(program: Program, surrounding: Surrounding) -> list[Diagnostic]:
    """Link names and functions that the code names and that are not there."""
    found: list[Diagnostic] = []
    for kind, names, there in (
        ("connection", program.connections, surrounding.connections),
        ("function", program.calls, surrounding.functions),
    ):
        for name in names:
            if there is not None and name not in there:
                place = _place_of(program.source, name)
                hint = _did_you_mean(name, there)
                message = f"There is no {kind} {name!r}."
                found.append(Diagnostic("error", f"{kind}_not_found", message, *place, hint=hint))
    return found


def _place_of(source: str, name: str) -> tuple[int, int, int]:
    """Line, column and end of the first literal of this name."""
    for number, line in enumerate(source.split("\n"), 1):
        for quote in "\"'":
            column = line.find(f"{quote}{name}{quote}")
            if column >= 0:
                return number, column + 1, column + len(name) + 3
    return 1, 1, 2


def _did_you_mean(name: str, there: Collection[str]) -> str:
    close = difflib.get_close_matches(name, there, 1)
    return f"Did you mean {close[0]!r}?" if close else "Make it first, or correct the name."
