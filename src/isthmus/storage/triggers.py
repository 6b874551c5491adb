"""Triggers: kept, found, and fired together with the run that they start."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import Conflict
from isthmus.records import Page, Run, Trigger
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.function_tables import triggers
from isthmus.storage.paging import read_page
from isthmus.storage.rows import record_of, row_of
from isthmus.storage.runs import Runs

_FIXED = ("id", "function_id", "kind", "token_hash", "created_at", "version", "last_fired_at", "last_run_id")

row = triggers.c


class Triggers(Runs):
    """The methods of the contract for triggers."""

    async def trigger(self, trigger_id: str) -> Trigger | None:
        return await self._find(Trigger, sa.select(triggers).where(row.id == trigger_id))

    async def trigger_by_token(self, token_hash: str) -> Trigger | None:
        return await self._find(Trigger, sa.select(triggers).where(row.token_hash == token_hash))

    async def triggers(self, *, limit: int, cursor: str | None = None, function_id: str | None = None) -> Page[Trigger]:
        query = sa.select(triggers)
        if function_id is not None:
            query = query.where(row.function_id == function_id)
        return await self._database.read(
            lambda connection: read_page(
                connection, query, (row.id,), lambda found: record_of(Trigger, found), limit=limit, cursor=cursor
            )
        )

    async def add_trigger(self, trigger: Trigger, journal: Journal) -> None:
        await self._tell(sa.insert(triggers).values(row_of(trigger)), journal)

    async def save_trigger(self, trigger: Trigger, journal: Journal) -> None:
        values = {name: value for name, value in row_of(trigger).items() if name not in _FIXED}
        mine = (row.id == trigger.id, row.version == trigger.version)
        statement = sa.update(triggers).where(*mine).values(**values, version=row.version + 1)
        if not await self._tell(statement, journal):
            raise Conflict("The trigger was changed or removed meanwhile; nothing was saved.", code="changed")

    async def delete_trigger(self, trigger_id: str, journal: Journal) -> bool:
        return await self._tell(sa.delete(triggers).where(row.id == trigger_id), journal)

    async def due_triggers(self, *, now: datetime, limit: int) -> Sequence[Trigger]:
        due = (row.enabled, row.next_at.is_not(None), row.next_at <= now)
        return await self._list(Trigger, sa.select(triggers).where(*due).order_by(row.next_at).limit(limit))

    async def event_triggers(self, link_name: str) -> Sequence[Trigger]:
        wanted = (row.enabled, row.kind == "event", row.connection.in_(("", link_name)))
        return await self._list(Trigger, sa.select(triggers).where(*wanted).order_by(row.id))

    async def fire_schedule(
        self, trigger: Trigger, *, next_at: datetime | None, run: Run | None, journal: Journal
    ) -> bool:
        mine = (row.id == trigger.id, row.enabled, row.next_at == trigger.next_at)
        fired = {"last_fired_at": run.created_at, "last_run_id": run.id} if run is not None else {}
        statement = sa.update(triggers).where(*mine).values(next_at=next_at, **fired)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(statement)).rowcount == 0:
                return False
            await self._put_runs(connection, [run] if run is not None else [], ())
            await write_journal(connection, journal)
            return True

        return await self._database.write(work)

    async def fire_webhook(self, trigger_id: str, run: Run) -> bool:
        fired = {"last_fired_at": run.created_at, "last_run_id": run.id}

        async def work(connection: AsyncConnection) -> bool:
            if not await self._add_run(connection, run):
                return False
            await connection.execute(sa.update(triggers).where(row.id == trigger_id).values(fired))
            return True

        return await self._database.write(work)
