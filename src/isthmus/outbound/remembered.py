"""What was found out about a name once: names of headers come again and again, from whoever sends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K", str, bytes)
V = TypeVar("V")

MOST_NAMES = 4096
MOST_CHARACTERS = 64


class Remembered(dict[K, V]):
    """`remembered[name]` is what `make` says of the name, and raises what it raises; bounded, whatever is sent."""

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make: Callable[[K], V] = make

    def __missing__(self, name: K) -> V:
        made: V = self._make(name)
        if len(name) <= MOST_CHARACTERS:
            if len(self) >= MOST_NAMES:
                self.clear()
            self[name] = made
        return made
