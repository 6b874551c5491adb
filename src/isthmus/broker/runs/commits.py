"""Writes of runs under way: what is ready at the same moment goes into one transaction."""

from __future__ import annotations

import asyncio
import time

from isthmus.errors import StorageError
from isthmus.storage.contract import RunChange, Storage

MOST_AT_ONCE = 200
WAIT_SECONDS = 120.0
"""How long a database that is away is waited for: the answer in hand may be to a call that must not be made twice."""


class Commits:
    """Changes of one run are written in the order in which they were given."""

    def __init__(self, *, storage: Storage, wait_seconds: float = WAIT_SECONDS) -> None:
        self._storage = storage
        self._wait_seconds = wait_seconds
        self._waiting: list[tuple[RunChange, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    def write(self, change: RunChange) -> asyncio.Future[bool]:
        """Done when it is committed: True, or False where another process has taken the run and nothing was written.

        StorageError where the database was away for too long.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return done

    async def close(self) -> None:
        """Let what was given be written."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """One transaction after the other; what comes while one is under way is the next one."""
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            try:
                kept = await self._write([change for change, _ in batch])
            except Exception as problem:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(problem)
                        done.exception()  # whoever gave it up does not ask
                continue
            for (_, done), fine in zip(batch, kept, strict=True):
                if not done.done():
                    done.set_result(fine)

    async def _write(self, changes: list[RunChange]) -> list[bool]:
        ends = time.monotonic() + self._wait_seconds
        pause = 0.05
        while True:
            try:
                return list(await self._storage.change_runs(changes))
            except StorageError as problem:
                if problem.permanent or time.monotonic() + pause > ends:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
