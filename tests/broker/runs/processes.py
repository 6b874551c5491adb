"""Processes that take runs from the queue, to be killed at any moment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")


class Nursery:
    """Makes them, and knows those that have not ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._there: set[int] = set()

    async def begin(self) -> Worker:
        """One that begins to take runs."""
        pid = await self._ask("begin")
        self._there.add(pid)
        return Worker(pid, self)

    async def end(self, pid: int, by: signal.Signals) -> int:
        """The exit code, negative for the signal that ended it."""
        os.kill(pid, by)  # not reaped yet, so the id is still its own
        code = await self._ask(f"wait {pid}")
        self._there.discard(pid)
        return code

    async def close(self) -> None:
        for pid in list(self._there):
            await self.end(pid, signal.SIGKILL)
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), 30)

    async def _ask(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        return int(await asyncio.wait_for(self._process.stdout.readline(), 60))


@dataclass(frozen=True)
class Worker:
    """A process that takes runs."""

    pid: int
    nursery: Nursery

    async def kill(self) -> None:
        """As `kill -9` does."""
        assert await self.nursery.end(self.pid, signal.SIGKILL) == -signal.SIGKILL

    async def end(self) -> None:
        """As a server is told to end: what is under way is put down."""
        assert await self.nursery.end(self.pid, signal.SIGTERM) == 0


@asynccontextmanager
async def nursery(environ: dict[str, str], pace: dict[str, Any]) -> AsyncIterator[Nursery]:
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(sys.executable, str(WORKER), **pipes)  # type: ignore[arg-type]
    assert process.stdin is not None
    process.stdin.write(json.dumps({"environ": environ, "pace": pace}).encode() + b"\n")
    made = Nursery(process)
    try:
        yield made
    finally:
        await made.close()
