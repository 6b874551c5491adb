"""What happened often and need not be remembered to the last call: recent calls, last use. Written in batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from isthmus.errors import StorageError
from isthmus.records import CallCount, CallRecord
from isthmus.storage.contract import Storage

FLUSH_SECONDS = 1.0
CALLS_PER_FLUSH = 50
"""Recent calls kept per connection and flush; under load the oldest of a second are dropped from the list of
recent calls (never from the log or the counters)."""


class Ledger:
    """Collects in memory, writes once a second and at shutdown."""

    def __init__(self, *, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock
        self._calls: dict[str, deque[tuple[str, Callable[[], CallRecord]]]] = {}
        self._counts: dict[str, list[int]] = {}
        self._authorizations: dict[str, datetime] = {}
        self._api_keys: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def record(
        self, connection_id: str, authorization_id: str, make: Callable[[], CallRecord], *, failed: bool = False
    ) -> None:
        """Count one call and remember it. `make` is called only if the call is still remembered when it comes to
        writing; the count holds for every call."""
        counted = self._counts.setdefault(connection_id, [0, 0])
        counted[0] += 1
        counted[1] += failed
        calls = self._calls.get(connection_id)
        if calls is None:
            calls = self._calls[connection_id] = deque(maxlen=CALLS_PER_FLUSH)
        calls.append((authorization_id, make))

    async def flush(self) -> None:
        """Write what was collected, and wait for what is being written; on a storage error it is kept for the next
        time, within bounds."""
        async with self._writing:
            await self._flush()

    async def _flush(self) -> None:
        remembered, self._calls = self._calls, {}
        calls = {connection_id: await self._made(batch) for connection_id, batch in remembered.items()}
        authorizations, self._authorizations = self._authorizations, {}
        api_keys, self._api_keys = self._api_keys, {}
        counts, self._counts = self._counts, {}
        try:
            if counts:
                hour = self._clock().replace(minute=0, second=0, microsecond=0)
                await self._storage.count_calls([CallCount(key, hour, *counted) for key, counted in counts.items()])
                counts = {}
            if calls:
                await self._storage.add_calls([call for batch in calls.values() for call in batch])
            if authorizations:
                await self._storage.touch_authorizations(authorizations)
            if api_keys:
                await self._storage.touch_api_keys(api_keys)
        except StorageError:
            for connection_id, (made, failed) in counts.items():
                counted = self._counts.setdefault(connection_id, [0, 0])
                counted[0] += made
                counted[1] += failed
            for connection_id, batch in remembered.items():
                kept = self._calls.setdefault(connection_id, deque(maxlen=CALLS_PER_FLUSH))
                kept.extendleft(reversed(batch))
            self._authorizations = {**authorizations, **self._authorizations}
            self._api_keys = {**api_keys, **self._api_keys}

    async def _made(self, batch: Iterable[tuple[str, Callable[[], CallRecord]]]) -> list[CallRecord]:
        records = []
        for authorization_id, make in batch:
            record = make()
            await asyncio.sleep(0)  # many records are much work; calls under way come in between
            records.append(record)
            self._authorizations[authorization_id] = record.at
            if record.actor.startswith("api_key:"):
                self._api_keys[record.actor[8:]] = record.at
        return records

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            async with self._writing:  # never in the middle of a batch, which would be lost
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()
