"""The syntax tree of a Deluge script: frozen nodes, each with the line and column (from 1) where it begins.

Chains are flat, so that the depth of a tree is the nesting that its author sees: `a + b + c` is one `Operation`, `else
if` is one more `Branch`. The parser keeps that depth below `MAX_NESTING`; a walker may recurse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.problems import Problem

MAX_NESTING = 100


@dataclass(frozen=True, slots=True)
class Node:
    """What every node has: where it begins."""

    line: int
    column: int


# --- expressions


@dataclass(frozen=True, slots=True)
class Expression(Node):
    """What has a value."""


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A text, escapes resolved. `single`: written in single quotes, so a date, date-time or time if it reads as one."""

    value: str
    single: bool = False


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A whole number within 64 bits; never negative (the sign is a `Unary`)."""

    value: int


@dataclass(frozen=True, slots=True)
class DecimalNumber(Expression):
    """A number with a fractional part."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Boolean(Expression):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Expression):
    """`null`."""


@dataclass(frozen=True, slots=True)
class Entry(Expression):
    """`key : value` of a map literal, or as an argument (`collection("k": v)`, `c.insert("k": v)`)."""

    key: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class ListLiteral(Expression):
    """`{a, b}` or `[a, b]`; without items only from `[]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Expression):
    """`{k : v}`, with one entry at least."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class EmptyLiteral(Expression):
    """`{}`: list and map, until it is used as one of them."""


@dataclass(frozen=True, slots=True)
class TypedList(Expression):
    """`List:String()`; `element` in lower case."""

    element: str


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A variable, as it is written."""

    name: str


@dataclass(frozen=True, slots=True)
class SystemVariable(Expression):
    """`zoho.currentdate` and its kin; `name` as the table spells it, or in lower case where the table has none."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """A bare word as a task key takes it (`type : GET`), in upper case."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(Expression):
    """`target.name`."""

    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Index(Expression):
    """`target[index]`."""

    target: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`name(arguments)`: a built-in (`len`, `zoho.encryption.sha256`) or another function (`standalone.notify`).

    An argument may be an `Entry`.
    """

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MethodCall(Expression):
    """`target.name(arguments)`; line and column are those of `name`."""

    target: Expression
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Expression):
    """`if(condition, then, otherwise)`."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """`!`, `-` or `+` before an operand."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Operator(Node):
    """An operator between two operands of an `Operation`."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Operation(Expression):
    """Operands with operators of one precedence between them, done from left to right: `+ -` or `* / %`."""

    operands: tuple[Expression, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """`left operator right`: == != > >= < <= `in` `not in`; line and column are those of the operator."""

    left: Expression
    operator: str
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical(Expression):
    """Two or more operands joined by the same `&&` or `||`; both stop at the first that decides."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class TaskEntry(Node):
    """`key : value` of a task; `key` in lower case (`content-type`, `reply to`).

    The value of `attachments` is a `ListLiteral` of files.
    """

    key: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Task(Expression):
    """`invokeurl [ ... ]` or `sendmail [ ... ]`; `name` in lower case."""

    name: str
    entries: tuple[TaskEntry, ...]


@dataclass(frozen=True, slots=True)
class CreatorQuery(Expression):
    """An expression that only Creator has; the parser reports it, so it never runs."""

    construct: str


# --- statements


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """What is done."""


Block = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Assign(Statement):
    """`target operator value;` with = += -= *= /= or %=. `target` is a `Name`, `Field` or `Index`."""

    target: Expression
    operator: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Evaluate(Statement):
    """A call or task whose value is dropped."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """One condition of an `If` and what is done where it holds."""

    condition: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class If(Statement):
    """`if`, every `else if`, and `else` (None where there is none)."""

    branches: tuple[Branch, ...]
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class ForEach(Statement):
    """`for each variable in iterable`; with `by_index` `for each index variable in iterable`."""

    variable: Name
    iterable: Expression
    body: Block
    by_index: bool = False


@dataclass(frozen=True, slots=True)
class Try(Statement):
    """`try { body } catch (variable) { handler }`."""

    body: Block
    variable: Name
    handler: Block


@dataclass(frozen=True, slots=True)
class Throw(Statement):
    """`throw value;`"""

    value: Expression


@dataclass(frozen=True, slots=True)
class Return(Statement):
    """`return value;` or `return;`"""

    value: Expression | None


@dataclass(frozen=True, slots=True)
class Info(Statement):
    """`info value;`"""

    value: Expression


@dataclass(frozen=True, slots=True)
class Break(Statement):
    """`break;`"""


@dataclass(frozen=True, slots=True)
class Continue(Statement):
    """`continue;`"""


@dataclass(frozen=True, slots=True)
class CreatorStatement(Statement):
    """A statement that only Creator has; the parser reports it, so it never runs."""

    construct: str


# --- the whole


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A declared argument; `type` is the header's keyword in lower case."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Header(Node):
    """`string standalone.hello(string name) { ... }`; `return_type` in lower case."""

    return_type: str
    name: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Script(Node):
    """A parsed source. With `problems` the tree has gaps, and is fit for an editor but not for running."""

    header: Header | None
    body: Block
    problems: tuple[Problem, ...] = field(default=(), compare=False)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below this one, in the order of the source."""
    for name in _HOLDERS[type(node)]:
        value: Any = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """This node and all below it, in the order of the source. Does not recurse."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(list(children(current))))


def _kinds(kind: type[Node]) -> Iterator[type[Node]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


_PLAIN = frozenset({"int", "str", "bool", "Decimal", "tuple[Problem, ...]"})
_HOLDERS = {kind: tuple(f.name for f in fields(kind) if f.type not in _PLAIN) for kind in _kinds(Node)}
"""The fields of each class that can hold nodes."""
