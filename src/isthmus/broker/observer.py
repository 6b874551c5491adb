"""What answers tell about a connection: that its credential works, or that it was refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from isthmus.broker.exchange import Exchange
from isthmus.broker.lookup import Entry, Lookup
from isthmus.errors import IsthmusError
from isthmus.records import Authorization, HttpResponse, Reason, TimelineEntry
from isthmus.storage.contract import Journal, Storage

_log = logging.getLogger("isthmus.observer")

REFUSED = -1


class Observer:
    """Notes a change of what is known, once, in the background; the call that showed it does not wait."""

    def __init__(self, *, storage: Storage, lookup: Lookup, exchange: Exchange, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._lookup = lookup
        self._exchange = exchange
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def saw(self, entry: Entry, response: HttpResponse) -> None:
        """Take note of an API answer to a request that carried the credential."""
        if response.status < 400:
            if entry.noted_version != entry.authorization.version:
                entry.noted_version = entry.authorization.version
                self._note(self._worked(entry))
        elif response.status == 401 and entry.noted_version != REFUSED:
            entry.noted_version = REFUSED
            if entry.authorization.reason is None:
                self._note(self._refused(entry, response))

    async def settle(self) -> None:
        """Wait for notes under way."""
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _worked(self, entry: Entry) -> None:
        row = entry.authorization
        changes = working_changes(row, self._clock())
        if not changes:
            return
        timeline: tuple[TimelineEntry, ...] = ()
        if "reason" in changes:
            timeline = (
                TimelineEntry(
                    connection_id=row.connection_id,
                    authorization_id=row.id,
                    kind="recovered",
                    message="The credential works again.",
                    at=self._clock(),
                ),
            )
        await self._update(row, changes, timeline)

    async def _refused(self, entry: Entry, response: HttpResponse) -> None:
        row, now = entry.authorization, self._clock()
        cause = self._exchange.diagnose(entry.resolved, "api", response)
        reason = Reason(cause.code, cause.message, cause.hint, now)
        changes: dict[str, Any] = {"reason": reason}
        if not row.refreshable:
            changes["state"] = "needs_person"
        entry_told = TimelineEntry(
            connection_id=row.connection_id,
            authorization_id=row.id,
            kind="failing",
            message=reason.message,
            at=now,
            code=reason.code,
            hint=reason.hint,
            details={"status": response.status},
        )
        await self._update(row, changes, (entry_told,))

    async def _update(self, row: Authorization, changes: dict[str, Any], timeline: tuple[TimelineEntry, ...]) -> None:
        try:
            await self._storage.update_authorization(
                row.id, version=row.version, changes=changes, journal=Journal(timeline=timeline)
            )
        except IsthmusError:
            return  # what is known of a connection is learnt again from the next call
        self._lookup.forget(row.id)


def working_changes(row: Authorization, now: datetime) -> dict[str, Any]:
    """The columns to set now that the credential was seen to work; empty if that was known."""
    changes: dict[str, Any] = {}
    if row.seen_working_at is None or (row.issued_at is not None and row.seen_working_at < row.issued_at):
        changes |= {"seen_working_at": now, "previous_sealed": None}
    if row.state == "needs_person" and not row.refreshable:
        changes |= {"state": "ok", "reason": None, "seen_working_at": now}
    elif row.state == "ok" and row.reason is not None:
        changes |= {"reason": None, "seen_working_at": now}
    return changes
