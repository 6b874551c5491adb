"""The default services: found by link name, or searched in short together with those of an installation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from isthmus.catalog import compiled
from isthmus.catalog.index import Index, Row, read_directory
from isthmus.catalog.search import ranked
from isthmus.errors import InputError
from isthmus.records import Service


class Catalog:
    """Default services by link name. An installation's own directory adds to them, or replaces by link name."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.generation = 0
        """Grows with every `replace`."""

    def replace(self, index: Index) -> None:
        """From now on these are the services, for all who hold this catalog."""
        self._index = index
        self.generation += 1

    @classmethod
    def load(cls, extra: Path | None = None) -> Catalog:
        """The product's services and those of the directory `extra`.

        Raises InputError that names the file and field of the first malformed definition.
        """
        return cls(built_in() if extra is None else Index.joined([built_in(), read_own(extra)]))

    def get(self, link_name: str) -> Service | None:
        return self._index.get(link_name)

    def row(self, link_name: str) -> Row | None:
        """The service in short, without reading its definition."""
        return self._index.rows.get(link_name)

    def document(self, link_name: str) -> Mapping[str, Any] | None:
        """The definition as its file gives it; None where there is no such service."""
        return self._index.document(link_name) if link_name in self._index.rows else None

    def services(self) -> Iterator[Service]:
        """All definitions: for counting and checking, not for serving."""
        return self._index.services()

    def search(self, *, category: str | None = None, q: str | None = None, also: Sequence[Row] = ()) -> list[Row]:
        """Services of the catalog, and of `also`, that match: the best first, then by link name."""
        rows = sorted([*self._index.rows.values(), *also], key=lambda row: row.link_name)
        if category:
            rows = [row for row in rows if row.category == category]
        return ranked(rows, q or "")


def read_own(directory: Path) -> Index:
    """The services of an installation's own directory. Raises InputError as `Catalog.load`."""
    if not directory.is_dir():
        hint = "Set ISTHMUS_CATALOG_DIR to a directory of definition files."
        raise InputError(f"There is no directory {directory}.", field="catalog_dir", hint=hint)
    return read_directory(directory)


@lru_cache(maxsize=1)
def built_in() -> Index:
    """The product's own services."""
    return compiled.load().index
