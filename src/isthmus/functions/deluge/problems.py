"""What is wrong with a script, told so that its author can mend it: place, words, next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isthmus.functions.host import Fault

Severity = Literal["error", "warning"]
MAX_PROBLEMS = 50
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. Lines and columns count from 1, in characters; `end_column` is one past the last.

    An `error` keeps the script from running, a `warning` does not.
    """

    severity: Severity
    code: str
    message: str
    line: int
    column: int
    end_column: int
    hint: str = ""
    excerpt: str = ""

    def fault(self) -> Fault:
        """The same as a `Fault`."""
        return Fault(self.code, self.message, self.line, self.column, self.hint, self.excerpt)


class TooManyProblems(Exception):
    """Enough has been found: reading on would only repeat what the author knows."""


class Problems:
    """Collects what is wrong with one source; the fifty-first error ends the reading with `TooManyProblems`."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines: list[str] | None = None
        self._seen: set[tuple[int, int]] = set()
        self.found: list[Problem] = []

    def error(self, message: str, *, code: str, at: tuple[int, int], hint: str, length: int = 1) -> None:
        """Note an error, unless there is one at this place already."""
        if at in self._seen:
            return
        self._seen.add(at)
        self._note("error", code, message, at, hint, length)
        if len(self._seen) >= MAX_PROBLEMS:
            raise TooManyProblems

    def warning(self, message: str, *, code: str, at: tuple[int, int], hint: str, length: int = 1) -> None:
        """Note a warning; the script can run all the same."""
        if len(self.found) < 2 * MAX_PROBLEMS:
            self._note("warning", code, message, at, hint, length)

    def _note(self, severity: Severity, code: str, message: str, at: tuple[int, int], hint: str, length: int) -> None:
        if self._lines is None:
            self._lines = self._source.split("\n")
        line, column = at
        excerpt = show(self._lines[line - 1] if line <= len(self._lines) else "", column)
        # A message may quote the source: nothing in it may steer a terminal.
        message = "".join(character if character.isprintable() else "·" for character in message)
        self.found.append(Problem(severity, code, message, line, column, column + length, hint, excerpt))


def excerpt(source: str, line: int, column: int) -> str:
    """The source's line with a caret below the column."""
    lines = source.split("\n")
    return show(lines[line - 1] if 0 < line <= len(lines) else "", column)


def show(text: str, column: int) -> str:
    """A line with a caret below the column; of a long line the part around it. Tabs stay tabs, so the caret fits."""
    text = text.rstrip("\r")
    start = 0
    if len(text) > _WIDTH:
        start = min(max(0, column - 1 - _WIDTH // 2), len(text) - _WIDTH)
    shown = text[start : start + _WIDTH]
    before = shown[: column - 1 - start]
    padding = "".join("\t" if character == "\t" else " " for character in before)
    lead, tail = "…" * (start > 0), "…" * (start + _WIDTH < len(text))
    return f"{lead}{shown}{tail}\n{' ' * len(lead)}{padding}^"
