"""Authorizations: reading them, and keeping a new grant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import Conflict
from isthmus.records import Authorization, Page
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.group import Group
from isthmus.storage.paging import read_page
from isthmus.storage.rows import columns_of, record_of, row_of
from isthmus.storage.tables import authorizations, connections

COLUMNS = columns_of(Authorization, authorizations)
_KEPT = ("id", "connection_id", "resource_owner", "created_at")


class Authorizations(Group):
    """The methods of the contract that read authorizations, put a new grant, and delete."""

    async def authorization(self, authorization_id: str) -> Authorization | None:
        return await self._find(Authorization, sa.select(*COLUMNS).where(authorizations.c.id == authorization_id))

    async def authorization_of(self, connection_id: str, resource_owner: str) -> Authorization | None:
        query = sa.select(*COLUMNS).where(
            authorizations.c.connection_id == connection_id, authorizations.c.resource_owner == resource_owner
        )
        return await self._find(Authorization, query)

    async def authorizations(self, connection_id: str, *, limit: int, cursor: str | None = None) -> Page[Authorization]:
        query = sa.select(*COLUMNS).where(authorizations.c.connection_id == connection_id)
        return await self._database.read(
            lambda connection: read_page(
                connection, query, (authorizations.c.resource_owner,), authorization_of, limit=limit, cursor=cursor
            )
        )

    async def authorizations_for(
        self, connection_ids: Sequence[str], resource_owner: str
    ) -> Mapping[str, Authorization]:
        if not connection_ids:
            return {}
        query = sa.select(*COLUMNS).where(
            authorizations.c.connection_id.in_(connection_ids), authorizations.c.resource_owner == resource_owner
        )
        return {found.connection_id: found for found in await self._list(Authorization, query)}

    async def put_authorization(self, authorization: Authorization, journal: Journal) -> Authorization:
        values = row_of(authorization)
        insert = self._upsert(authorizations)
        replaced: dict[str, Any] = {name: insert.excluded[name] for name in values if name not in _KEPT}
        replaced |= {
            "version": authorizations.c.version + 1,
            # The newer grant wins: with another epoch and version, a refresh under way can no longer write.
            "epoch": authorizations.c.epoch + 1,
            "lease_owner": None,
            "lease_until": None,
            "attempt_id": None,
            "attempt_hash": None,
            "last_used_at": sa.func.coalesce(insert.excluded.last_used_at, authorizations.c.last_used_at),
        }
        statement = (
            insert.values(values)
            .on_conflict_do_update(
                index_elements=["connection_id", "resource_owner"],
                set_=replaced,
                where=authorizations.c.id == insert.excluded.id,
            )
            .returning(*COLUMNS)
        )

        async def work(connection: AsyncConnection) -> Authorization:
            row = (await connection.execute(statement)).first()
            if row is None:
                raise Conflict("This resource owner was connected meanwhile; nothing was saved.", code="changed")
            await write_journal(connection, journal)
            return record_of(Authorization, row)

        return await self._database.write(work)

    async def delete_authorization(self, authorization_id: str, journal: Journal) -> bool:
        return await self._tell(sa.delete(authorizations).where(authorizations.c.id == authorization_id), journal)

    async def due_for_refresh(self, *, now: datetime, limit: int) -> Sequence[Authorization]:
        row = authorizations.c
        query = (
            sa.select(*COLUMNS)
            .join(connections, connections.c.id == row.connection_id)
            # Word for word the condition of the index, which neither database would otherwise use.
            .where(sa.text("refreshable = 1" if self._database.is_sqlite else "refreshable"))
            .where(sa.text("state <> 'needs_person'"))
            .where(row.refresh_at <= now, sa.or_(row.not_before.is_(None), row.not_before <= now))
            .where(sa.or_(row.lease_until.is_(None), row.lease_until <= now), connections.c.disabled.is_(sa.false()))
            .order_by(row.refresh_at, row.id)
            .limit(limit)
        )
        return await self._list(Authorization, query)

    async def touch_authorizations(self, used: Mapping[str, datetime]) -> None:
        if used:
            await self._database.write(lambda connection: touch(connection, authorizations, used))


async def touch(connection: AsyncConnection, table: sa.Table, used: Mapping[str, datetime]) -> None:
    """Set `last_used_at` of many rows by id, never backwards. In the order of the ids, so that two cannot deadlock."""
    moment = sa.bindparam("moment", type_=table.c.last_used_at.type)
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("touched"))
        .where(sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at < moment))
        .values(last_used_at=moment)
    )
    await connection.execute(statement, [{"touched": key, "moment": used[key]} for key in sorted(used)])


def authorization_of(row: sa.Row[Any]) -> Authorization:
    """The record of a row that holds COLUMNS."""
    return record_of(Authorization, row)
