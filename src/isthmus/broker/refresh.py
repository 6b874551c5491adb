"""Hands out a usable credential and keeps the grant: one refresh per expiry, however many callers and processes.

The order in which things are written is the point of this module; docs/refresh.md tells why. In short: callers in
one process are coalesced, processes are kept apart by a lease, the intent is written before anything is sent, and
what comes back is committed only where the token that was spent is still the one that is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from isthmus.broker.backoff import Circuits
from isthmus.broker.renewal import Renewal
from isthmus.broker.tokens import draw_fraction, draw_id
from isthmus.broker.views import iso
from isthmus.errors import IsthmusError, NotConnected, ReauthorizationRequired, RefreshDeferred
from isthmus.records import Authorization
from isthmus.storage.contract import Journal, Storage

LEASE_SECONDS = 20.0
"""Longer than a token call may take (15 s), and short enough that a lost answer is asked for again within the
30 s that providers commonly grant for it."""

WAIT_SECONDS = 25.0
"""How long a caller waits for a refresh before it is told to come back."""


class Refresher:
    """Usable credentials, on demand and ahead of time. One object per process."""

    def __init__(
        self,
        *,
        storage: Storage,
        renewal: Renewal,
        circuits: Circuits,
        clock: Callable[[], datetime],
        owner: str,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._wait_seconds = wait_seconds
        self._storage = storage
        self._renewal = renewal
        self._circuits = circuits
        self._clock = clock
        self._owner = owner
        self._under_way: dict[str, asyncio.Task[Authorization]] = {}
        self._closing = False

    async def usable(
        self,
        authorization: Authorization,
        *,
        failed_version: int | None = None,
        minimum: timedelta = timedelta(0),
    ) -> Authorization:
        """The row with a credential that may be used now; the given row where it still may be.

        `failed_version` says that the credential of that version was refused by the API: one refresh follows,
        however many callers say so. `minimum` is how long the credential should still live.
        Raises ReauthorizationRequired, or RefreshDeferred with the time to come back.
        """
        if failed_version is not None and authorization.version != failed_version:
            return authorization
        now = self._clock()
        expired = authorization.expires_at is not None and authorization.expires_at <= now + minimum
        if failed_version is None and not expired:
            if _is_due(authorization, now):
                self.start(authorization)
            return authorization
        if authorization.state == "needs_person":
            raise needs_person(authorization)
        if not authorization.refreshable:
            return await self._end_of_life(authorization, now)
        return await self._wait(authorization, forced=failed_version is not None)

    def start(self, authorization: Authorization, *, forced: bool = False) -> asyncio.Task[Authorization]:
        """Begin the refresh of this version, or join the one under way in this process."""
        task = self._under_way.get(authorization.id)
        if task is None or task.done():
            task = asyncio.create_task(self._refresh(authorization.id, authorization.version, forced=forced))
            self._under_way[authorization.id] = task
            task.add_done_callback(lambda done: self._forget(authorization.id, done))
        return task

    async def close(self, seconds: float) -> None:
        """Let refreshes under way commit; those still running after `seconds` are left to their lease."""
        self._closing = True
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=seconds)

    def _forget(self, authorization_id: str, task: asyncio.Task[Authorization]) -> None:
        if self._under_way.get(authorization_id) is task:
            del self._under_way[authorization_id]
        if not task.cancelled():
            task.exception()  # a refresh ahead of time has no caller; its outcome is in the timeline

    async def _wait(self, authorization: Authorization, *, forced: bool) -> Authorization:
        task = self.start(authorization, forced=forced)
        try:
            fresh = await asyncio.wait_for(asyncio.shield(task), self._wait_seconds)
        except TimeoutError:
            raise _busy(self._clock()) from None
        if forced and fresh.version == authorization.version:
            # We joined a refresh that was begun ahead of time; it failed and kept the token that ours was refused for.
            now = self._clock()
            return _old_or_later(fresh, fresh.not_before or now + timedelta(seconds=2), now, forced=True)
        return fresh

    async def _refresh(self, authorization_id: str, version: int, *, forced: bool) -> Authorization:
        deadline = asyncio.get_running_loop().time() + self._wait_seconds
        while True:
            row = await self._storage.authorization(authorization_id)
            if row is None:
                raise NotConnected("The authorization was removed meanwhile.")
            if row.version != version:
                return row
            if row.state == "needs_person":
                raise needs_person(row)
            now = self._clock()
            if row.not_before is not None and row.not_before > now:
                return _old_or_later(row, row.not_before, now, forced=forced)
            held = None
            if row.lease_until is None or row.lease_until <= now:
                held = await self._take(row, now)
            if held is not None:
                return await self._spend(held, forced=forced)
            if asyncio.get_running_loop().time() > deadline:
                return _old_or_later(row, now + timedelta(seconds=2), now, forced=forced)
            await asyncio.sleep(0.03 + 0.12 * draw_fraction())

    async def _take(self, row: Authorization, now: datetime) -> Authorization | None:
        return await self._storage.take_lease(
            row.id,
            version=row.version,
            owner=self._owner,
            now=now,
            until=now + timedelta(seconds=LEASE_SECONDS),
            attempt_id=draw_id(),
        )

    async def _spend(self, held: Authorization, *, forced: bool) -> Authorization:
        ends = asyncio.get_running_loop().time() + LEASE_SECONDS - 1.0
        try:
            outcome = await self._renewal.run(held, circuits=self._circuits, ends=ends)
        except IsthmusError as problem:
            # Nothing was sent: a definition or a seal is broken. Free the row, so that a mended one works at once.
            changes = {"state": "ok", "attempt_id": held.attempt_id, "attempt_hash": held.attempt_hash}
            await self._storage.release_lease(held.id, epoch=held.epoch, changes=changes, journal=Journal())
            raise problem
        if outcome.state == "needs_person" and outcome.version == held.version:
            raise needs_person(outcome)
        if outcome.version != held.version:
            return outcome
        now = self._clock()
        return _old_or_later(outcome, outcome.not_before or now + timedelta(seconds=2), now, forced=forced)

    async def _end_of_life(self, authorization: Authorization, now: datetime) -> Authorization:
        row = await self._renewal.give_up(authorization, now)
        if row.version != authorization.version:
            return row
        raise needs_person(row)


def _is_due(authorization: Authorization, now: datetime) -> bool:
    if not authorization.refreshable or authorization.state == "needs_person":
        return False
    if authorization.refresh_at is None or authorization.refresh_at > now:
        return False
    return authorization.not_before is None or authorization.not_before <= now


def _old_or_later(row: Authorization, retry_at: datetime, now: datetime, *, forced: bool) -> Authorization:
    """The old credential while it lives and was not refused; otherwise RefreshDeferred."""
    if not forced and (row.expires_at is None or row.expires_at > now):
        return row
    raise RefreshDeferred(
        "The credential has expired and could not be refreshed yet.",
        retry_at=retry_at,
        hint=row.reason.hint if row.reason else None,
    )


def _busy(now: datetime) -> RefreshDeferred:
    return RefreshDeferred("The credential is being refreshed elsewhere.", retry_at=now + timedelta(seconds=2))


def needs_person(row: Authorization) -> ReauthorizationRequired:
    """The error for a grant that only a person can renew, in the words of its reason."""
    if row.reason is None:
        return ReauthorizationRequired("The grant is gone; connect the account again.")
    return ReauthorizationRequired(
        row.reason.message,
        hint=row.reason.hint,
        details={"cause": row.reason.code, "since": iso(row.reason.at)},
    )
