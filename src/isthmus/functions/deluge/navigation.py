"""What stands at a place of a script, in words, and where it comes from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import FUNCTIONS, METHODS, SYSTEM_VALUES, TASKS
from isthmus.functions.deluge.describe import describe_builtins, describe_key, describe_system_value, describe_task
from isthmus.functions.deluge.parser import parse_source
from isthmus.functions.deluge.scope import Scope


@dataclass(frozen=True, slots=True)
class Hover:
    """Words (Markdown) about what stands from `column` up to, not including, `end_column` of `line`."""

    text: str
    line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a variable first gets its value, or (`function` set) the other function that is called here."""

    line: int = 0
    column: int = 0
    end_column: int = 0
    function: str = ""


def hover(source: str, line: int, column: int, *, connections: Collection[str] | None = None) -> Hover | None:
    """What stands at the place: signature and example of a built-in, type of a variable, meaning of a key."""
    script = parse_source(source)
    found = _found_at(script, line, column)
    if found is None:
        return None
    node, name = found
    text = _words(node, script, connections)
    return Hover(text, node.line, node.column, node.column + len(name)) if text else None


def definition(source: str, line: int, column: int) -> Definition | None:
    """Where what stands at the place is defined."""
    script = parse_source(source)
    found = _found_at(script, line, column)
    if found is None:
        return None
    node, name = found
    if isinstance(node, tree.Name):
        variable = Scope(script).variables.get(name)
        if variable is None:
            return None
        first = variable.places[0]
        return Definition(first[0], first[1], first[1] + len(name))
    if isinstance(node, tree.Call) and name.lower() not in FUNCTIONS:
        return Definition(function=name)
    return None


def _found_at(script: tree.Script, line: int, column: int) -> tuple[tree.Node, str] | None:
    """The node whose name stands at the place, and that name as far as it is written there."""
    for node in tree.walk(script):
        name = _name_of(node)
        if name and node.line == line and node.column <= column <= node.column + len(name):
            return node, name
    return None


def _name_of(node: tree.Node) -> str:
    if isinstance(node, tree.TaskEntry):
        return node.key
    if isinstance(node, tree.Name | tree.Call | tree.MethodCall | tree.SystemVariable | tree.Task | tree.Parameter):
        return node.name
    if isinstance(node, tree.Text) and "\n" not in node.value:
        return f'"{node.value}"'
    return ""


def _words(node: tree.Node, script: tree.Script, connections: Collection[str] | None) -> str:
    if isinstance(node, tree.MethodCall):
        known = METHODS.get(node.name.lower(), ())
        types = Scope(script).types(node.target)
        fitting = [e for e in known if types is None or "any" in e.receivers or not types.isdisjoint(e.receivers)]
        return describe_builtins(fitting or known, node.name)
    if isinstance(node, tree.Call):
        return describe_builtins(FUNCTIONS.get(node.name.lower(), ()), node.name) or f"Function `{node.name}`."
    if isinstance(node, tree.SystemVariable):
        value = SYSTEM_VALUES.get(node.name)
        return describe_system_value(value) if value else ""
    if isinstance(node, tree.Task):
        return describe_task(TASKS[node.name]) if node.name in TASKS else ""
    if isinstance(node, tree.TaskEntry):
        return _key_words(node)
    if isinstance(node, tree.Text):
        return _connection_words(node, script, connections)
    name = node.name if isinstance(node, tree.Name | tree.Parameter) else ""
    return _variable_words(name, Scope(script))


def _variable_words(name: str, scope: Scope) -> str:
    variable = scope.variables.get(name)
    if variable is None:
        return ""
    types = scope.types(tree.Name(1, 1, name))
    kind = " or ".join(sorted(types)) if types else "any type"
    return f"`{name}` ({kind}), first assigned in line {variable.places[0][0]}."


def _key_words(entry: tree.TaskEntry) -> str:
    keys = [key for task in TASKS.values() if (key := task.key(entry.key)) is not None]
    return describe_key(keys[0]) if keys else ""


def _connection_words(text: tree.Text, script: tree.Script, connections: Collection[str] | None) -> str:
    """A text is only worth words where it names a connection."""
    for node in tree.walk(script):
        if isinstance(node, tree.TaskEntry) and node.key == "connection" and node.value is text:
            known = connections is None or text.value in connections
            return f"Connection `{text.value}`." if known else f"There is no connection `{text.value}`."
    return ""
