"""Occurrences dealt with, and the alerts that came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import Alert, Occurrence, Run
from isthmus.storage.function_tables import alerts, occurrences
from isthmus.storage.rows import row_of
from isthmus.storage.runs import Runs

row = alerts.c


class Alerts(Runs):
    """The methods of the contract for occurrences and alerts."""

    async def occurrences(self, *, limit: int) -> Sequence[Occurrence]:
        return await self._list(Occurrence, sa.select(occurrences).order_by(occurrences.c.id).limit(limit))

    async def settle_occurrences(self, ids: Sequence[str], *, runs: Sequence[Run], alerts: Sequence[Alert]) -> bool:
        query = sa.select(occurrences.c.id).where(occurrences.c.id.in_(ids)).order_by(occurrences.c.id)

        async def work(connection: AsyncConnection) -> bool:
            there = (await connection.scalars(query.with_for_update())).all()
            if len(there) != len(set(ids)):
                return False
            await connection.execute(sa.delete(occurrences).where(occurrences.c.id.in_(ids)))
            for run in runs:
                await self._add_run(connection, run)
            await self._put_alerts(connection, alerts)
            return True

        return await self._database.write(work) if ids else True

    async def alerts_of(self, subject_ids: Sequence[str]) -> Sequence[Alert]:
        return await self._list(Alert, sa.select(alerts).where(row.subject_id.in_(subject_ids)).order_by(row.key))

    async def alerts_to_tell(self, *, now: datetime, limit: int) -> Sequence[Alert]:
        failing = sa.and_(row.told_at.is_(None), row.recovered_at.is_(None), row.tell_at <= now)
        brief = sa.and_(row.told_at.is_(None), row.recovered_at.is_not(None), row.tell_at <= row.recovered_at)
        mended = sa.and_(row.told_at.is_not(None), row.recovered_at.is_not(None), row.recovery_told_at.is_(None))
        query = sa.select(alerts).where(sa.or_(failing, brief, mended))
        return await self._list(Alert, query.order_by(row.opened_at, row.key).limit(limit))

    async def put_alerts(self, alerts: Sequence[Alert]) -> None:
        await self._database.write(lambda connection: self._put_alerts(connection, alerts))

    async def purge_alerts(self, *, before: datetime) -> int:
        settled = sa.or_(row.told_at.is_(None), row.recovery_told_at.is_not(None))
        over = sa.and_(row.recovered_at.is_not(None), row.recovered_at < before, row.tell_at < before)
        return await self._change(sa.delete(alerts).where(over, settled))

    async def _put_alerts(self, connection: AsyncConnection, records: Sequence[Alert]) -> None:
        if not records:
            return
        insert = self._upsert(alerts)
        renewed = {column.name: insert.excluded[column.name] for column in alerts.c if column.name != "key"}
        statement = insert.on_conflict_do_update(index_elements=["key"], set_=renewed)
        await connection.execute(statement, [row_of(record) for record in records])
