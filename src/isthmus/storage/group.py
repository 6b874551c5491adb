"""What the groups of methods share: the database they work on, and statements that several of them write."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.storage.contract import Journal
from isthmus.storage.database import Database
from isthmus.storage.entries import write_journal
from isthmus.storage.rows import R, record_of

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


class Group:
    """A group of the contract's methods. All groups of one SqlStorage share one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _upsert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows `on_conflict_do_...`; the two databases write it alike, and only one is loaded."""
        dialect = import_module(f"sqlalchemy.dialects.{'sqlite' if self._database.is_sqlite else 'postgresql'}")
        statement: sqlite.Insert | postgresql.Insert = dialect.insert(table)
        return statement

    async def _find(self, kind: type[R], query: sa.Select[Any]) -> R | None:
        """The record of the only row of `query`, or None."""

        async def work(connection: AsyncConnection) -> R | None:
            row = (await connection.execute(query)).first()
            return None if row is None else record_of(kind, row)

        return await self._database.read(work)

    async def _list(self, kind: type[R], query: sa.Select[Any]) -> Sequence[R]:
        """The records of all rows of `query`."""

        async def work(connection: AsyncConnection) -> Sequence[R]:
            return [record_of(kind, row) for row in (await connection.execute(query)).all()]

        return await self._database.read(work)

    async def _change(self, statement: sa.Insert | sa.Update | sa.Delete) -> int:
        """Run one statement in a transaction of its own; how many rows it changed."""

        async def work(connection: AsyncConnection) -> int:
            return (await connection.execute(statement)).rowcount

        return await self._database.write(work)

    async def _tell(self, statement: sa.Insert | sa.Update | sa.Delete, journal: Journal) -> bool:
        """Run one statement and write the journal with it; False, and no journal, if it changed no row."""

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(statement)).rowcount == 0:
                return False
            await write_journal(connection, journal)
            return True

        return await self._database.write(work)
