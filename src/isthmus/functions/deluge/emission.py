"""Expressions as Python: the sandbox's own operators where the types are sure, the built-ins' functions elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import FUNCTIONS
from isthmus.functions.deluge.date_literals import literal_of
from isthmus.functions.deluge.inference import ANY, Types, combined
from isthmus.functions.deluge.shortcuts import HERE, SHORTCUTS, STATEMENTS
from isthmus.functions.deluge.writing import Lines, mark

_OPERATORS = {"+": "plus", "-": "minus", "*": "times", "/": "divide", "%": "modulo"}
_ORDERS = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
_NUMBERS = ("int", "wide", "dec")
LARGEST, SMALLEST = (1 << 63) - 1, -(1 << 63)
_CHUNK = 50
"""So many operators in a row are written as one expression: the sandbox reads nothing that is nested too deep."""
_PLACED = ("geturl", "posturl", "invokeurl")
"""Built-ins that make a call to the world: they take the place of the call and the statements so far."""


def variable(name: str) -> str:
    """The local that stands for a variable: ASCII, and nothing else's name."""
    if name.isascii():
        return f"v_{name}"
    return "v_" + "".join(c if c.isascii() and c != "_" else f"_{ord(c):x}_" for c in name)


def text_literal(value: str) -> str:
    """A text as Python writes it, in ASCII."""
    return ascii(value)


class ExpressionWriter:
    """Writes the expressions of one script."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._partial = 0

    def marked(self, node: tree.Node, text: str) -> str:
        """The text, with the place of a node at its beginning."""
        return mark(node) + text

    def value(self, node: tree.Expression) -> str:
        """The expression, whole numbers held against 64 bits."""
        written = self.loose(node)
        return f"{mark(node)}bounded({written})" if self._types.of(node) == "wide" else written

    def loose(self, node: tree.Expression) -> str:
        """The expression where a number may pass 64 bits: within another one, in a comparison."""
        return _WRITERS[type(node)](self, node)

    def condition(self, node: tree.Expression) -> str:
        """The expression as a condition."""
        written = self.value(node)
        return written if self._types.of(node) == "bool" else f"{mark(node)}truth({written})"

    # --- what statements need

    def assign(self, lines: Lines, depth: int, target: tree.Name, value: tree.Expression) -> None:
        """`target = value`; a sum of whole numbers is held against 64 bits after it."""
        name = variable(target.name)
        lines.add(depth, f"{name} = {self.loose(value)}")
        if self._types.of(value) == "wide":
            passed = f"{name} > {LARGEST}" if _grows(value) else f"{name} > {LARGEST} or {name} < {SMALLEST}"
            lines.add(depth, f"if {passed}: {mark(value)}bounded({name})")

    def store(self, statement: tree.Assign, target: tree.Expression, value: tree.Expression) -> str:
        """`a.b = value` and `a[i] = value`."""
        if isinstance(target, tree.Field):
            owner, key = self.value(target.target), text_literal(target.name)
            return f"{mark(statement)}set_field({owner}, {key}, {self.value(value)})"
        assert isinstance(target, tree.Index)
        owner, key = self.value(target.target), self.value(target.index)
        return f"{mark(statement)}set_index({owner}, {key}, {self.value(value)})"

    def evaluate(self, lines: Lines, depth: int, node: tree.Expression) -> None:
        """An expression whose value is dropped."""
        if isinstance(node, tree.MethodCall) and isinstance(node.target, tree.Name) and not _has_entry(node):
            shortcut = STATEMENTS.get((node.name.lower(), len(node.arguments)))
            if shortcut is not None:
                arguments = [self.value(argument) for argument in node.arguments]
                for line in shortcut(variable(node.target.name), self._types.of(node.target), arguments, mark(node)):
                    lines.add(depth, line)
                return
        lines.add(depth, self.loose(node))

    def iterable(self, statement: tree.ForEach) -> str:
        """What a loop goes through."""
        through = statement.iterable
        if self._types.of(through) == "list":
            written = self.value(through)
            if statement.by_index:
                return f"range(len({written}))"
            return f"{written}[:]" if isinstance(through, tree.Name) else written
        function = "each_index" if statement.by_index else "each"
        return f"{mark(through)}{function}({self.value(through)})"

    # --- literals and names

    def _text(self, node: tree.Text) -> str:
        if node.single:
            found = literal_of(node.value)
            if found is not None:
                return found
        return text_literal(node.value)

    def _decimal(self, node: tree.DecimalNumber) -> str:
        return f"Decimal({text_literal(str(node.value))})"

    def _list(self, node: tree.ListLiteral) -> str:
        return f"[{', '.join(self.value(item) for item in node.items)}]"

    def _map(self, node: tree.MapLiteral) -> str:
        entries = (f"{self._key(entry.key)}: {self.value(entry.value)}" for entry in node.entries)
        return f"{{{', '.join(entries)}}}"

    def _key(self, node: tree.Expression) -> str:
        """A key of a map literal. A bare word that is no variable is the text itself."""
        if isinstance(node, tree.Text) and not node.single:
            return text_literal(node.value)
        return f"{mark(node)}keyed({self.value(node)})"

    def _typed_list(self, node: tree.TypedList) -> str:
        return f"Holder([], {text_literal(node.element)})"

    def _name(self, node: tree.Name) -> str:
        return mark(node) + variable(node.name)

    def _system(self, node: tree.SystemVariable) -> str:
        return f"{mark(node)}system_value({text_literal(node.name.removeprefix('zoho.'))})"

    # --- operators

    def _unary(self, node: tree.Unary) -> str:
        if node.operator == "!":
            return f"(not {self.condition(node.operand)})"
        if isinstance(node.operand, tree.Number | tree.DecimalNumber):
            sign = "-" if node.operator == "-" else ""
            return f"({sign}{self.loose(node.operand)})"
        function = "negative" if node.operator == "-" else "positive"
        return f"{mark(node)}{function}({self.value(node.operand)})"

    def _operation(self, node: tree.Operation) -> str:
        written, kind = self.loose(node.operands[0]), self._types.of(node.operands[0])
        left: tree.Expression | None = node.operands[0]
        earlier = ""
        for at, (operator, operand) in enumerate(zip(node.operators, node.operands[1:], strict=True), 1):
            if at % _CHUNK == 0:
                self._partial += 1
                earlier += f"p_{self._partial} := {written}, "
                written = f"p_{self._partial}"
            right, other = self.loose(operand), self._types.of(operand)
            written = self._binary(operator, (written, kind, left), (right, other, operand))
            kind = combined(operator.symbol, kind, other)
            left = None
        return f"({earlier}{written})[-1]" if earlier else written

    def _binary(
        self,
        operator: tree.Operator,
        left: tuple[str, str, tree.Expression | None],
        right: tuple[str, str, tree.Expression],
    ) -> str:
        symbol = operator.symbol
        whole = left[1] in ("int", "wide") and right[1] in ("int", "wide")
        if whole and symbol in "+-*":
            return f"{mark(operator)}({left[0]} {symbol} {right[0]})"
        if symbol == "%" and whole and isinstance(left[2], tree.Name) and _positive(right[2]):
            if self._types.counts(left[2].name):
                return f"({left[0]} % {right[0]})"
            return f"({left[0]} % {right[0]} if {left[0]} >= 0 else -(-{left[0]} % {right[0]}))"
        if symbol == "+" and "text" in (left[1], right[1]):
            return f"({self._as_text(*left)} + {self._as_text(*right)})"
        first, second = _bounded(left, operator), _bounded(right, operator)
        general = f"{mark(operator)}{_OPERATORS[symbol]}"
        if symbol in "+-" and left[1] == ANY and isinstance(right[2], tree.Number) and 0 <= right[2].value < 1 << 32:
            room = f"< {LARGEST - right[2].value}" if symbol == "+" else f"> {SMALLEST + right[2].value}"
            return f"(_t {symbol} {second} if type(_t := {first}) is int and _t {room} else {general}(_t, {second}))"
        return f"{general}({first}, {second})"

    def _as_text(self, written: str, kind: str, node: tree.Expression | None) -> str:
        """An operand as it prints."""
        if kind == "text":
            return written
        if kind == "int":
            return f"str({written})"
        if isinstance(node, tree.Name) and kind == ANY:
            return f"({written} if type({written}) is str else text({written}))"
        return f"text({written})"

    def _comparison(self, node: tree.Comparison) -> str:
        kinds = self._types.of(node.left), self._types.of(node.right)
        operator = node.operator
        if operator in ("in", "not in"):
            found = f"{mark(node)}within({self.value(node.left)}, {self.value(node.right)})"
            return found if operator == "in" else f"(not {found})"
        left, right = self.loose(node.left), self.loose(node.right)
        numbers = kinds[0] in _NUMBERS and kinds[1] in _NUMBERS
        if numbers or (kinds in (("text", "text"), ("bool", "bool")) and operator in ("==", "!=")):
            return f"({left} {operator} {right})"
        if kinds == ("text", "text"):
            return f"({left} {operator} {right})"
        if operator in _ORDERS:
            return self._ordered(node, left, right)
        return self._equality(node, left, right)

    def _ordered(self, node: tree.Comparison, left: str, right: str) -> str:
        general = f"{mark(node)}{_ORDERS[node.operator]}({left}, {right})"
        if isinstance(node.left, tree.Name) and self._types.of(node.right) in _NUMBERS and _plain(node.right):
            return f"({left} {node.operator} {right} if type({left}) is int else {general})"
        return general

    def _equality(self, node: tree.Comparison, left: str, right: str) -> str:
        negated = node.operator == "!="
        for one, other, other_node in ((left, right, node.right), (right, left, node.left)):
            if isinstance(other_node, tree.Null):
                return f"({one} is {'not ' if negated else ''}None)"
            if isinstance(other_node, tree.Text) and not other_node.single and _wordy(other_node.value):
                # A text that writes no number is equal to the same text alone.
                return f"({one} {node.operator} {other})"
        general = f"{mark(node)}equal({left}, {right})"
        if isinstance(node.left, tree.Name) and _plain(node.right) and self._types.of(node.right) in ("int", "text"):
            own = "int" if self._types.of(node.right) == "int" else "str"
            return (
                f"({left} {node.operator} {right} if type({left}) is {own} else {'not ' if negated else ''}{general})"
            )
        return f"(not {general})" if negated else general

    def _logical(self, node: tree.Logical) -> str:
        word = " and " if node.operator == "&&" else " or "
        return _joined(word, [self.condition(operand) for operand in node.operands])

    def _conditional(self, node: tree.Conditional) -> str:
        then, otherwise = self.value(node.then), self.value(node.otherwise)
        return f"({then} if {self.condition(node.condition)} else {otherwise})"

    # --- parts, calls, tasks

    def _field(self, node: tree.Field) -> str:
        return f"{mark(node)}field({self.value(node.target)}, {text_literal(node.name)})"

    def _index(self, node: tree.Index) -> str:
        return f"{mark(node)}f_get({self.value(node.target)}, {self.value(node.index)})"

    def _method(self, node: tree.MethodCall) -> str:
        if _has_entry(node):
            return f"{mark(node)}insert_pairs({self.value(node.target)}, {self._pairs(node.arguments)})"
        target = self.value(node.target)
        arguments = [self.value(argument) for argument in node.arguments]
        name = node.name.lower()
        shortcut = SHORTCUTS.get((name, len(arguments)))
        if shortcut is not None:
            kinds = [self._types.of(argument) for argument in node.arguments]
            simple = isinstance(node.target, tree.Name)
            found = shortcut(target, self._types.of(node.target), arguments, kinds, simple)
            if found is not None:
                return mark(node) + found.replace(HERE, mark(node))
        return self._builtin(node, name, [target, *arguments])

    def _call(self, node: tree.Call) -> str:
        name = node.name.lower()
        if name == "ifnull" and len(node.arguments) == 2:
            value, other = node.arguments
            if _plain(other):
                return f"(_t if (_t := {self.value(value)}) is not None else {self.value(other)})"
            return f"{mark(node)}ifnull({', '.join(self.value(argument) for argument in node.arguments)})"
        if name in ("list", "map") and not node.arguments:
            return "[]" if name == "list" else "{}"
        if name == "collection":
            if node.arguments and isinstance(node.arguments[0], tree.Entry):
                return f"{mark(node)}new_pairs({self._pairs(node.arguments)})"
            return f"{mark(node)}new_collection({', '.join(self.value(argument) for argument in node.arguments)})"
        if name in FUNCTIONS:
            return self._builtin(node, name, [self.value(argument) for argument in node.arguments])
        arguments = ", ".join(self.value(argument) for argument in node.arguments)
        return f"{mark(node)}call({text_literal(node.name)}, [{arguments}], {self._here(node)})"

    def _builtin(self, node: tree.Expression, name: str, arguments: list[str]) -> str:
        if name in _PLACED:
            arguments.insert(0, f"({self._here(node)})")
        return f"{mark(node)}f_{function_name(name)}({', '.join(arguments)})"

    def _here(self, node: tree.Node) -> str:
        return f"{node.line}, {node.column}, _n"

    def _pairs(self, arguments: tuple[tree.Expression, ...]) -> str:
        entries = [argument for argument in arguments if isinstance(argument, tree.Entry)]
        return "{" + ", ".join(f"{self._key(entry.key)}: {self.value(entry.value)}" for entry in entries) + "}"

    def _task(self, node: tree.Task) -> str:
        entries = (f"{text_literal(entry.key)}: {self.value(entry.value)}" for entry in node.entries)
        function = "send_mail" if node.name == "sendmail" else "invoke"
        return f"{mark(node)}{function}({{{', '.join(entries)}}}, {self._here(node)})"


def function_name(name: str) -> str:
    """The built-ins' function for a name in lower case: by its first meaning's own name."""
    entries = FUNCTIONS.get(name, ())
    own = next((entry.name for entry in entries if entry.name.lower() == name), None)
    found = own or (entries[0].name if entries else name)
    return found.lower().replace(".", "_")


def _has_entry(node: tree.MethodCall) -> bool:
    return any(isinstance(argument, tree.Entry) for argument in node.arguments)


def _bounded(operand: tuple[str, str, tree.Expression | None], operator: tree.Operator) -> str:
    return f"{mark(operator)}bounded({operand[0]})" if operand[1] == "wide" else operand[0]


def _grows(node: tree.Expression) -> bool:
    """Whether it is a sum of a value and a literal, which can only be too large."""
    return (
        isinstance(node, tree.Operation)
        and len(node.operands) == 2
        and node.operators[0].symbol == "+"
        and isinstance(node.operands[1], tree.Number)
        and not isinstance(node.operands[0], tree.Operation)
    )


def _joined(word: str, parts: list[str]) -> str:
    """`(a and b and c)`; of many, in groups."""
    while len(parts) > _CHUNK:
        parts = [f"({word.join(parts[at : at + _CHUNK])})" for at in range(0, len(parts), _CHUNK)]
    return f"({word.join(parts)})"


def _positive(node: tree.Expression) -> bool:
    return isinstance(node, tree.Number) and node.value > 0


def _plain(node: tree.Expression) -> bool:
    """Whether it costs nothing, and changes nothing, to write it twice."""
    return isinstance(node, tree.Name | tree.Number | tree.Text)


def _wordy(text: str) -> bool:
    """Whether a text writes no number, whatever reads it."""
    return not any(c.isdigit() for c in text)


_WRITERS: dict[type[tree.Expression], Callable[[ExpressionWriter, Any], str]] = {
    tree.Text: ExpressionWriter._text,
    tree.Number: lambda _, node: str(node.value),
    tree.DecimalNumber: ExpressionWriter._decimal,
    tree.Boolean: lambda _, node: str(node.value),
    tree.Null: lambda *_: "None",
    tree.Constant: lambda _, node: text_literal(node.name),
    tree.EmptyLiteral: lambda *_: "Holder(None, '')",
    tree.ListLiteral: ExpressionWriter._list,
    tree.MapLiteral: ExpressionWriter._map,
    tree.TypedList: ExpressionWriter._typed_list,
    tree.Name: ExpressionWriter._name,
    tree.SystemVariable: ExpressionWriter._system,
    tree.Field: ExpressionWriter._field,
    tree.Index: ExpressionWriter._index,
    tree.Call: ExpressionWriter._call,
    tree.MethodCall: ExpressionWriter._method,
    tree.Conditional: ExpressionWriter._conditional,
    tree.Unary: ExpressionWriter._unary,
    tree.Operation: ExpressionWriter._operation,
    tree.Comparison: ExpressionWriter._comparison,
    tree.Logical: ExpressionWriter._logical,
    tree.Task: ExpressionWriter._task,
}
