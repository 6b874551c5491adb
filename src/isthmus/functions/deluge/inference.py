"""What the compiler can be sure of: types of expressions and variables that hold in every run.

`int`, `dec`, `text`, `bool`, `list` and `dict` are exactly these types of Python, `wide` a whole number that was not
held against 64 bits yet, and `""` anything. Within this module `int?` is an `int` or null; outside, that is anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.contents import stored

ANY = ""
_UNSEEN = "unseen"
"""A variable whose assignments have not been looked at; it gives way to any type."""
RESULTS = {
    "length": "int", "len": "int", "size": "int", "count": "int", "indexof": "int", "lastindexof": "int", "find": "int",
    "getoccurencecount": "int", "tolong": "int", "tonumber": "int", "daysbetween": "int",
    "touppercase": "text", "upper": "text", "tolowercase": "text", "lower": "text", "trim": "text", "ltrim": "text",
    "rtrim": "text", "substring": "text", "subtext": "text", "mid": "text", "left": "text", "right": "text",
    "replaceall": "text", "replacefirst": "text", "concat": "text", "repeat": "text", "reverse": "text",
    "leftpad": "text", "rightpad": "text", "proper": "text", "charat": "text", "getalpha": "text",
    "contains": "bool", "notcontains": "bool", "startswith": "bool", "endswith": "bool", "isempty": "bool",
    "isnull": "bool", "isblank": "bool", "containkey": "bool", "containskey": "bool", "containvalue": "bool",
    "equalsignorecase": "bool", "matches": "bool",
    "keys": "list", "values": "list", "tolist": "list", "sublist": "list",
    "todecimal": "dec",
}  # fmt: skip
"""Built-ins that never answer anything else; those that can answer null are not among them."""
_CONSTRUCTED = {"list": "list", "map": "dict"}


class Types:
    """The types of a script's variables, wherever they are read."""

    def __init__(self, body: tree.Block, unsure: Iterable[str]) -> None:
        self._variables: dict[str, str] = {}
        self._assignments = list(_assignments(body))
        # What lists and maps hold is followed like one more variable, under a name that none has.
        for name, values in stored(body).items():
            self._assignments.extend((f"{name}[]", value) for value in values)
        for name, _ in self._assignments:
            self._variables[name] = _UNSEEN
        unsure = tuple(unsure)
        indices = {name for name, value in self._assignments if value == "index"}
        others = {name for name, value in self._assignments if value != "index"}
        self._counters = indices - others - set(unsure)
        for name in unsure:
            self._variables[name] = ANY
        # Types only ever give way to ANY, so this ends; deep chains of copies are cut short.
        for _ in range(10):
            if not self._look():
                return
        self._variables = dict.fromkeys(self._variables, ANY)

    def of(self, node: tree.Expression) -> str:
        """The type of an expression; ANY where it is not sure."""
        found = self._of(node)
        return ANY if found == _UNSEEN else _sure(found)

    def counts(self, name: str) -> bool:
        """Whether a variable is only ever the index of loops: it is never negative."""
        return name in self._counters

    def _look(self) -> bool:
        changed = False
        for name, value in self._assignments:
            before = self._variables[name]
            if before == ANY:
                continue
            found = value if isinstance(value, str) else self._of(value)
            found = "int" if found in ("wide", "index") else found
            after = found if before in (_UNSEEN, found) else before if found == _UNSEEN else ANY
            if after != before:
                self._variables[name] = after
                changed = True
        return changed

    def _of(self, node: tree.Expression) -> str:
        if isinstance(node, tree.Name):
            return self._variables.get(node.name, ANY)
        if isinstance(node, tree.Operation):
            return self._operation(node)
        if isinstance(node, tree.Conditional):
            then, otherwise = self._of(node.then), self._of(node.otherwise)
            return then if then == otherwise else ANY
        if isinstance(node, tree.MethodCall):
            if node.name.lower() == "get" and isinstance(node.target, tree.Name):
                return self._content(node.target)
            if node.name.lower() in ("tostring", "totext"):
                return ANY if node.arguments else "text"
            return RESULTS.get(node.name.lower(), ANY)
        if isinstance(node, tree.Call):
            return self._call(node)
        return _literal(node)

    def _content(self, target: tree.Name) -> str:
        """What `get` answers: a list has something at a place or fails, a map may have nothing."""
        found = self._variables.get(f"{target.name}[]", ANY)
        if found in (ANY, _UNSEEN):
            return found
        kind = self._of(target)
        return found if kind == "list" else f"{_sure(found)}?" if kind == "dict" and _sure(found) else ANY

    def _call(self, node: tree.Call) -> str:
        name = node.name.lower()
        if name == "ifnull" and len(node.arguments) == 2:
            value, other = (self._of(argument) for argument in node.arguments)
            if _UNSEEN in (value, other):
                return other if value == _UNSEEN else value.removesuffix("?")
            return other if value.removesuffix("?") == other else ANY
        if name in _CONSTRUCTED and not node.arguments:
            return _CONSTRUCTED[name]
        if name in ("tostring", "totext") and len(node.arguments) == 1:
            return "text"
        return RESULTS.get(name, ANY)

    def _operation(self, node: tree.Operation) -> str:
        found = _sure(self._of(node.operands[0]))
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            found = combined(operator.symbol, found, _sure(self._of(operand)))
        return found


def _sure(kind: str) -> str:
    return ANY if kind.endswith("?") else kind


def combined(symbol: str, left: str, right: str) -> str:
    """The type of `left symbol right`."""
    if symbol == "+" and "text" in (left, right):
        return "text"
    if _UNSEEN in (left, right):
        return _UNSEEN
    whole = ("int", "wide")
    if left in whole and right in whole:
        return "int" if symbol == "%" else ANY if symbol == "/" else "wide"
    numbers = (*whole, "dec")
    return "dec" if "dec" in (left, right) and left in numbers and right in numbers else ANY


def _literal(node: tree.Expression) -> str:
    if isinstance(node, tree.Number):
        return "int"
    if isinstance(node, tree.DecimalNumber):
        return "dec"
    if isinstance(node, tree.Text):
        return ANY if node.single else "text"
    if isinstance(node, tree.Boolean | tree.Comparison | tree.Logical):
        return "bool"
    if isinstance(node, tree.Unary) and node.operator == "!":
        return "bool"
    if isinstance(node, tree.ListLiteral):
        return "list"
    return "dict" if isinstance(node, tree.MapLiteral) else ANY


def _assignments(block: tree.Block) -> Iterable[tuple[str, tree.Expression | str]]:
    """Each variable that a block assigns, with the value or a type."""
    for statement in block:
        if isinstance(statement, tree.Assign):
            if isinstance(statement.target, tree.Name):
                yield statement.target.name, _assigned(statement, statement.target)
        elif isinstance(statement, tree.ForEach):
            yield statement.variable.name, "index" if statement.by_index else _element(statement.iterable)
            yield from _assignments(statement.body)
        elif isinstance(statement, tree.If):
            for branch in statement.branches:
                yield from _assignments(branch.body)
            yield from _assignments(statement.otherwise or ())
        elif isinstance(statement, tree.Try):
            yield from _assignments(statement.body)
            yield statement.variable.name, ANY
            yield from _assignments(statement.handler)


def _assigned(statement: tree.Assign, target: tree.Name) -> tree.Expression:
    if statement.operator == "=":
        return statement.value
    symbol = tree.Operator(statement.line, statement.column, statement.operator[0])
    return tree.Operation(statement.line, statement.column, (target, statement.value), (symbol,))


def _element(iterable: tree.Expression) -> tree.Expression | str:
    """The type of what a loop goes through where the list stands there, else an expression of that type."""
    if isinstance(iterable, tree.ListLiteral) and iterable.items:
        found = {_literal(item) for item in iterable.items}
        return found.pop() if len(found) == 1 else ANY
    if isinstance(iterable, tree.Name):
        return tree.MethodCall(iterable.line, iterable.column, iterable, "get", ())
    return ANY
