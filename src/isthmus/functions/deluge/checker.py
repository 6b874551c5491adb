"""Finds what is wrong with a script before anything runs: names, calls, tasks, and what is never reached."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import FUNCTIONS, SYSTEM_VALUES, TASKS
from isthmus.functions.deluge.calls import CREATOR_NAMES, Calls, did_you_mean
from isthmus.functions.deluge.problems import Problem, Problems, TooManyProblems
from isthmus.functions.deluge.scope import Scope, assigned
from isthmus.functions.deluge.tasks import Tasks


def find_problems(
    source: str,
    script: tree.Script,
    connections: Collection[str] | None = None,
    functions: Collection[str] | None = None,
    arguments: Collection[str] = (),
) -> list[Problem]:
    """What is wrong with a parsed script, its own `problems` included, in the order of the source.

    `arguments` are those that a script without a header is declared to take.
    """
    problems = Problems(source)
    with suppress(TooManyProblems):
        Checker(problems, script, connections, functions, () if script.header else arguments).run()
    syntax = {(problem.line, problem.column) for problem in script.problems}
    found = [problem for problem in problems.found if (problem.line, problem.column) not in syntax]
    return sorted((*script.problems, *found), key=lambda problem: (problem.line, problem.column))


class Checker:
    """Walks a script in the order of its source."""

    def __init__(
        self,
        problems: Problems,
        script: tree.Script,
        connections: Collection[str] | None,
        functions: Collection[str] | None,
        arguments: Collection[str],
    ) -> None:
        self._problems = problems
        self._script = script
        self._scope = Scope(script)
        self._calls = Calls(problems, self._scope, functions, script.header)
        self._tasks = Tasks(problems, self._scope, connections)
        self._loops = 0
        self._looped: set[str] = set()
        self._known: set[str] = {p.name for p in script.header.parameters} if script.header else set(arguments)
        # After a syntax error the tree has gaps: a name without an assignment may have one in a gap.
        self._judges_names = all(problem.code == "creator_only" for problem in script.problems)

    def run(self) -> None:
        self._block(self._script.body)

    # --- statements: each says whether the next one can be reached

    def _block(self, block: tree.Block) -> bool:
        reached = told = True
        for statement in block:
            if not reached and told:
                self._problems.warning(
                    "This is never reached.",
                    code="never_reached",
                    at=(statement.line, statement.column),
                    hint="Remove it, or what ends the block before it.",
                )
                told = False
            reached = self._statement(statement) and reached
        return reached

    def _statement(self, statement: tree.Statement) -> bool:
        return _STATEMENTS[type(statement)](self, statement)

    def _assign(self, statement: tree.Assign) -> bool:
        if statement.operator != "=" or not isinstance(statement.target, tree.Name):
            self._expression(statement.target)
        self._expression(statement.value)
        if isinstance(statement.target, tree.Name):
            self._known.add(statement.target.name)
        return True

    def _evaluate(self, statement: tree.Evaluate) -> bool:
        self._expression(statement.expression)
        return True

    def _if(self, statement: tree.If) -> bool:
        reached = statement.otherwise is None
        for branch in statement.branches:
            self._expression(branch.condition)
            reached = self._block(branch.body) or reached
        if statement.otherwise is not None:
            reached = self._block(statement.otherwise) or reached
        return reached

    def _for_each(self, statement: tree.ForEach) -> bool:
        self._expression(statement.iterable)
        self._judge_iterable(statement.iterable)
        self._known.add(statement.variable.name)
        if not self._loops:
            # What a pass assigns, the next pass can read; what inner loops assign is among it.
            self._looped = {target.name for target, _, _ in assigned(statement.body)}
        self._loops += 1
        self._block(statement.body)
        self._loops -= 1
        return True

    def _judge_iterable(self, iterable: tree.Expression) -> None:
        types = self._scope.types(iterable)
        if types is not None and types == frozenset({"map"}):
            self._problems.warning(
                "`for each` over a map goes over its values.",
                code="loop_over_map",
                at=(iterable.line, iterable.column),
                hint="Loop over .keys(), or over .values() to say so.",
            )
        elif types and types <= {"number", "decimal", "boolean"}:
            self._problems.error(
                f"`for each` cannot go over a {' or '.join(sorted(types))}.",
                code="not_iterable",
                at=(iterable.line, iterable.column),
                hint="Loop over a list, a collection, a text of values with commas, or a CSV file.",
            )

    def _try(self, statement: tree.Try) -> bool:
        reached = self._block(statement.body)
        self._known.add(statement.variable.name)
        return self._block(statement.handler) or reached

    def _throw(self, statement: tree.Throw) -> bool:
        self._expression(statement.value)
        return False

    def _return(self, statement: tree.Return) -> bool:
        if statement.value is not None:
            self._expression(statement.value)
            if self._script.header and self._script.header.return_type == "void":
                self._problems.warning(
                    "The header says void, so the value is dropped.",
                    code="void_returns",
                    at=(statement.line, statement.column),
                    hint="Name the value's type in the header, or return nothing.",
                    length=len("return"),
                )
        return False

    def _info(self, statement: tree.Info) -> bool:
        self._expression(statement.value)
        return True

    def _leave_loop(self, statement: tree.Break | tree.Continue) -> bool:
        if not self._loops:
            word = type(statement).__name__.lower()
            self._problems.error(
                f"`{word}` stands outside a loop.",
                code="outside_loop",
                at=(statement.line, statement.column),
                hint="Use it within for each; to end the function write return;.",
                length=len(word),
            )
        return False

    def _pass(self, statement: tree.Statement) -> bool:
        return True

    # --- expressions

    def _expression(self, node: tree.Node) -> None:
        kind = type(node)
        if kind is tree.Name:
            self._name(node)  # type: ignore[arg-type]
        elif kind is tree.Task:
            self._task(node)  # type: ignore[arg-type]
        elif kind not in _LEAVES:
            judge = _JUDGES.get(kind)
            if judge is not None:
                judge(self, node)
            for child in tree.children(node):
                self._expression(child)

    def _task(self, task: tree.Task) -> None:
        self._tasks.judge(task)
        definition = TASKS.get(task.name)
        for entry in task.entries:
            key = definition.key(entry.key) if definition else None
            if key is None or not self._tasks.is_constant(key, entry.value):
                self._expression(entry.value)

    def _name(self, node: tree.Name) -> None:
        name = node.name
        if not self._judges_names or name in self._known or (self._loops and name in self._looped):
            return
        at = (node.line, node.column)
        if name.lower() in CREATOR_NAMES:
            self._calls.refuse_form_fields(name, at)
        elif name in self._scope.variables:
            line = self._scope.variables[name].places[0][0]
            self._problems.error(
                f"Variable `{name}` is used before it is assigned.",
                code="used_before_assigned",
                at=at,
                hint=f"It is first assigned in line {line}.",
                length=len(name),
            )
        else:
            self._problems.error(
                f"Variable `{name}` is not defined.",
                code="undefined_variable",
                at=at,
                hint=self._name_hint(name),
                length=len(name),
            )

    def _name_hint(self, name: str) -> str:
        if name.lower() in FUNCTIONS:
            return f"A function is called with brackets: {name}()."
        if name.lower() in ("none", "nil", "undefined"):
            return "Write null."
        close = did_you_mean(name, self._scope.variables)
        return close or "Assign it before, take it as an argument, or write a text in quotes."

    def _system_variable(self, node: tree.SystemVariable) -> None:
        if node.name in SYSTEM_VALUES:
            return
        self._problems.error(
            f"There is no `{node.name}`.",
            code="unknown_system_variable",
            at=(node.line, node.column),
            hint=did_you_mean(node.name, SYSTEM_VALUES) or "Take the value as an argument of the function.",
            length=len(node.name),
        )

    def _map(self, node: tree.MapLiteral) -> None:
        seen: set[str] = set()
        for entry in node.entries:
            if isinstance(entry.key, tree.Text):
                if entry.key.value in seen:
                    self._problems.warning(
                        "The key is there twice; the last value counts.",
                        code="duplicate_key",
                        at=(entry.line, entry.column),
                        hint="Remove one of the two.",
                    )
                seen.add(entry.key.value)


_LEAVES = frozenset(
    {tree.Text, tree.Number, tree.DecimalNumber, tree.Boolean, tree.Null, tree.EmptyLiteral, tree.TypedList,
     tree.Constant, tree.CreatorQuery, tree.Operator}
)  # fmt: skip
_JUDGES: dict[type[tree.Node], Callable[[Checker, Any], None]] = {
    tree.Call: lambda checker, node: checker._calls.judge_call(node),
    tree.MethodCall: lambda checker, node: checker._calls.judge_method(node),
    tree.SystemVariable: Checker._system_variable,
    tree.MapLiteral: Checker._map,
}
_STATEMENTS: dict[type[tree.Statement], Callable[[Checker, Any], bool]] = {
    tree.Assign: Checker._assign,
    tree.Evaluate: Checker._evaluate,
    tree.If: Checker._if,
    tree.ForEach: Checker._for_each,
    tree.Try: Checker._try,
    tree.Throw: Checker._throw,
    tree.Return: Checker._return,
    tree.Info: Checker._info,
    tree.Break: Checker._leave_loop,
    tree.Continue: Checker._leave_loop,
    tree.CreatorStatement: Checker._pass,
}
