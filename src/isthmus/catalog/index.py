"""Many services in little room: each in short, and its definition as text until somebody asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from isthmus.catalog.definition import parse
from isthmus.catalog.files import definition_files, read_documents
from isthmus.catalog.reading import Problem
from isthmus.errors import InputError
from isthmus.records import AuthType, Mark, Service

REVIVED = 128
"""How many definitions stay revived, the last used."""


@dataclass(frozen=True, slots=True)
class Row:
    """A service in short: what lists show of it, and what is searched."""

    link_name: str
    name: str
    auth_type: AuthType
    kind: Literal["default", "custom"]
    category: str
    description: str
    logo: str
    family: str
    product: str
    recommended: bool
    aliases: tuple[str, ...]
    marks: tuple[Mark, ...]
    hosts: tuple[str, ...]
    sources: int


_COLUMNS = tuple(f.name for f in fields(Row) if f.name != "sources")


def row_of(service: Service) -> Row:
    shared = {column: getattr(service, column) for column in _COLUMNS}
    return Row(**shared, sources=service.evidence.sources if service.evidence else 0)


def _row(cells: list[Any]) -> Row:
    """Raises TypeError where a cell is missing or too many."""
    whole: list[Any] = [tuple(cell) if type(cell) is list else cell for cell in cells]
    return Row(*whole)


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


class Index:
    """Default services by link name: rows at once, definitions when they are asked for."""

    def __init__(self, rows: Mapping[str, Row], documents: Mapping[str, str]) -> None:
        self.rows = rows
        self._documents = documents
        self._revive = lru_cache(maxsize=REVIVED)(self._read)

    def get(self, link_name: str) -> Service | None:
        return self._revive(link_name) if link_name in self.rows else None

    def services(self) -> Iterator[Service]:
        """All of them, in the order of the rows, one after another: none is kept."""
        return (self._read(link_name) for link_name in self.rows)

    @classmethod
    def joined(cls, parts: Iterable[Index]) -> Index:
        """The services of all of them; a later one's replace those of the same link name."""
        rows: dict[str, Row] = {}
        documents: dict[str, str] = {}
        for part in parts:
            rows.update(part.rows)
            documents.update(part._documents)
        return cls(rows, documents)

    def document(self, link_name: str) -> dict[str, Any]:
        """The definition as its file gives it: only the keys that say something."""
        read: dict[str, Any] = json.loads(self._documents[link_name])
        return read

    def says(self, document: Mapping[str, Any]) -> bool:
        """Whether this is the definition that is kept, to the letter, and its row is in order."""
        link_name = document["link_name"]
        service = self._read(link_name) if self._documents.get(link_name) == _text(document) else None
        return service is not None and self.rows[link_name] == row_of(service)

    def dump(self) -> dict[str, Any]:
        return {
            "rows": [astuple(row) for row in self.rows.values()],
            "documents": [self._documents[link_name] for link_name in self.rows],
        }

    @classmethod
    def restore(cls, dumped: Mapping[str, Any]) -> Index:
        """What was dumped."""
        rows = [_row(cells) for cells in dumped["rows"]]
        pairs = list(zip(rows, dumped["documents"], strict=True))
        return cls({row.link_name: row for row in rows}, {row.link_name: text for row, text in pairs})

    @classmethod
    def of(cls, documents: Iterable[Mapping[str, Any]]) -> Index:
        """Raises InputError for the first document that is no definition."""
        rows: dict[str, Row] = {}
        texts: dict[str, str] = {}
        for document in documents:
            row = row_of(parse(document, kind="default"))
            rows[row.link_name] = row
            texts[row.link_name] = _text(document)
        return cls(rows, texts)

    def _read(self, link_name: str) -> Service:
        return parse(self.document(link_name), kind="default")


def read_directory(directory: Path) -> Index:
    """The services of a directory of definition files.

    Raises InputError that names the file and field of the first malformed definition.
    """
    return Index.joined(_read_file(path) for path in definition_files(directory))


def _read_file(path: Path) -> Index:
    documents = []
    for document in read_documents(path):
        if isinstance(document, Problem):
            raise InputError(f"{path.name}: {document.message}", field=document.field, hint=document.hint)
        documents.append(document)
    try:
        return Index.of(documents)
    except InputError as problem:
        raise InputError(f"{path.name}: {problem.message}", field=problem.field, hint=problem.hint) from problem
