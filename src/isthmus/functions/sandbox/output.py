"""What a run prints, taken in while it prints, with a cap: a flood is stopped, not collected."""

from __future__ import annotations

from collections.abc import Callable

SEPARATOR = "\x1e"
"""Ends each line that the built-in `info` prints; the text of a line has none."""
LINES = 20
"""All lines together may have this many times the limit of one."""


class Printed:
    """Collects the lines of one leg of a run; `stop` is called once, when they pass what is left of the limit."""

    def __init__(self, line_bytes: int, used: int, stop: Callable[[], None]) -> None:
        self._line_bytes = line_bytes
        self._left = line_bytes * LINES - used
        self._stop = stop
        self._parts: list[str] = []
        self.used = used
        self.flooded = False

    def take(self, _stream: object, text: str) -> None:
        """A piece of output, as it comes."""
        if self.flooded:
            return
        # A lower bound of the bytes, without a copy of what may be long.
        self.used += len(text)
        self._left -= len(text)
        if self._left < 0:
            self.flooded = True
            self._parts.append(text[: self._line_bytes])
            self._stop()
        else:
            self._parts.append(text)

    def lines(self) -> tuple[str, ...]:
        """Each printed line, cut at the limit of one."""
        whole = "".join(self._parts)
        lines = whole.split(SEPARATOR)
        if not lines[-1]:
            lines.pop()
        return tuple(self._cut(line) for line in lines)

    def _cut(self, line: str) -> str:
        if len(line) * 4 <= self._line_bytes:
            return line
        encoded = line.encode()
        if len(encoded) <= self._line_bytes:
            return line
        return encoded[: self._line_bytes].decode(errors="ignore") + "…"
