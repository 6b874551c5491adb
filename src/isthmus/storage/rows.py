"""Between records and rows: a column is named like its field, so the way is the same for all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Protocol, TypeVar

import sqlalchemy as sa


class _Record(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=_Record)


def row_of(record: _Record) -> dict[str, Any]:
    """The row that keeps this record: every field, by name."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def columns_of(kind: type[_Record], table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of `table` that make up a record of this kind, in the order of its fields."""
    return [table.c[field.name] for field in fields(kind)]


def record_of(kind: type[R], row: sa.Row[Any] | Mapping[str, Any]) -> R:
    """The record that this row keeps."""
    values = row if isinstance(row, Mapping) else row._mapping
    return kind(**{field.name: values[field.name] for field in fields(kind)})


class _Identifiers:
    """Unique texts that sort by the time they were made: 14 hex digits of microseconds, 18 of randomness."""

    def __init__(self) -> None:
        self._last = 0

    def draw(self) -> str:
        # Within a process they grow even where the clock stands still or is set back.
        self._last = max(time.time_ns() // 1000, self._last + 1)
        return f"{self._last:014x}{secrets.token_hex(9)}"


draw_ordered_id = _Identifiers().draw
