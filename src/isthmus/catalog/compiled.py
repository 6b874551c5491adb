"""The product's own catalog as one compiled file, which is never served where its sources say something else.

A wheel brings the file; in a checkout it is built on first use and kept beside the definitions, as Python keeps its
compiled modules. See decision 0010.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.catalog.files import DEFINITIONS, FAMILIES, HERE
from isthmus.catalog.index import Index, read_directory

KEPT = HERE.parent / "index.json"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The index, and whether the kept file was good: `current`, `stale`, or `missing`."""

    index: Index
    kept: str


def load(directory: Path = HERE, kept: Path = KEPT) -> Loaded:
    """The index of this directory: the kept one where it is of these very files, otherwise built now and kept.

    Raises InputError that names the file and field of the first malformed definition.
    """
    found = _read(kept)
    stamp = _stamp(directory)
    if found is not None and found.get("stamp") == stamp:
        return Loaded(Index.restore(found), "current")
    digest = _digest(directory)
    if found is not None and found.get("digest") == digest:
        # The same content under other times, as after a checkout or an installation: noted, not built again.
        index = Index.restore(found)
        _keep(kept, index, digest, stamp)
        return Loaded(index, "current")
    index = read_directory(directory)
    _keep(kept, index, digest, stamp)
    return Loaded(index, "missing" if found is None else "stale")


def build(directory: Path = HERE, kept: Path = KEPT, *, stamped: bool = True) -> Index:
    """The index, built anew from its files and written to `kept`; not `stamped`, it is for another machine.

    Raises InputError for a malformed definition, OSError where the file cannot be written.
    """
    index = read_directory(directory)
    _write(kept, index, _digest(directory), _stamp(directory) if stamped else "")
    return index


def _read(kept: Path) -> dict[str, Any] | None:
    """None where there is no file, or none that is whole."""
    try:
        found = json.loads(kept.read_bytes())
        whole = isinstance(found, dict) and len(found["rows"]) == len(found["documents"]) > 0
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if whole else None


def _keep(kept: Path, index: Index, digest: str, stamp: str) -> None:
    """Where the product's directory may not be written, every start builds it again: slower, and right."""
    with suppress(OSError):
        _write(kept, index, digest, stamp)


def _write(kept: Path, index: Index, digest: str, stamp: str) -> None:
    content = {"digest": digest, "stamp": stamp, **index.dump()}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    new = kept.with_name(f"{kept.name}.{os.getpid()}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(kept)
    finally:
        new.unlink(missing_ok=True)


def _digest(directory: Path) -> str:
    """Of the names and the content of all sources."""
    return _hash((entry.name, Path(entry.path).read_bytes()) for entry in _sources(directory))


def _stamp(directory: Path) -> str:
    """Of what the file system says of all sources: no content changes without it (the change time cannot be set)."""
    facts = ((entry.name, entry.stat()) for entry in _sources(directory))
    return _hash((name, f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns} {s.st_ino}".encode()) for name, s in facts)


def _sources(directory: Path) -> Iterator[os.DirEntry[str]]:
    """What an index depends on: the definitions, their families, and the code that reads them."""
    for place, kinds in ((directory, DEFINITIONS), (directory / FAMILIES, DEFINITIONS), (HERE.parent, (".py",))):
        if place.is_dir():
            with os.scandir(place) as entries:
                yield from sorted((one for one in entries if one.name.endswith(kinds)), key=lambda one: one.name)


def _hash(parts: Iterable[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in parts:
        whole.update(f"{name} {len(content)}\n".encode() + content)
    return whole.hexdigest()
