"""What a planted fault is: a change of one file, and the tests of which at least one must fail then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """`text` becomes `put`, or goes away."""

    text: str
    put: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in `file` (below `src/isthmus`) and the tests (below `tests`) of which at least one must fail."""

    name: str
    file: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def fault(name: str, file: str, edits: list[tuple[str, str]], *tests: str) -> Fault:
    return Fault(name, file, tuple(Edit(*edit) for edit in edits), tests)
