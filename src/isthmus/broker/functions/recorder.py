"""Writes runs: those that end at the same time in one transaction, each answered only when it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from isthmus.records import Run, RunCall
from isthmus.storage.contract import Storage

MOST_AT_ONCE = 200
TRIM_EVERY = timedelta(minutes=10)
INTERRUPTED_KEPT = timedelta(days=30)
"""How long a run that waits for a person's decision is kept, however many came after it."""


class Recorder:
    """Whoever waits for `put` may tell of the run: it outlives this process."""

    def __init__(self, *, storage: Storage, keep: int, clock: Callable[[], datetime]) -> None:
        """`keep` is how many runs of a function are kept."""
        self._storage = storage
        self._keep = keep
        self._clock = clock
        self._trimmed_at: datetime | None = None
        self._waiting: list[tuple[Run, Sequence[RunCall], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, run: Run, calls: Sequence[RunCall] = ()) -> None:
        """Returns when the run and its calls are written. Raises StorageError; it is then not written."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((run, calls, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        await done

    async def trim(self) -> int:
        """Now and then, remove runs beyond those that are kept, whatever began them; how many went."""
        now = self._clock()
        if self._trimmed_at is not None and now - self._trimmed_at < TRIM_EVERY:
            return 0
        self._trimmed_at = now
        return await self._storage.trim_runs(keep=self._keep, interrupted_before=now - INTERRUPTED_KEPT)

    async def close(self) -> None:
        """Let what was given be written."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _write(self) -> None:
        """One transaction after the other; what comes while one is under way is the next one."""
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            problem: BaseException | None = None
            try:
                calls = [call for _, some, _ in batch for call in some]
                await self._storage.put_runs([run for run, _, _ in batch], calls, keep=self._keep)
            except Exception as found:
                problem = found
            for _, _, done in batch:
                if done.done():
                    continue
                if problem is None:
                    done.set_result(None)
                else:
                    done.set_exception(problem)
