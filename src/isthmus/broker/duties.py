"""What one process at a time does in the background: refresh ahead of time, and tidy up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from isthmus.broker.refresh import Refresher
from isthmus.errors import IsthmusError
from isthmus.storage.contract import Storage

ROUND_SECONDS = 5.0
DUTY_SECONDS = 20.0
AT_ONCE = 16
PURGE_EVERY_SECONDS = 300.0

_log = logging.getLogger("isthmus.duties")


class Duties:
    """Holds the duty by a row in the database; another process takes over within 20 s of its end."""

    def __init__(
        self,
        *,
        storage: Storage,
        refresher: Refresher,
        clock: Callable[[], datetime],
        owner: str,
        proactive: bool,
        tidy: Sequence[Callable[[], Awaitable[object]]] = (),
    ) -> None:
        """`tidy` is done in each round besides."""
        self._storage = storage
        self._refresher = refresher
        self._clock = clock
        self._owner = owner
        self._proactive = proactive
        self._tidy = tidy
        self._task: asyncio.Task[None] | None = None
        self._purged_at: datetime | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._storage.release_duty("upkeep", owner=self._owner)
        except IsthmusError:
            return  # the duty runs out by itself

    async def round(self) -> int:
        """One round, if this process has the duty: how many refreshes were begun."""
        now = self._clock()
        until = now + timedelta(seconds=DUTY_SECONDS)
        if not await self._storage.take_duty("upkeep", owner=self._owner, now=now, until=until):
            return 0
        if self._purged_at is None or (now - self._purged_at).total_seconds() > PURGE_EVERY_SECONDS:
            await self._storage.purge_expired(now=now)
            self._purged_at = now
        for work in self._tidy:
            await _do(work)
        if not self._proactive:
            return 0
        due = await self._storage.due_for_refresh(now=now, limit=200)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(index: int) -> None:
            async with gate:
                await asyncio.wait([self._refresher.start(due[index])])

        await asyncio.gather(*(one(index) for index in range(len(due))))
        return len(due)

    async def _run(self) -> None:
        while True:
            try:
                begun = await self.round()
            except IsthmusError as problem:
                _log.warning("background round failed: %s", problem.code)
                begun = 0
            # A full page means that more is due; otherwise wait for the next round.
            await asyncio.sleep(0.1 if begun >= 200 else ROUND_SECONDS)


async def _do(work: Callable[[], Awaitable[object]]) -> None:
    """What fails of the tidying keeps nothing from being refreshed."""
    try:
        await work()
    except IsthmusError as problem:
        _log.warning("a background duty failed: %s", problem.code)
    except Exception:
        _log.exception("a background duty failed")
