"""The writes of runs under way, many at a time: one transaction for all that is ready at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import Run
from isthmus.storage.contract import RunChange
from isthmus.storage.function_tables import runs
from isthmus.storage.occurrences import note_ends
from isthmus.storage.rows import record_of
from isthmus.storage.runs import IDENTITY, Runs, free

row = runs.c


class RunLeases(Runs):
    """`take_runs`, `renew_runs`, `change_runs` of the contract."""

    async def take_runs(self, *, owner: str, now: datetime, until: datetime, limit: int) -> Sequence[Run]:
        due = sa.select(runs).where(row.due_at.is_not(None), row.due_at <= now, free(now))
        query = due.order_by(row.due_at).limit(limit).with_for_update(skip_locked=True)

        async def work(connection: AsyncConnection) -> Sequence[Run]:
            found = (await connection.execute(query)).all()
            if not found:
                return []
            taken = {"lease_owner": owner, "lease_until": until}
            mine = row.id.in_([one.id for one in found])
            values = {**taken, "epoch": row.epoch + 1, "state": "running"}
            await connection.execute(sa.update(runs).where(mine).values(values))
            return [record_of(Run, {**one._mapping, **taken, "epoch": one.epoch + 1}) for one in found]

        return await self._database.write(work)

    async def renew_runs(self, held: Sequence[tuple[str, int]], *, until: datetime) -> frozenset[str]:
        async def work(connection: AsyncConnection) -> frozenset[str]:
            mine = await _locked(connection, [run_id for run_id, _ in held])
            kept = [run_id for run_id, epoch in held if mine.get(run_id) == epoch]
            held_still = sa.update(runs).where(row.id.in_(kept), row.lease_until.is_not(None))
            renewed = await connection.scalars(held_still.values(lease_until=until).returning(row.id))
            return frozenset(renewed.all())

        return await self._database.write(work) if held else frozenset()

    async def change_runs(self, changes: Sequence[RunChange]) -> Sequence[bool]:
        """See the contract; one statement for all changes that set the same columns."""
        for change in changes:
            refused = sorted(set(change.changes) & IDENTITY)
            if refused:
                raise ValueError(f"these columns cannot be set in this way: {', '.join(refused)}")

        async def work(connection: AsyncConnection) -> Sequence[bool]:
            epochs = await _locked(connection, [change.run_id for change in changes])
            good = [epochs.get(change.run_id) == change.epoch for change in changes]
            kept = [change for change, fine in zip(changes, good, strict=True) if fine]
            await _update(connection, kept)
            await self._put_calls(connection, [call for change in kept for call in change.calls])
            ended = [change.run_id for change in kept if change.ends]
            await note_ends(connection, ended)
            return good

        return await self._database.write(work) if changes else []


async def _locked(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, int]:
    """run id -> epoch, held until the transaction ends."""
    query = sa.select(row.id, row.epoch).where(row.id.in_(ids)).order_by(row.id).with_for_update()
    return {found.id: found.epoch for found in (await connection.execute(query)).all()}


async def _update(connection: AsyncConnection, changes: Sequence[RunChange]) -> None:
    """In the order given for each run: a later change of the same run wins."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for change in changes:
        columns = tuple(sorted(change.changes))
        if columns:
            values = {f"to_{name}": change.changes[name] for name in columns}
            alike.setdefault(columns, []).append({"run": change.run_id, **values})
    for columns, rows in alike.items():
        values = {name: sa.bindparam(f"to_{name}", type_=row[name].type) for name in columns}
        await connection.execute(sa.update(runs).where(row.id == sa.bindparam("run")).values(values), rows)
