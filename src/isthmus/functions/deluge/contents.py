"""Lists and maps of which everything is known that is ever put into them, because nothing else ever holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from isthmus.functions.deluge import tree

_STORES = {("add", 1): 0, ("put", 2): 1}
"""Methods that put one of their arguments in."""
_READS = frozenset(
    {"get", "size", "isempty", "contains", "notcontains", "containkey", "containskey", "containvalue", "indexof"}
    | {"lastindexof", "keys", "remove", "removeelement", "clear", "tostring", "sort"}
)
"""Methods that put nothing in, and hand the list or map itself to nobody."""


def stored(body: tree.Block) -> dict[str, list[tree.Expression]]:
    """Variable -> all that is put into the lists or maps that it holds; without those that something else may hold."""
    seen, harmless = Counter[str](), Counter[str]()
    found: dict[str, list[tree.Expression]] = {}
    for statement in body:
        for node in tree.walk(statement):
            if isinstance(node, tree.Name):
                seen[node.name] += 1
            else:
                _note(node, harmless, found)
    return {name: found.get(name, []) for name in harmless if harmless[name] == seen[name]}


def _note(node: tree.Node, harmless: Counter[str], found: dict[str, list[tree.Expression]]) -> None:
    if isinstance(node, tree.MethodCall) and isinstance(node.target, tree.Name):
        stores = _STORES.get((node.name.lower(), len(node.arguments)))
        if stores is not None:
            found.setdefault(node.target.name, []).append(node.arguments[stores])
        if stores is not None or node.name.lower() in _READS:
            harmless[node.target.name] += 1
    elif isinstance(node, tree.Assign) and isinstance(node.target, tree.Name) and node.operator == "=":
        items = _items(node.value)
        if items is not None:
            found.setdefault(node.target.name, []).extend(items)
            harmless[node.target.name] += 1
    elif isinstance(node, tree.ForEach) and isinstance(node.iterable, tree.Name):
        harmless[node.iterable.name] += 1
    elif isinstance(node, tree.Return | tree.Info) and node.value is not None:
        # Nothing is put in after a return.
        for name in _handed_out(node.value):
            harmless[name] += 1


def _items(value: tree.Expression) -> Iterable[tree.Expression] | None:
    """What a new list or map begins with; None for anything else."""
    if isinstance(value, tree.ListLiteral):
        return value.items
    if isinstance(value, tree.MapLiteral):
        return [entry.value for entry in value.entries]
    made = isinstance(value, tree.Call) and value.name.lower() in ("list", "map") and not value.arguments
    return () if made else None


def _handed_out(value: tree.Expression) -> Iterable[str]:
    if isinstance(value, tree.Name):
        yield value.name
    elif isinstance(value, tree.MapLiteral):
        for entry in value.entries:
            yield from _handed_out(entry.value)
    elif isinstance(value, tree.ListLiteral):
        for item in value.items:
            yield from _handed_out(item)
