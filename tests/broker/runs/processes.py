"""Processes that take runs from the queue, to be killed at any moment."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.forked import ROOT, Forked


class Worker:
    """A process that takes runs."""

    def __init__(self, asked: str) -> None:
        self._process = Forked("tests.broker.runs.worker", directory=ROOT, stdin=subprocess.PIPE)
        self.pid = self._process.pid
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pipe.write(asked)

    async def kill(self) -> None:
        """As `kill -9` does."""
        assert await self._end(signal.SIGKILL) == -signal.SIGKILL

    async def end(self) -> None:
        """As a server is told to end: what is under way is put down."""
        assert await self._end(signal.SIGTERM) == 0

    async def _end(self, by: signal.Signals) -> int:
        self._process.send_signal(by)
        return await asyncio.to_thread(self._process.wait, 60)

    async def close(self) -> None:
        await self._end(signal.SIGKILL)


@dataclass
class Nursery:
    """Makes them, and knows all it has made."""

    asked: str
    made: list[Worker] = field(default_factory=list)

    def begin(self) -> Worker:
        """One that begins to take runs."""
        self.made.append(Worker(self.asked))
        return self.made[-1]


@asynccontextmanager
async def nursery(environ: dict[str, str], pace: dict[str, Any]) -> AsyncIterator[Nursery]:
    made = Nursery(json.dumps({"environ": environ, "pace": pace}))
    try:
        yield made
    finally:
        for worker in made.made:
            await worker.close()
