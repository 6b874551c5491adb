"""The validator behind `isthmus catalog check`: every problem of every file, not just the first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from isthmus.catalog import compiled
from isthmus.catalog.definition import problems
from isthmus.catalog.entries import Entries
from isthmus.catalog.files import HERE, definition_files, read_documents
from isthmus.catalog.reading import Problem


def check(paths: Sequence[Path] | None = None, *, logos: Collection[str] | None = None) -> list[Problem]:
    """Problems of these files and directories, or of the product's own catalog; empty if it is clean.

    `logos` are the names of the logos there are; without them a logo is not looked at.
    """
    files = [file for path in (paths or [HERE]) for file in (definition_files(path) if path.is_dir() else [path])]
    found: list[Problem] = []
    read: list[dict[str, Any]] = []
    entries = Entries(logos)
    for file in files:
        for document in read_documents(file):
            if isinstance(document, Problem):
                found.append(document)
                continue
            read.append(document)
            found.extend(replace(problem, path=str(file)) for problem in problems(document))
            found.extend(replace(problem, path=str(file)) for problem in entries.check(document, file))
    if not paths and not found:
        found.extend(_check_index(read))
    return found


def _check_index(documents: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """The index that is served says what the files say."""
    index = compiled.load().index
    wrong = [one["link_name"] for one in documents if not index.says(one)]
    if wrong or len(documents) != len(index.rows):
        named = f", of {', '.join(wrong[:5])} for instance" if wrong else ""
        hint = "Run isthmus catalog build."
        yield Problem("", f"The index is not of these definitions{named}.", hint, str(compiled.KEPT))
