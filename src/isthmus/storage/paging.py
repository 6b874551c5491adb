"""Paging by keys: a page begins after the key its cursor names, so rows that come and go meanwhile shift nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import InputError
from isthmus.records import Page
from isthmus.storage.columns import Moment, is_storable

T = TypeVar("T")

LIMIT = 1000
"""The most that one page holds, whatever was asked for."""

_CURSOR_CHARACTERS = 4096
_LARGEST = (1 << 31) - 1


def write_cursor(values: Sequence[Any]) -> str:
    """The opaque text for the last key of a page."""
    plain = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in values]
    text = json.dumps(plain, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The key behind a cursor, where each part is of the kind expected. Raises InputError (field `cursor`)."""
    try:
        return _decode(cursor, kinds)
    except (ValueError, OverflowError, RecursionError):
        pass
    raise InputError("The cursor is not one that this list gave.", field="cursor", hint="Begin again without a cursor.")


def _decode(cursor: str, kinds: Sequence[type]) -> list[Any]:
    if len(cursor) > _CURSOR_CHARACTERS:
        raise ValueError
    padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
    values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if not isinstance(values, list) or len(values) != len(kinds):
        raise ValueError
    return [_read(value, kind) for value, kind in zip(values, kinds, strict=True)]


def _read(value: Any, kind: type) -> Any:
    if kind is int:
        if type(value) is not int or abs(value) > _LARGEST:
            raise ValueError
        return value
    if not isinstance(value, str):
        raise ValueError
    if kind is not datetime:
        if not is_storable(value):
            raise ValueError
        return value
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


async def read_page(
    connection: AsyncConnection,
    query: sa.Select[Any],
    keys: Sequence[sa.Column[Any]],
    make: Callable[[sa.Row[Any]], T],
    *,
    limit: int,
    cursor: str | None,
    descending: bool = False,
) -> Page[T]:
    """One page of `query` in the order of `keys`, which together are unique and are among its columns.

    Raises InputError (field `cursor`) for a cursor that is none of this list's.
    """
    size = max(1, min(limit, LIMIT))
    if cursor is not None:
        after = read_cursor(cursor, [_kind_of(key) for key in keys])
        place = sa.tuple_(*(sa.literal(value, key.type) for key, value in zip(keys, after, strict=True)))
        query = query.where(sa.tuple_(*keys) < place if descending else sa.tuple_(*keys) > place)
    order = [key.desc() if descending else key.asc() for key in keys]
    rows = (await connection.execute(query.order_by(*order).limit(size + 1))).all()
    items = [make(row) for row in rows[:size]]
    if len(rows) <= size:
        return Page(items)
    last = rows[size - 1]._mapping
    return Page(items, write_cursor([last[key] for key in keys]))


def _kind_of(key: sa.Column[Any]) -> type:
    if isinstance(key.type, Moment):
        return datetime
    return int if isinstance(key.type, sa.Integer) else str
