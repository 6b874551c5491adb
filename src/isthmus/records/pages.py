"""One page of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list in a stable order; `next_cursor` is None on the last one."""

    items: Sequence[T]
    next_cursor: str | None = None
