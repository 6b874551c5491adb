"""The database itself, its key ring, and what processes share. See `isthmus.storage.contract` for what holds of every method."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from isthmus.records import IdempotentAnswer, WrappedKey


class HouseRows(Protocol):
    # --- life
    async def migrate(self) -> None:
        """Bring the schema to the newest version (Alembic); safe to call from several processes at once.

        Raises StorageError (`schema_newer`) where a newer version made the database, which is then left alone."""

    async def ping(self) -> None:
        """Raise StorageError if the database does not answer a query and accept a write transaction."""

    async def close(self) -> None: ...

    # --- key ring
    async def wrapped_keys(self) -> Sequence[WrappedKey]: ...
    async def add_wrapped_key(self, key: WrappedKey) -> bool:
        """False if that version exists already (another process was first)."""

    # --- idempotency, duties
    async def begin_idempotent(self, answer: IdempotentAnswer) -> IdempotentAnswer | None:
        """Insert; None if this caller is the first, otherwise what is there."""

    async def finish_idempotent(self, key_hash: str, *, status: int, answer_sealed: bytes) -> None: ...
    async def abandon_idempotent(self, key_hash: str) -> None:
        """Remove one that is still under way, so that the request can be repeated."""

    async def take_duty(self, name: str, *, owner: str, now: datetime, until: datetime) -> bool:
        """Become or stay the one process that has this duty, until `until`."""

    async def release_duty(self, name: str, *, owner: str) -> None: ...
