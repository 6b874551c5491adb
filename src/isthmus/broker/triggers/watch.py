"""The loop behind schedules, events and alerts: one process at a time has it, by a row in the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from isthmus.broker.tokens import draw_fraction
from isthmus.errors import IsthmusError
from isthmus.storage.contract import Storage

DUTY = "triggers"
HELD_SECONDS = 20.0
RENEW_SECONDS = 5.0
ROUND_SECONDS = 1.0

_log = logging.getLogger("isthmus.triggers")

Round = Callable[[], Awaitable[int]]


class Watch:
    """Another process takes over within 20 s of this one's end. Nothing depends on there being only one: each due
    time and each occurrence is dealt with by conditional writes."""

    def __init__(
        self,
        *,
        storage: Storage,
        rounds: tuple[Round, ...],
        slow: Round,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        """`rounds` are quick and run in turn, each second; `slow` waits for others' servers, and runs beside them."""
        self._storage = storage
        self._rounds = rounds
        self._slow = slow
        self._clock = clock
        self._owner = owner
        self._held_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._run_slow())]

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            try:
                await self._storage.release_duty(DUTY, owner=self._owner)
            except IsthmusError:
                return  # it runs out by itself

    async def _has_duty(self) -> bool:
        loop = asyncio.get_running_loop()
        if self._held_until - loop.time() > HELD_SECONDS - RENEW_SECONDS:
            return True
        now, until = self._clock(), loop.time() + HELD_SECONDS
        held = await self._storage.take_duty(
            DUTY, owner=self._owner, now=now, until=now + timedelta(seconds=HELD_SECONDS)
        )
        self._held_until = until if held else 0.0
        return held

    async def _run(self) -> None:
        while True:
            busy = False
            try:
                if await self._has_duty():
                    for one in self._rounds:
                        busy = await one() > 0 or busy
            except IsthmusError as problem:
                _log.warning("a round of triggers failed: %s", problem.code)
            except Exception:
                _log.exception("a round of triggers failed")
            await asyncio.sleep(0.05 if busy else ROUND_SECONDS * (0.5 + draw_fraction()))

    async def _run_slow(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            if self._held_until <= asyncio.get_running_loop().time():
                continue
            try:
                await self._slow()
            except IsthmusError as problem:
                _log.warning("alerts could not be told: %s", problem.code)
            except Exception:
                _log.exception("alerts could not be told")
