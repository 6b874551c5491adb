"""The vault's wrapped data keys, as bytes that storage cannot read."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from isthmus.records import WrappedKey
from isthmus.storage.group import Group
from isthmus.storage.rows import row_of
from isthmus.storage.tables import key_ring


class KeyRing(Group):
    """`wrapped_keys`, `add_wrapped_key` of the contract."""

    async def wrapped_keys(self) -> Sequence[WrappedKey]:
        return await self._list(WrappedKey, sa.select(key_ring).order_by(key_ring.c.version))

    async def add_wrapped_key(self, key: WrappedKey) -> bool:
        statement = self._upsert(key_ring).values(row_of(key)).on_conflict_do_nothing(index_elements=["version"])
        return await self._change(statement) == 1
