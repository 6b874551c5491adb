"""The compiled text while it is written: lines, and marks of where each expression stood in the source.

A mark is written into the text as a private character, the place, and another; `finished` takes the marks out. The text
itself is ASCII, so nothing of a script can be taken for a mark.
"""

from __future__ import annotations

import re

from isthmus.functions.deluge.tree import Node

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(\\d+),(\\d+){_CLOSE}")


def mark(node: Node) -> str:
    """A mark for the place of a node."""
    return f"{_OPEN}{node.line},{node.column}{_CLOSE}"


class Lines:
    """Collects lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, depth: int, text: str) -> None:
        """A line; one space for each level."""
        self._lines.append(" " * depth + text)

    def finished(self) -> tuple[str, tuple[tuple[int, int, int, int], ...]]:
        """The text without its marks, and the places that they marked: compiled line and column, line and column."""
        places: list[tuple[int, int, int, int]] = []
        texts: list[str] = []
        for number, line in enumerate(self._lines, 1):
            pieces = _MARK.split(line)
            column = len(pieces[0]) + 1
            for at in range(1, len(pieces), 3):
                places.append((number, column, int(pieces[at]), int(pieces[at + 1])))
                column += len(pieces[at + 2])
            texts.append("".join(pieces[::3]))
        return "\n".join(texts) + "\n", tuple(places)
