"""The variables of a script: where each gets a value, and what type it can have."""

from __future__ import annotations

from dataclasses import dataclass, field

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import FUNCTIONS, METHODS, SYSTEM_VALUES, Builtin

Types = frozenset[str] | None
"""The types that a value can have; None where nothing is known."""

HEADER_WORDS = {
    "string": "text", "int": "number", "long": "number", "bigint": "number", "bool": "boolean", "float": "decimal",
    "decimal": "decimal", "date": "date", "time": "time", "map": "map", "list": "list", "collection": "collection",
    "file": "file",
}  # fmt: skip
"""A header's keyword -> the type."""
_LITERALS: dict[type[tree.Expression], Types] = {
    tree.Number: frozenset({"number"}),
    tree.DecimalNumber: frozenset({"decimal"}),
    tree.Boolean: frozenset({"boolean"}),
    tree.Comparison: frozenset({"boolean"}),
    tree.Logical: frozenset({"boolean"}),
    tree.ListLiteral: frozenset({"list"}),
    tree.TypedList: frozenset({"list"}),
    tree.MapLiteral: frozenset({"map"}),
}
_FAR = 20


@dataclass(slots=True)
class Variable:
    """A variable: the places where it gets a value, first to last, and the values where they are written down."""

    name: str
    places: list[tuple[int, int]] = field(default_factory=list)
    values: list[tree.Expression | None] = field(default_factory=list)
    fixed: Types = None


class Scope:
    """All variables of a script; there is one scope, blocks make none."""

    def __init__(self, script: tree.Script) -> None:
        self.variables: dict[str, Variable] = {}
        self._types: dict[str, Types] = {}
        for parameter in script.header.parameters if script.header else ():
            variable = self._note(parameter.name, parameter, None)
            known = HEADER_WORDS.get(parameter.type)
            variable.fixed = frozenset({known}) if known else None
        for target, value, fixed in assigned(script.body):
            variable = self._note(target.name, target, value)
            if fixed and len(variable.values) == 1:
                variable.fixed = fixed

    def _note(self, name: str, at: tree.Node, value: tree.Expression | None) -> Variable:
        variable = self.variables.setdefault(name, Variable(name))
        variable.places.append((at.line, at.column))
        variable.values.append(value)
        return variable

    def types(self, expression: tree.Expression, far: int = 0) -> Types:
        """The types that the expression can have."""
        kind = type(expression)
        if kind in _LITERALS:
            return _LITERALS[kind]
        if isinstance(expression, tree.Text):
            return frozenset({"text", "date", "time"}) if expression.single else frozenset({"text"})
        if isinstance(expression, tree.Name):
            return self._of_name(expression.name, far)
        if isinstance(expression, tree.SystemVariable):
            known = SYSTEM_VALUES.get(expression.name)
            return frozenset({known.type}) if known else None
        if isinstance(expression, tree.Call):
            return _results(FUNCTIONS.get(expression.name.lower(), ()))
        if isinstance(expression, tree.MethodCall):
            return self._of_method(expression, far)
        return None

    def _of_name(self, name: str, far: int) -> Types:
        if name in self._types:
            return self._types[name]
        variable = self.variables.get(name)
        if variable is None or far > _FAR:
            return None
        # What is assigned in a circle is not known; and no variable is looked into twice.
        self._types[name] = None
        found: Types = frozenset()
        if variable.fixed and len(variable.values) == 1:
            found = variable.fixed
        else:
            for value in variable.values:
                more = self.types(value, far + 1) if value is not None else None
                found = found | more if more is not None and found is not None else None
        self._types[name] = found
        return found

    def _of_method(self, call: tree.MethodCall, far: int) -> Types:
        known = METHODS.get(call.name.lower(), ())
        if len({entry.result for entry in known}) > 1:
            receiver = self.types(call.target, far + 1) if far <= _FAR else None
            if receiver is None:
                return None
            known = tuple(entry for entry in known if not receiver.isdisjoint(entry.receivers))
        return _results(known)


def _results(entries: tuple[Builtin, ...]) -> Types:
    results = frozenset(result for entry in entries for result in entry.result.split("|"))
    return None if not results or "any" in results else results


def assigned(block: tree.Block) -> list[tuple[tree.Name, tree.Expression | None, Types]]:
    """Each assignment of a variable: the name, the value where it is written down, the type where it is sure."""
    found: list[tuple[tree.Name, tree.Expression | None, Types]] = []
    _collect(block, found)
    return found


def _collect(block: tree.Block, found: list[tuple[tree.Name, tree.Expression | None, Types]]) -> None:
    for statement in block:
        if isinstance(statement, tree.Assign):
            if isinstance(statement.target, tree.Name):
                found.append((statement.target, statement.value if statement.operator == "=" else None, None))
        elif isinstance(statement, tree.ForEach):
            found.append((statement.variable, None, frozenset({"number"}) if statement.by_index else None))
            _collect(statement.body, found)
        elif isinstance(statement, tree.If):
            for branch in statement.branches:
                _collect(branch.body, found)
            _collect(statement.otherwise or (), found)
        elif isinstance(statement, tree.Try):
            _collect(statement.body, found)
            found.append((statement.variable, None, frozenset({"error"})))
            _collect(statement.handler, found)
