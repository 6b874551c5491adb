"""The alarm over sealed values that do not open: somebody changed the database, or a key is lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from isthmus.errors import IsthmusError
from isthmus.records import ActivityEntry, TimelineEntry
from isthmus.storage.contract import Journal, Storage

_log = logging.getLogger("isthmus.alarm")

REPEATED_SECONDS = 3600.0
MOST_PLACES = 10_000
_MESSAGE = "The sealed credential does not open: it was damaged, moved, or sealed under a lost key."
_HINT = "Connect again to replace it, and look into who changed the database."


class Alarm:
    """Raised by the vault, whoever wanted the value; told in the log, the activity and, for a credential, the
    connection's timeline, once an hour for each place."""

    def __init__(self, *, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock
        self._told: dict[tuple[str, str, str], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def broken(self, table: str, row: str, field: str) -> None:
        """The value that is sealed in this field of this row did not open. Returns at once."""
        place, now = (table, row, field), time.monotonic()
        if now - self._told.get(place, -REPEATED_SECONDS) < REPEATED_SECONDS:
            return
        if len(self._told) >= MOST_PLACES:
            self._told.clear()
        self._told[place] = now
        _log.error("seal broken: %s of %s in %s", field, row, table)
        task = asyncio.get_running_loop().create_task(self._write(table, row, field))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait for what is being written."""
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, table: str, row: str, field: str) -> None:
        with suppress(IsthmusError):
            target, timeline = await self._whose(table, row)
            details = {"table": table, "field": field}
            activity = ActivityEntry(
                self._clock(), "system", "credential.seal_broken", target, "alarm", details=details
            )
            await self._storage.add_journal(Journal(activity=(activity,), timeline=timeline))

    async def _whose(self, table: str, row: str) -> tuple[str, tuple[TimelineEntry, ...]]:
        """What the alarm is about, and the entry of its timeline where it has one."""
        authorization = await self._storage.authorization(row) if table == "authorizations" else None
        connection = await self._storage.connection_by_id(authorization.connection_id) if authorization else None
        if authorization is None or connection is None:
            return row, ()
        entry = TimelineEntry(
            connection.id,
            "failing",
            _MESSAGE,
            self._clock(),
            authorization_id=authorization.id,
            code="seal_broken",
            hint=_HINT,
        )
        return connection.link_name, (entry,)
