"""Runs of functions and what they asked of the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import Page, Run, RunCall, RunState
from isthmus.storage.database import Database
from isthmus.storage.function_tables import functions, run_calls, runs
from isthmus.storage.group import Group
from isthmus.storage.occurrences import is_troubled, note_ends
from isthmus.storage.paging import read_page
from isthmus.storage.rows import record_of, row_of

_TRIM_AFTER = 100
"""How many runs of a function this process puts before it looks for ones to remove."""

IDENTITY = frozenset({"id", "function_id", "function", "created_at", "epoch"})

row = runs.c
_STANDING = (
    sa.select(functions.c.id, is_troubled(functions.c.id).label("troubled"))
    .where(functions.c.id.in_(sa.bindparam("wanted", expanding=True)))
    .order_by(functions.c.id)
    .with_for_update(read=True, key_share=True, of=functions)
)
"""Which of these functions there are, and whether anybody waits to hear that one runs again."""


class Runs(Group):
    """The methods of the contract that read and write runs and their calls."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._put: Counter[str] = Counter()

    async def run(self, run_id: str) -> Run | None:
        return await self._find(Run, sa.select(runs).where(row.id == run_id))

    async def runs(
        self, function_id: str, *, limit: int, cursor: str | None = None, state: RunState | None = None
    ) -> Page[Run]:
        query = sa.select(runs).where(row.function_id == function_id)
        if state is not None:
            query = query.where(row.state == state)
        return await self._database.read(
            lambda connection: read_page(
                connection,
                query,
                (row.created_at, row.id),
                lambda found: record_of(Run, found),
                limit=limit,
                cursor=cursor,
                descending=True,
            )
        )

    async def run_calls(self, run_id: str) -> Sequence[RunCall]:
        query = sa.select(run_calls).where(run_calls.c.run_id == run_id).order_by(run_calls.c.number)
        return await self._list(RunCall, query)

    async def put_runs(self, runs: Sequence[Run], calls: Sequence[RunCall] = (), *, keep: int = 1000) -> None:
        if not runs:
            return
        await self._database.write(lambda connection: self._put_runs(connection, runs, calls))
        self._put.update(run.function_id for run in runs if run.ended_at is not None)
        for function_id in {run.function_id for run in runs}:
            if self._put[function_id] >= min(_TRIM_AFTER, keep):
                await self._change(_beyond(function_id, keep))
                del self._put[function_id]

    async def trim_runs(self, *, keep: int, interrupted_before: datetime) -> int:
        query = sa.select(row.function_id).group_by(row.function_id).having(sa.func.count() > keep)

        async def crowded(connection: AsyncConnection) -> Sequence[str]:
            return (await connection.scalars(query)).all()

        gone = 0
        for function_id in await self._database.read(crowded):
            gone += await self._change(_beyond(function_id, keep, interrupted_before))
        return gone

    async def put_run_calls(self, calls: Sequence[RunCall]) -> None:
        if calls:
            await self._database.write(lambda connection: self._put_calls(connection, calls))

    async def take_run(self, run_id: str, *, owner: str, now: datetime, until: datetime) -> Run | None:
        statement = (
            sa.update(runs)
            .where(row.id == run_id, row.due_at <= now, free(now))
            .values(lease_owner=owner, lease_until=until, epoch=row.epoch + 1, state="running")
            .returning(row.id)
        )
        query = sa.select(runs).where(row.id == run_id).with_for_update()

        async def work(connection: AsyncConnection) -> Run | None:
            before = (await connection.execute(query)).first()
            if before is None or (await connection.execute(statement)).first() is None:
                return None
            taken = {"lease_owner": owner, "lease_until": until, "epoch": before.epoch + 1}
            return record_of(Run, {**before._mapping, **taken})

        return await self._database.write(work)

    async def change_run(
        self,
        run_id: str,
        *,
        epoch: int,
        changes: Mapping[str, Any],
        calls: Sequence[RunCall] = (),
        state: RunState | None = None,
    ) -> bool:
        refused = sorted(set(changes) & IDENTITY)
        if refused:
            raise ValueError(f"these columns cannot be set in this way: {', '.join(refused)}")
        statement = (
            sa.update(runs).where(row.id == run_id, row.epoch == epoch).values(dict(changes) or {"epoch": epoch})
        )
        if state is not None:
            statement = statement.where(row.state == state)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(statement)).rowcount == 0:
                return False
            await self._put_calls(connection, calls)
            if "ended_at" in changes:
                await note_ends(connection, [run_id])
            return True

        return await self._database.write(work)

    async def due_runs(self, *, now: datetime, limit: int) -> Sequence[Run]:
        query = sa.select(runs).where(row.due_at.is_not(None), row.due_at <= now, free(now))
        return await self._list(Run, query.order_by(row.due_at).limit(limit))

    async def abandoned_runs(self, *, now: datetime, limit: int) -> Sequence[Run]:
        held = (row.due_at.is_(None), row.lease_until.is_not(None), row.lease_until < now)
        return await self._list(Run, sa.select(runs).where(*held).order_by(row.lease_until).limit(limit))

    async def _put_runs(self, connection: AsyncConnection, records: Sequence[Run], calls: Sequence[RunCall]) -> None:
        # A function that was deleted meanwhile takes its runs along, not those of the others in the batch.
        wanted = {record.function_id for record in records}
        there = {one.id: one.troubled for one in await connection.execute(_STANDING, {"wanted": list(wanted)})}
        rows = [row_of(record) for record in records if record.function_id in there]
        if rows:
            await connection.execute(self._put_statement, rows)
        await self._put_calls(connection, calls)
        ended = [one for one in rows if one["ended_at"] is not None]
        if any(one["state"] != "finished" or there[one["function_id"]] for one in ended):
            await note_ends(connection, [one["id"] for one in ended])

    @cached_property
    def _put_statement(self) -> sa.Insert:
        """Built once: it names every column twice."""
        insert = self._upsert(runs)
        renewed = {column.name: insert.excluded[column.name] for column in runs.c if column.name not in IDENTITY}
        return insert.on_conflict_do_update(
            index_elements=["id"], set_=renewed, where=row.epoch == insert.excluded.epoch
        )

    async def _add_run(self, connection: AsyncConnection, run: Run) -> bool:
        """False if there is a run with this id, or its function is gone."""
        query = sa.select(functions.c.id).where(functions.c.id == run.function_id)
        if await connection.scalar(query.with_for_update(read=True, key_share=True)) is None:
            return False
        insert = self._upsert(runs).values(row_of(run)).on_conflict_do_nothing(index_elements=["id"])
        if (await connection.execute(insert)).rowcount == 0:
            return False
        await note_ends(connection, [run.id] if run.ended_at is not None else [])
        return True

    async def _put_calls(self, connection: AsyncConnection, records: Sequence[RunCall]) -> None:
        if not records:
            return
        wanted = {record.run_id for record in records}
        query = sa.select(row.id).where(row.id.in_(wanted)).order_by(row.id)
        there = set((await connection.scalars(query.with_for_update(read=True, key_share=True))).all())
        insert = self._upsert(run_calls)
        renewed = {c.name: insert.excluded[c.name] for c in run_calls.c if c.name not in ("run_id", "number")}
        statement = insert.on_conflict_do_update(index_elements=["run_id", "number"], set_=renewed)
        rows = [row_of(record) for record in records if record.run_id in there]
        if rows:
            await connection.execute(statement, rows)


def free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(row.lease_until.is_(None), row.lease_until <= now)


def _beyond(function_id: str, keep: int, interrupted_before: datetime | None = None) -> sa.Delete:
    """Removes the ended runs of this function that are older than the newest `keep` of its runs, and those that have
    waited for a decision since before this time."""
    mine = row.function_id == function_id
    edge = sa.select(row.created_at, row.id).where(mine).order_by(row.created_at.desc(), row.id.desc())
    oldest_kept = edge.offset(keep - 1).limit(1).subquery()
    kept = sa.select(oldest_kept.c.created_at, oldest_kept.c.id).scalar_subquery()
    over: sa.ColumnElement[bool] = row.ended_at.is_not(None)
    if interrupted_before is not None:
        waits = sa.and_(row.state == "interrupted", row.due_at.is_(None), row.created_at < interrupted_before)
        over = sa.or_(over, waits)
    return sa.delete(runs).where(mine, over, sa.tuple_(row.created_at, row.id) < kept)
