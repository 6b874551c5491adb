"""Transactions: each piece of work runs in one, is committed when it returns, and leaves nothing if it does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import IsthmusError, StorageError
from isthmus.storage.engine import OPERATION_SECONDS, READ, open_engine
from isthmus.storage.faults import driver_faults, is_repeatable, translate

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

_ATTEMPTS = 4


class Database:
    """One database, used by one process: SQLite through a single connection in turn, PostgreSQL through a pool."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = open_engine(url)
        options: dict[str, Any] = {READ: True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**options)
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def read(self, work: Work[T]) -> T:
        """What `work` finds. Its statements see one state each, not one state together."""
        return await self._finish(self._read(work))

    async def write(self, work: Work[T]) -> T:
        """What `work` gives, after its commit. Raises Conflict or StorageError with everything undone.

        After StorageError the commit may in truth have arrived, if the connection was lost at that very moment.
        """
        return await self._finish(self._write(work))

    async def alone(self, work: Work[T]) -> T:
        """As `write`, but the work minds its transactions itself and may take its time: for migrations."""
        return await self._finish(self._alone(work))

    async def close(self) -> None:
        """Let what runs finish, then close the connections."""
        self._closed = True
        if self._running:
            await asyncio.wait(self._running, timeout=2 * OPERATION_SECONDS)
        await self.engine.dispose()

    async def _finish(self, work: Awaitable[T]) -> T:
        """Run to the end even if the caller is cancelled: a half-done transaction would hold the only connection."""
        task = asyncio.ensure_future(self._translated(work))
        self._running.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that was cancelled does not ask for it any more

    async def _translated(self, work: Awaitable[T]) -> T:
        fault: IsthmusError
        try:
            return await work
        except driver_faults() as problem:
            fault = translate(problem)
        raise fault

    async def _read(self, work: Work[T]) -> T:
        async with self._limits(), self._reader.connect() as connection:
            return await work(connection)

    async def _write(self, work: Work[T]) -> T:
        attempts = _ATTEMPTS
        while True:
            try:
                async with self._limits(), self.engine.begin() as connection:
                    return await work(connection)
            except driver_faults() as problem:
                attempts -= 1
                if attempts == 0 or not is_repeatable(problem):
                    raise

    async def _alone(self, work: Work[T]) -> T:
        async with self._turn, self.engine.connect() as connection:
            return await work(connection)

    @contextlib.asynccontextmanager
    async def _limits(self) -> AsyncIterator[None]:
        if self._closed:
            raise StorageError("The database was closed: the server is shutting down.")
        if self.is_sqlite:
            async with self._turn:
                yield
        else:
            async with asyncio.timeout(OPERATION_SECONDS):
                yield
