"""Duties of one process at a time, and answers that are given once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import IdempotentAnswer
from isthmus.storage.group import Group
from isthmus.storage.rows import record_of, row_of
from isthmus.storage.tables import duties, idempotency


class Duties(Group):
    """The methods of the contract for idempotent answers and duties."""

    async def begin_idempotent(self, answer: IdempotentAnswer) -> IdempotentAnswer | None:
        insert = self._upsert(idempotency).values(row_of(answer)).on_conflict_do_nothing(index_elements=["key_hash"])
        query = sa.select(idempotency).where(idempotency.c.key_hash == answer.key_hash)

        async def work(connection: AsyncConnection) -> IdempotentAnswer | None:
            while (await connection.execute(insert)).rowcount == 0:
                there = (await connection.execute(query)).first()
                if there is not None:  # else it was abandoned between the two statements: be the first
                    return record_of(IdempotentAnswer, there)
            return None

        return await self._database.write(work)

    async def finish_idempotent(self, key_hash: str, *, status: int, answer_sealed: bytes) -> None:
        mine = idempotency.c.key_hash == key_hash
        await self._change(sa.update(idempotency).where(mine).values(status=status, answer_sealed=answer_sealed))

    async def abandon_idempotent(self, key_hash: str) -> None:
        await self._change(
            sa.delete(idempotency).where(idempotency.c.key_hash == key_hash, idempotency.c.status.is_(None))
        )

    async def take_duty(self, name: str, *, owner: str, now: datetime, until: datetime) -> bool:
        statement = (
            self._upsert(duties)
            .values(name=name, owner=owner, until=until)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"owner": owner, "until": until},
                where=sa.or_(duties.c.owner == owner, duties.c.until <= now),
            )
        )
        return await self._change(statement) == 1

    async def release_duty(self, name: str, *, owner: str) -> None:
        await self._change(sa.delete(duties).where(duties.c.name == name, duties.c.owner == owner))
