"""What a script says of itself: its name, its arguments, the connections and functions that it uses."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import FUNCTIONS
from isthmus.functions.host import Argument


@dataclass(frozen=True, slots=True)
class Outline:
    """What a `Program` tells besides its code.

    `connections` are the link names that stand as texts in its tasks, `calls` the functions that it calls by name;
    each once, in the order of the source.
    """

    name: str
    return_type: str
    arguments: tuple[Argument, ...]
    connections: tuple[str, ...]
    calls: tuple[str, ...]


def outline(script: tree.Script) -> Outline:
    """The outline of a parsed script; name and arguments are empty where it has no header."""
    connections: dict[str, None] = {}
    calls: dict[str, None] = {}
    for node in tree.walk(script):
        if isinstance(node, tree.TaskEntry):
            if node.key == "connection" and isinstance(node.value, tree.Text):
                connections[node.value.value] = None
        elif isinstance(node, tree.Call) and node.name.lower() not in FUNCTIONS and not node.name.startswith("zoho."):
            calls[node.name] = None
    header = script.header
    return Outline(
        name=header.name if header else "",
        return_type=header.return_type if header else "",
        arguments=tuple(Argument(p.name, p.type) for p in header.parameters) if header else (),
        connections=tuple(connections),
        calls=tuple(calls),
    )
