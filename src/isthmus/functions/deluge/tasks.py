"""Judges tasks: their keys, and what stands behind them."""

from __future__ import annotations

from collections.abc import Collection

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import TASKS, TaskDefinition, TaskKey
from isthmus.functions.deluge.calls import did_you_mean
from isthmus.functions.deluge.problems import Problems
from isthmus.functions.deluge.scope import Scope

_LITERAL = tree.Text | tree.Number | tree.DecimalNumber | tree.Boolean | tree.MapLiteral | tree.ListLiteral


class Tasks:
    """`connections` are the link names that there are, None where they are not known."""

    def __init__(self, problems: Problems, scope: Scope, connections: Collection[str] | None) -> None:
        self._problems = problems
        self._scope = scope
        self._connections = connections

    def judge(self, task: tree.Task) -> None:
        """Name, keys and constant values of a task."""
        definition = TASKS.get(task.name)
        if definition is None:
            self._problems.error(
                f"There is no task `{task.name}`.",
                code="unknown_task",
                at=(task.line, task.column),
                hint=did_you_mean(task.name, TASKS) or f"Tasks are {', '.join(TASKS)}.",
                length=len(task.name),
            )
            return
        seen: set[str] = set()
        for entry in task.entries:
            self._entry(definition, entry, seen)
        missing = [key.name for key in definition.keys if key.required and key.name not in seen]
        if missing:
            self._problems.error(
                f"`{task.name}` needs {' and '.join(missing)}.",
                code="missing_task_key",
                at=(task.line, task.column),
                hint=f"Add a line {missing[0]} : value.",
                length=len(task.name),
            )

    def _entry(self, definition: TaskDefinition, entry: tree.TaskEntry, seen: set[str]) -> None:
        key = definition.key(entry.key)
        at = (entry.line, entry.column)
        if key is None:
            names = [known.name for known in definition.keys]
            self._problems.error(
                f"`{definition.name}` has no key `{entry.key}`.",
                code="unknown_task_key",
                at=at,
                hint=did_you_mean(entry.key, names) or f"Keys are {', '.join(names)}.",
                length=len(entry.key),
            )
            return
        if entry.key in seen:
            self._problems.error(
                f"The key `{entry.key}` is given twice.",
                code="duplicate_task_key",
                at=at,
                hint="Remove one of them.",
                length=len(entry.key),
            )
        seen.add(entry.key)
        if key.constants:
            self._constant(key, entry.value)
        else:
            self._value(key, entry.value)
        if entry.key == "connection" and isinstance(entry.value, tree.Text):
            self._connection(entry.value)

    def is_constant(self, key: TaskKey, value: tree.Expression) -> bool:
        """Whether a bare word stands where the key takes constants, and is no variable."""
        return bool(key.constants) and isinstance(value, tree.Name) and value.name not in self._scope.variables

    def _constant(self, key: TaskKey, value: tree.Expression) -> None:
        written = None
        if isinstance(value, tree.Text):
            written = value.value
        elif isinstance(value, tree.Name) and self.is_constant(key, value):
            written = value.name
        elif isinstance(value, tree.Number | tree.Boolean | tree.Null):
            written = "this value"
        if written is None or written.upper() in key.constants:
            return
        self._problems.error(
            f"`{key.name}` cannot be {written}.",
            code="bad_task_constant",
            at=(value.line, value.column),
            hint=f"It is one of {', '.join(key.constants)}, as a bare word.",
            length=len(written) if isinstance(value, tree.Name) else 1,
        )

    def _value(self, key: TaskKey, value: tree.Expression) -> None:
        """A literal must have a type that the key takes; anything else is seen when it runs."""
        if not isinstance(value, _LITERAL):
            return
        types = self._scope.types(value)
        if types and types.isdisjoint(key.types):
            self._problems.error(
                f"`{key.name}` takes {' or '.join(key.types)}, not {' or '.join(sorted(types))}.",
                code="task_value",
                at=(value.line, value.column),
                hint=f"Give it what it is for: {key.summary}",
            )

    def _connection(self, value: tree.Text) -> None:
        if self._connections is None or value.value in self._connections:
            return
        self._problems.error(
            f"There is no connection `{value.value}`.",
            code="unknown_connection",
            at=(value.line, value.column),
            hint=did_you_mean(value.value, self._connections) or "Create the connection, or use its link name.",
            length=len(value.value) + 2,
        )
