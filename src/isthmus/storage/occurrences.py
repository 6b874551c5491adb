"""What triggers and alerts want to know of, written in the transaction of what it tells of, so that none is lost."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import Occurrence, TimelineEntry
from isthmus.storage.function_tables import alerts, occurrences, runs
from isthmus.storage.rows import draw_ordered_id, row_of

FAILURES = frozenset({"failing", "refresh_failed", "needs_person"})
BEGINNINGS = frozenset({"issued", "reconnected", "recovered"})
RECOVERIES = frozenset({"refreshed"})
"""Frequent, and of interest only after a failure."""

_UNWATCHED = ("test", "cli")
"""Runs whose caller sits before them: nobody need be told."""


async def note_timeline(connection: AsyncConnection, entries: Sequence[TimelineEntry]) -> None:
    """Keep the entries that matter to triggers and alerts."""
    wanted = [entry for entry in entries if entry.kind in FAILURES or entry.kind in BEGINNINGS]
    quiet = [entry for entry in entries if entry.kind in RECOVERIES]
    if quiet:
        troubled = await _troubled(connection, {entry.connection_id for entry in quiet}, occurrences.c.connection_id)
        wanted += [entry for entry in quiet if entry.connection_id in troubled]
    if wanted:
        await connection.execute(sa.insert(occurrences), [row_of(_of_entry(entry)) for entry in wanted])


async def note_ends(connection: AsyncConnection, run_ids: Sequence[str]) -> None:
    """Keep what became of these runs, as they stand in the transaction."""
    if not run_ids:
        return
    columns = ("id", "function_id", "state", "error_code", "error_line", "ended_at", "created_at")
    query = sa.select(*(runs.c[name] for name in columns)).where(
        runs.c.id.in_(run_ids), runs.c.trigger.not_in(_UNWATCHED)
    )
    ended = (await connection.execute(query)).all()
    finished = {run.function_id for run in ended if run.state == "finished"}
    troubled = await _troubled(connection, finished, occurrences.c.function_id) if finished else frozenset()
    rows = [
        row_of(
            Occurrence(
                id=draw_ordered_id(),
                kind=f"run_{run.state}",
                at=run.ended_at or run.created_at,
                function_id=run.function_id,
                run_id=run.id,
                code=run.error_code,
                line=run.error_line,
            )
        )
        for run in ended
        if run.state in ("failed", "interrupted") or (run.state == "finished" and run.function_id in troubled)
    ]
    if rows:
        await connection.execute(sa.insert(occurrences), rows)


def is_troubled(function_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether this function has an alert, or a failure that nobody has dealt with yet."""
    alerted = sa.exists().where(alerts.c.subject_id == function_id, alerts.c.recovered_at.is_(None))
    return sa.or_(alerted, sa.exists().where(occurrences.c.function_id == function_id))


async def _troubled(connection: AsyncConnection, ids: set[str], column: sa.Column[str]) -> frozenset[str]:
    """Which of these things have an alert, or a failure that nobody has dealt with yet."""
    alerted = sa.select(alerts.c.subject_id).where(alerts.c.subject_id.in_(ids), alerts.c.recovered_at.is_(None))
    waiting = sa.select(column).where(column.in_(ids))
    return frozenset((await connection.scalars(sa.union(alerted, waiting))).all())


def _of_entry(entry: TimelineEntry) -> Occurrence:
    return Occurrence(
        id=draw_ordered_id(),
        kind=entry.kind,
        at=entry.at,
        connection_id=entry.connection_id,
        code=entry.code,
        message=entry.message,
        hint=entry.hint,
    )
