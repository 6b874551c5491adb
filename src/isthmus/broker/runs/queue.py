"""The queue: takes up runs that are due, keeps their leases while they are under way, and wakes when one is stored.

Any process on the database may take any run. What one of them leaves behind is due again when its lease has run out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from isthmus.broker.runs.journey import Held, Lost, PutDown, Travel
from isthmus.broker.tokens import draw_fraction
from isthmus.errors import IsthmusError
from isthmus.records import Run
from isthmus.storage.contract import RunChange, Storage

_log = logging.getLogger("isthmus.runs")

FLUSH_SECONDS = 5.0
"""How long the end of a process waits for answers that are being written down."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a run is held without a sign of life, how often the database is asked, and how much is taken at once.

    A run that waits costs a few kilobytes of memory here, so many may be under way; `most` bounds them. One that sleeps
    for `parked_seconds` or longer is put down meanwhile.
    """

    lease_seconds: float = 15.0
    poll_seconds: float = 1.0
    most: int = 1000
    at_once: int = 100
    parked_seconds: float = 5.0


PACE = Pace()


@dataclass(slots=True)
class _UnderWay:
    run: Run
    until: float
    task: asyncio.Task[None] | None = None
    put_down: bool = True


class RunQueue:
    """One per process. `wake` costs nothing and may be called from anywhere in the loop."""

    def __init__(
        self,
        *,
        storage: Storage,
        travel: Travel,
        settle: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
        owner: str,
        pace: Pace,
    ) -> None:
        """`settle` returns when what runs have given to be written is written."""
        self._settle = settle
        self._storage = storage
        self._travel = travel
        self._clock = clock
        self._owner = owner
        self._pace = pace
        self._under_way: dict[str, _UnderWay] = {}
        self._woken = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._leaving = False

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    def start(self) -> None:
        self._taking = asyncio.create_task(self._take())
        self._keeping = asyncio.create_task(self._keep())

    def wake(self, run: Run | None = None) -> None:
        """A run was just stored that is due now."""
        self._woken.set()

    async def drain(self) -> None:
        """Take nothing more up; what is under way is put down after the call that it makes now."""
        self._leaving = True
        self._woken.set()
        if self._taking is not None:
            # Not cancelled: what the database has just given out would be nobody's until its lease has run out.
            await asyncio.gather(self._taking, return_exceptions=True)

    async def stop(self, seconds: float = 0.0) -> None:
        """As drain; calls may end within `seconds`. Whatever has not ended is free for the next process at once."""
        await self.drain()
        entries = list(self._under_way.values())
        tasks = [entry.task for entry in entries if entry.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        await _end(self._keeping, *tasks)
        # An answer that is being written is lost to whoever takes its run before.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settle(), FLUSH_SECONDS)
        free = {"lease_owner": None, "lease_until": None}
        left = [RunChange(entry.run.id, entry.run.epoch, free) for entry in entries if entry.put_down]
        try:
            await self._storage.change_runs(left)
        except IsthmusError:
            return  # the leases run out by themselves

    async def _take(self) -> None:
        while not self._leaving:
            self._woken.clear()
            taken = 0
            try:
                taken = await self.take()
            except IsthmusError as problem:
                _log.warning("runs could not be taken: %s", problem.code)
            if taken < self._pace.at_once and not self._leaving:
                await self._rest()

    async def _rest(self) -> None:
        """Until something is stored here, or, for what others stored, a while: no two processes ask in step."""
        try:
            async with asyncio.timeout(self._pace.poll_seconds * (0.5 + draw_fraction())):
                await self._woken.wait()
        except TimeoutError:
            return

    async def take(self) -> int:
        """Take up what is due, as much as there is room for; how many runs."""
        room = min(self._pace.most - len(self._under_way), self._pace.at_once)
        if room <= 0 or not await self._storage.due_runs(now=self._clock(), limit=1):
            return 0  # looking costs no write
        now, until = self._clock(), asyncio.get_running_loop().time() + self._pace.lease_seconds
        lease_until = now + timedelta(seconds=self._pace.lease_seconds)
        taken = await self._storage.take_runs(owner=self._owner, now=now, until=lease_until, limit=room)
        for run in taken:
            self._begin(_UnderWay(run, until))
        return len(taken)

    def _begin(self, entry: _UnderWay) -> None:
        self._under_way[entry.run.id] = entry
        entry.task = asyncio.create_task(self._go(entry))
        entry.task.add_done_callback(lambda _: self._leave(entry))

    def _leave(self, entry: _UnderWay) -> None:
        if self._under_way.get(entry.run.id) is entry:
            del self._under_way[entry.run.id]
        if len(self._under_way) == self._pace.most - 1:
            self._woken.set()  # there is room again

    async def _go(self, entry: _UnderWay) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self._travel(Held(entry.run, lambda: loop.time() < entry.until, lambda: self._leaving))
            entry.put_down = False
        except Lost:
            _log.info("run %s was taken by another process", entry.run.id)
        except PutDown:
            return
        except IsthmusError as problem:
            # It is due again when its lease has run out.
            _log.warning("run %s was put down: %s", entry.run.id, problem.code)

    async def _keep(self) -> None:
        """Lengthen the leases three times within their length."""
        while True:
            await asyncio.sleep(self._pace.lease_seconds / 3)
            entries = list(self._under_way.values())
            held = [(entry.run.id, entry.run.epoch) for entry in entries]
            until = asyncio.get_running_loop().time() + self._pace.lease_seconds
            lease_until = self._clock() + timedelta(seconds=self._pace.lease_seconds)
            try:
                kept = await self._storage.renew_runs(held, until=lease_until)
            except IsthmusError as problem:
                _log.warning("leases of runs could not be lengthened: %s", problem.code)
                continue
            for entry in entries:
                if entry.run.id in kept:
                    entry.until = until


async def _end(*tasks: asyncio.Task[None] | None) -> None:
    there = [task for task in tasks if task is not None]
    for task in there:
        task.cancel()
    await asyncio.gather(*there, return_exceptions=True)
