"""Many definitions as one text, with a serial that only grows: what an update of the catalog brings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.catalog.index import Index
from isthmus.errors import InputError

PURPOSE = b"isthmus catalog bundle"
MOST_BYTES = 8 * 1024 * 1024
MOST_SERVICES = 5_000
FORMAT = 1
_LARGEST_SERIAL = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Bundle:
    serial: int
    published_at: str
    index: Index


def write_bundle(documents: Iterable[Mapping[str, Any]], *, serial: int, published_at: str) -> bytes:
    """The text of these definitions. Raises InputError for the first that is none, and as `read_bundle` does."""
    whole = {"format": FORMAT, "serial": serial, "published_at": published_at, "services": list(documents)}
    content = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    read_bundle(content)
    return content


def read_bundle(content: bytes) -> Bundle:
    """The definitions of a text whose signature was verified; all of them, or none.

    Raises InputError (`bundle_malformed`) that names the first service which is no definition.
    """
    if len(content) > MOST_BYTES:
        raise _malformed(f"The bundle has more than {MOST_BYTES // 1024 // 1024} MB.", "Publish fewer services.")
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        raise _malformed("The bundle is not JSON.") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise _malformed("The bundle has a format that this version does not know.", "Update Isthmus first.")
    serial, published_at, documents = (whole.get(key) for key in ("serial", "published_at", "services"))
    if isinstance(serial, bool) or not isinstance(serial, int) or not 0 < serial <= _LARGEST_SERIAL:
        raise _malformed("The bundle's serial is not a whole number from 1.")
    if not isinstance(published_at, str) or len(published_at) > 40:
        raise _malformed("The bundle does not say when it was published.")
    if not isinstance(documents, list) or not 0 < len(documents) <= MOST_SERVICES:
        raise _malformed(f"The bundle holds no services, or more than {MOST_SERVICES:,}.")
    return Bundle(serial, published_at, _index(documents))


def _index(documents: list[Any]) -> Index:
    names: set[str] = set()
    for number, document in enumerate(documents):
        name = document.get("link_name") if isinstance(document, dict) else None
        if not isinstance(name, str) or name in names:
            raise _malformed(f"The bundle's service {number + 1} has no link name of its own.")
        names.add(name)
    try:
        return Index.of(documents)
    except InputError as problem:
        message = f"The bundle holds a service that this version does not take: {problem.message}"
        raise _malformed(message, "Update Isthmus, or ask the publisher.", problem.field) from problem


def _malformed(message: str, hint: str = "Ask the publisher for another one.", field: str | None = None) -> InputError:
    return InputError(message, code="bundle_malformed", hint=hint, field=field)
