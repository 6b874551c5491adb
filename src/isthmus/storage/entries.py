"""Journal entries, added within the transaction of the write they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.storage.contract import Journal
from isthmus.storage.occurrences import note_timeline
from isthmus.storage.rows import draw_ordered_id, row_of
from isthmus.storage.tables import activity, timeline


async def write_journal(connection: AsyncConnection, journal: Journal) -> None:
    """Add the entries within the caller's transaction; an entry without id gets one that sorts by time."""
    if journal.activity:
        await connection.execute(sa.insert(activity), [with_id(row_of(entry)) for entry in journal.activity])
    if journal.timeline:
        await connection.execute(sa.insert(timeline), [with_id(row_of(entry)) for entry in journal.timeline])
        await note_timeline(connection, journal.timeline)


def with_id(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with an id: its own, or a new one."""
    return dict(row) if row["id"] else {**row, "id": draw_ordered_id()}
