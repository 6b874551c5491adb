"""Connections: a named use of a service each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import Conflict
from isthmus.records import Connection, Page
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.functions import in_use
from isthmus.storage.group import Group
from isthmus.storage.paging import LIMIT, read_cursor, read_page, write_cursor
from isthmus.storage.rows import record_of, row_of
from isthmus.storage.tables import calls, connections

_NAMES_AT_ONCE = 500
_FIXED = ("id", "link_name", "version", "created_by", "created_at")


class Connections(Group):
    """The methods of the contract that read and write connections."""

    async def connection(self, link_name: str) -> Connection | None:
        return await self._find(Connection, sa.select(connections).where(connections.c.link_name == link_name))

    async def connection_by_id(self, connection_id: str) -> Connection | None:
        return await self._find(Connection, sa.select(connections).where(connections.c.id == connection_id))

    async def connections(
        self, *, limit: int, cursor: str | None = None, service: str | None = None, names: Sequence[str] | None = None
    ) -> Page[Connection]:
        query = sa.select(connections)
        if service is not None:
            query = query.where(connections.c.service == service)
        if names is not None:
            return await self._named(query, names, limit, cursor)
        return await self._database.read(
            lambda connection: read_page(
                connection, query, (connections.c.link_name,), _connection_of, limit=limit, cursor=cursor
            )
        )

    async def _named(
        self, query: sa.Select[Any], names: Sequence[str], limit: int, cursor: str | None
    ) -> Page[Connection]:
        """A page among these names only, asked for in portions: there may be more than a statement takes."""
        after = read_cursor(cursor, [str])[0] if cursor is not None else ""
        left = sorted({name for name in names if name > after})
        size = max(1, min(limit, LIMIT))
        found: list[Connection] = []

        async def work(connection: AsyncConnection) -> None:
            for start in range(0, len(left), _NAMES_AT_ONCE):
                portion = query.where(connections.c.link_name.in_(left[start : start + _NAMES_AT_ONCE]))
                rows = await connection.execute(portion.order_by(connections.c.link_name).limit(size + 1))
                found.extend(_connection_of(row) for row in rows.all())
                if len(found) > size:
                    return

        await self._database.read(work)
        if len(found) <= size:
            return Page(found)
        return Page(found[:size], write_cursor([found[size - 1].link_name]))

    async def add_connection(self, connection: Connection, journal: Journal) -> None:
        await self._tell(sa.insert(connections).values(row_of(connection)), journal)

    async def save_connection(self, connection: Connection, journal: Journal) -> None:
        values = {name: value for name, value in row_of(connection).items() if name not in _FIXED}
        statement = (
            sa.update(connections)
            .where(connections.c.id == connection.id, connections.c.version == connection.version)
            .values(**values, version=connections.c.version + 1)
        )

        async def work(link: AsyncConnection) -> bool:
            if (await link.execute(statement)).rowcount == 0:
                return False
            if not connection.policy.keep_bodies:
                await link.execute(_without_bodies(connection.id))
            await write_journal(link, journal)
            return True

        if not await self._database.write(work):
            raise Conflict("The connection was changed or removed meanwhile; nothing was saved.", code="changed")

    async def delete_connection(self, connection_id: str, journal: Journal) -> bool:
        """Its authorizations, pending authorizations, timeline and calls go with it; so would timeline entries
        of `journal`, which are left out."""
        named = (
            sa.select(connections.c.link_name)
            .where(connections.c.id == connection_id)
            .correlate(None)
            .scalar_subquery()
        )
        used = in_use("connection", named)
        statement = sa.delete(connections).where(connections.c.id == connection_id, ~used)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(statement)).rowcount == 1:
                await write_journal(connection, Journal(activity=journal.activity))
                return True
            if await connection.scalar(sa.select(connections.c.id).where(connections.c.id == connection_id)) is None:
                return False
            raise Conflict("A function uses this connection.", code="in_use", hint="Take it out of the function first.")

        return await self._database.write(work)


def _without_bodies(connection_id: str) -> sa.Update:
    """Takes what they carried from the calls of this connection."""
    carrying = (calls.c.connection_id == connection_id, calls.c.bodies_sealed.is_not(None))
    return sa.update(calls).where(*carrying).values(bodies_sealed=None)


def _connection_of(row: sa.Row[Any]) -> Connection:
    return record_of(Connection, row)
