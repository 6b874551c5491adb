"""From the syntax tree to Python for the sandbox, with a map of places.

The compiled text is one function `main`; a variable `x` is its local `v_x`. `_n` counts statements: in one step for each
stretch that runs as a whole, checked at the head of every loop. `_at` is the line that the run is at, kept where nothing
else can tell it: in front of a loop, and of each statement that a `catch` may hear of. Both are read after a run that
failed. Only these and the built-ins' names are used, so nothing that a script names can be anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from isthmus.errors import FunctionError
from isthmus.functions.deluge import tree
from isthmus.functions.deluge.emission import ExpressionWriter, variable
from isthmus.functions.deluge.inference import Types
from isthmus.functions.deluge.outline import outline
from isthmus.functions.deluge.parser import parse_source
from isthmus.functions.deluge.problems import Problem
from isthmus.functions.deluge.writing import Lines
from isthmus.functions.host import Argument, Program

_STRETCH = 50
"""Statements that may run between two checks of the limit outside of loops."""
_BRANCHES = 50
"""Conditions of one `if` that are written as one."""
_COMPOUND = (tree.If, tree.ForEach, tree.Try)


def compile_deluge(source: str, name: str = "", arguments: Iterable[Argument] = ()) -> Program:
    """The program of a script. `arguments` are declared for a script without a header; a header declares its own.

    The checker finds more than this does. Raises FunctionError with line, column and hint for what cannot be read.
    """
    arguments = tuple(arguments)
    script = parse_source(source, [argument.name for argument in arguments])
    fatal = next((problem for problem in script.problems if problem.severity == "error"), None)
    if fatal is not None:
        raise _error(fatal)
    return compile_script(script, source, name, arguments)


def compile_script(script: tree.Script, source: str, name: str = "", arguments: tuple[Argument, ...] = ()) -> Program:
    """The program of a script that was parsed without an error."""
    told = outline(script)
    if script.header is not None:
        arguments = told.arguments
    writer = _ScriptWriter(script, arguments)
    compiled, places = writer.write()
    return Program(
        language="deluge",
        source=source,
        compiled=compiled,
        places=places,
        name=name or told.name,
        arguments=arguments,
        return_type=told.return_type,
        connections=told.connections,
        calls=told.calls,
    )


def _error(problem: Problem) -> FunctionError:
    return FunctionError(
        problem.message, line=problem.line, column=problem.column, code=problem.code, hint=problem.hint
    )


class _ScriptWriter:
    """Writes one script."""

    def __init__(self, script: tree.Script, arguments: tuple[Argument, ...]) -> None:
        self._script = script
        self._arguments = arguments
        self._lines = Lines()
        self._types = Types(script.body, {argument.name for argument in arguments})
        self._out = ExpressionWriter(self._types)
        self._tries = 0
        self._loops = 0
        self._void = script.header is not None and script.header.return_type == "void"

    def write(self) -> tuple[str, tuple[tuple[int, int, int, int], ...]]:
        """The compiled text and its places."""
        lines = self._lines
        lines.add(0, "_n = 0")
        lines.add(0, "_at = 1")
        lines.add(0, "def main(arguments, limit):")
        lines.add(1, "global _n, _at")
        for argument in self._arguments:
            given = (argument.name, argument.type, argument.default)
            lines.add(1, f"{variable(argument.name)} = argument(arguments, {', '.join(map(_literal, given))})")
        self._block(self._script.body, 1)
        lines.add(0, "finish(main(arguments, statement_limit), _n)")
        return lines.finished()

    def _block(self, block: tree.Block, depth: int, head: tree.ForEach | None = None) -> None:
        """The statements of a block, counted in stretches; `head` is the loop whose body it is."""
        if not block and head is None:
            self._lines.add(depth, "pass")
        for number, stretch in enumerate(_stretches(block) or [()]):
            self._stretch(stretch, depth, head if number == 0 else None)

    def _stretch(self, statements: tree.Block, depth: int, head: tree.ForEach | None) -> None:
        """Statements that run one after the other: all but the last are simple. A loop counts at each pass."""
        count = sum(not isinstance(s, tree.ForEach) for s in statements) + (head is not None)
        if count:
            # The sandbox is faster at this than at `_n += ...`.
            self._lines.add(depth, f"_n = _n + {count}")
        at = head or (statements[0] if count >= _STRETCH else None)
        if at is not None:
            self._lines.add(depth, f"if _n > limit: overrun({at.line}, {at.column})")
        for statement in statements:
            if self._tries or isinstance(statement, tree.ForEach):
                self._lines.add(depth, f"_at = {statement.line}")
            self._statement(statement, depth)

    def _statement(self, statement: tree.Statement, depth: int) -> None:
        kind = type(statement).__name__
        writer: Any = getattr(self, f"_write_{kind.lower()}", None)
        if writer is None:
            raise FunctionError(
                f"{kind} cannot be run.", line=statement.line, column=statement.column, code="creator_only"
            )
        writer(statement, depth)

    def _write_assign(self, statement: tree.Assign, depth: int) -> None:
        target, value = statement.target, statement.value
        if statement.operator != "=":
            symbol = tree.Operator(statement.line, statement.column, statement.operator[0])
            value = tree.Operation(statement.line, statement.column, (target, value), (symbol,))
        if isinstance(target, tree.Name):
            self._out.assign(self._lines, depth, target, value)
        else:
            self._lines.add(depth, self._out.store(statement, target, value))

    def _write_evaluate(self, statement: tree.Evaluate, depth: int) -> None:
        self._out.evaluate(self._lines, depth, statement.expression)

    def _write_if(self, statement: tree.If, depth: int) -> None:
        """Each `else if` is one level of nesting to the sandbox, so many of them are written in groups: one is gone
        into where the groups before it came to nothing."""
        branches, passed = statement.branches, f"e_{depth}"
        if len(branches) > _BRANCHES:
            self._lines.add(depth, f"{passed} = 0")
        for at in range(0, len(branches), _BRANCHES):
            inner = depth
            if at:
                self._lines.add(depth, f"if {passed} == {at}:")
                inner = depth + 1
            for number, branch in enumerate(branches[at : at + _BRANCHES]):
                self._lines.add(inner, f"{'elif' if number else 'if'} {self._out.condition(branch.condition)}:")
                self._block(branch.body, inner + 1)
            if at + _BRANCHES < len(branches):
                self._lines.add(inner, "else:")
                self._lines.add(inner + 1, f"{passed} = {at + _BRANCHES}")
            elif statement.otherwise:
                self._lines.add(inner, "else:")
                self._block(statement.otherwise, inner + 1)

    def _write_foreach(self, statement: tree.ForEach, depth: int) -> None:
        through = self._out.iterable(statement)
        self._lines.add(depth, f"for {variable(statement.variable.name)} in {through}:")
        self._loops += 1
        self._block(statement.body, depth + 1, statement)
        self._loops -= 1

    def _write_try(self, statement: tree.Try, depth: int) -> None:
        self._lines.add(depth, "try:")
        self._tries += 1
        self._block(statement.body, depth + 1)
        self._tries -= 1
        self._lines.add(depth, "except Exception as problem:")
        self._lines.add(depth + 1, f"{variable(statement.variable.name)} = caught(problem, _at)")
        self._block(statement.handler, depth + 1)

    def _write_throw(self, statement: tree.Throw, depth: int) -> None:
        self._lines.add(depth, self._out.marked(statement, f"throw({self._out.value(statement.value)})"))

    def _write_return(self, statement: tree.Return, depth: int) -> None:
        if statement.value is None:
            self._lines.add(depth, "return None")
        elif self._void:
            self._out.evaluate(self._lines, depth, statement.value)
            self._lines.add(depth, "return None")
        else:
            self._lines.add(depth, f"return {self._out.value(statement.value)}")

    def _write_info(self, statement: tree.Info, depth: int) -> None:
        self._lines.add(
            depth,
            self._out.marked(
                statement, f"info({self._out.value(statement.value)}, {statement.line}, {statement.column})"
            ),
        )

    def _write_break(self, statement: tree.Break, depth: int) -> None:
        self._leave(statement, "break", depth)

    def _write_continue(self, statement: tree.Continue, depth: int) -> None:
        self._leave(statement, "continue", depth)

    def _leave(self, statement: tree.Statement, word: str, depth: int) -> None:
        if not self._loops:
            raise FunctionError(
                f"`{word}` stands outside of a loop.",
                line=statement.line,
                column=statement.column,
                code="outside_loop",
                hint="Use it within for each { ... }.",
            )
        self._lines.add(depth, word)


def _stretches(block: tree.Block) -> list[tree.Block]:
    found: list[tree.Block] = []
    start = 0
    for number, statement in enumerate(block, 1):
        if isinstance(statement, _COMPOUND) or number - start == _STRETCH or number == len(block):
            found.append(block[start:number])
            start = number
    return found


def _literal(value: Any) -> str:
    return ascii(value)
