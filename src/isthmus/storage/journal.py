"""Timeline, calls and activity: what happened, written together with what it tells of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import ActivityEntry, CallCount, CallRecord, Page, TimelineEntry
from isthmus.storage.contract import Journal
from isthmus.storage.database import Database
from isthmus.storage.entries import with_id, write_journal
from isthmus.storage.group import Group
from isthmus.storage.paging import read_page
from isthmus.storage.rows import record_of, row_of
from isthmus.storage.tables import activity, call_counts, calls, connections, timeline

_TRIM_AFTER = 100
"""How many calls of a connection this process adds before it looks for ones to remove."""


class Journals(Group):
    """`add_journal`, `timeline`, `add_calls`, `calls`, `count_calls`, `call_counts`, `activity` of the contract."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._added: Counter[str] = Counter()

    async def add_journal(self, journal: Journal) -> None:
        await self._database.write(lambda connection: write_journal(connection, journal))

    async def timeline(self, connection_id: str, *, limit: int, cursor: str | None = None) -> Page[TimelineEntry]:
        query = sa.select(timeline).where(timeline.c.connection_id == connection_id)
        return await self._database.read(
            lambda connection: read_page(
                connection,
                query,
                (timeline.c.at, timeline.c.id),
                lambda row: record_of(TimelineEntry, row),
                limit=limit,
                cursor=cursor,
                descending=True,
            )
        )

    async def add_calls(self, calls: Sequence[CallRecord], *, keep: int = 1000) -> None:
        if not calls:
            return
        await self._database.write(lambda connection: self._add_calls(connection, calls))
        self._added.update(call.connection_id for call in calls)
        for connection_id in {call.connection_id for call in calls}:
            if self._added[connection_id] >= min(_TRIM_AFTER, keep):
                await self._change(_beyond(connection_id, keep))
                del self._added[connection_id]

    async def calls(self, connection_id: str, *, limit: int, cursor: str | None = None) -> Page[CallRecord]:
        query = sa.select(calls).where(calls.c.connection_id == connection_id)
        return await self._database.read(
            lambda connection: read_page(
                connection,
                query,
                (calls.c.at, calls.c.id),
                lambda row: record_of(CallRecord, row),
                limit=limit,
                cursor=cursor,
                descending=True,
            )
        )

    async def count_calls(self, counts: Sequence[CallCount]) -> None:
        if counts:
            await self._database.write(lambda connection: self._count_calls(connection, counts))

    async def call_counts(self, *, since: datetime, connection_id: str | None = None) -> Sequence[CallCount]:
        query = sa.select(call_counts).where(call_counts.c.hour >= since)
        if connection_id is not None:
            query = query.where(call_counts.c.connection_id == connection_id)
        return await self._list(CallCount, query.order_by(call_counts.c.hour, call_counts.c.connection_id))

    async def activity(
        self, *, limit: int, cursor: str | None = None, actor: str | None = None, target: str | None = None
    ) -> Page[ActivityEntry]:
        query = sa.select(activity)
        if actor is not None:
            query = query.where(activity.c.actor == actor)
        if target is not None:
            query = query.where(activity.c.target == target)
        return await self._database.read(
            lambda connection: read_page(
                connection,
                query,
                (activity.c.at, activity.c.id),
                lambda row: record_of(ActivityEntry, row),
                limit=limit,
                cursor=cursor,
                descending=True,
            )
        )

    async def _count_calls(self, connection: AsyncConnection, counts: Sequence[CallCount]) -> None:
        there = await _present(connection, {count.connection_id for count in counts})
        insert = self._upsert(call_counts)
        adding = insert.on_conflict_do_update(
            index_elements=["connection_id", "hour"],
            set_={
                "calls": call_counts.c.calls + insert.excluded.calls,
                "failures": call_counts.c.failures + insert.excluded.failures,
            },
        )
        rows = [row_of(count) for count in counts if count.connection_id in there]
        for row in sorted(rows, key=lambda row: (row["connection_id"], row["hour"])):
            await connection.execute(adding, row)

    @staticmethod
    async def _add_calls(connection: AsyncConnection, records: Sequence[CallRecord]) -> None:
        # A connection that was deleted meanwhile takes its calls along, not those of the others in the batch.
        carrying = any(record.bodies_sealed for record in records)
        there = await _present(connection, {record.connection_id for record in records}, firmly=carrying)
        rows = [with_id(row_of(record)) for record in records if record.connection_id in there]
        if carrying:
            rows = [row if there[row["connection_id"]] else {**row, "bodies_sealed": None} for row in rows]
        if rows:
            await connection.execute(sa.insert(calls), rows)


async def _present(connection: AsyncConnection, wanted: Set[str], *, firmly: bool = False) -> dict[str, bool]:
    """Which of these connections there are, and whether their policies keep bodies. They stay until the transaction
    ends; `firmly`, as they are: whoever changes one waits, and then finds what was written here."""
    query = sa.select(connections.c.id, connections.c.policy).where(connections.c.id.in_(wanted))
    locking = query.order_by(connections.c.id).with_for_update(read=True, key_share=not firmly)
    return {row.id: row.policy.keep_bodies for row in await connection.execute(locking)}


def _beyond(connection_id: str, keep: int) -> sa.Delete:
    """Removes the calls of this connection that are older than the newest `keep`."""
    mine = calls.c.connection_id == connection_id
    edge = sa.select(calls.c.at, calls.c.id).where(mine).order_by(calls.c.at.desc(), calls.c.id.desc())
    oldest_kept = edge.offset(keep - 1).limit(1).subquery()
    older = sa.tuple_(calls.c.at, calls.c.id) < sa.select(oldest_kept.c.at, oldest_kept.c.id).scalar_subquery()
    return sa.delete(calls).where(mine, older)
