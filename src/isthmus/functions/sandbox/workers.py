"""The pool of worker processes, and the threads that wait for them.

A worker that hit a limit, or whose caller went away, is killed and replaced; no state of one run is ever in the reach
of the next. One that computes for long does so at a lower priority from then on, and is killed after it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic_monty import Monty, MontySession, OSPolicy, ResourceLimits

from isthmus.functions.sandbox.lanes import Lanes

T = TypeVar("T")
GRACE_SECONDS = 0.5
"""How long a worker may take to stop by itself at a time limit before it is killed."""
_BUSY_SECONDS = 0.08
"""Of processor time: who has had so much computes for long."""
_LOWER = 10
"""Of the priorities that the system knows, 0 to 19."""


class Ticket:
    """One use of a worker; `kill` ends the worker, whatever it is doing, and can come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._killed = False
        self._lowered = False
        self._since = 0.0

    @property
    def killed(self) -> bool:
        return self._killed

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            self._strike()

    def lower_if_busy(self) -> bool:
        """Whether the worker has computed for long. It goes on when nobody else has something to do then, and is used
        for nothing after that."""
        with self._lock:
            if self._pid is None:
                return False
            if _computed(self._pid) - self._since < _BUSY_SECONDS:
                return False
            self._lowered = True
            self._yield()
            return True

    def _took(self, pid: int | None) -> None:
        with self._lock:
            self._pid = pid
            self._since = _computed(pid)
            if self._lowered:
                self._yield()
            if self._killed:
                self._strike()

    def _gave_back(self) -> None:
        with self._lock:
            if self._lowered:
                self._strike()
            self._pid = None

    def _yield(self) -> None:
        if self._pid is not None:
            with suppress(OSError):  # it has ended, or the system has no priorities
                os.setpriority(os.PRIO_PROCESS, self._pid, _LOWER)

    def _strike(self) -> None:
        if self._pid is not None:
            # Where the pool has not reaped it, the id cannot be another's while we hold it.
            with suppress(ProcessLookupError):  # it ended by itself, at a limit, and has been reaped
                os.kill(self._pid, signal.SIGKILL)
            self._pid = None


def _computed(pid: int | None) -> float:
    """Seconds of processor time of a process; time itself where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.monotonic()


class Workers:
    """`count` workers, started with the first use, and as many again while some compute for long."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: Monty | None = None
        self._lanes = Lanes(count)
        self._threads = ThreadPoolExecutor(2 * count, thread_name_prefix="sandbox")
        self._lock = threading.Lock()
        self._tickets = set[Ticket]()
        self._closed = False

    async def run(self, key: str, work: Callable[[Ticket], T]) -> T:
        """What `work` answers, from a thread, in its turn. `key` says what it runs. A caller that is cancelled kills
        the worker it had."""
        ticket = Ticket()
        async with self._lanes.turn(key, ticket.lower_if_busy):
            future = asyncio.get_running_loop().run_in_executor(self._threads, work, ticket)
            try:
                return await future
            except asyncio.CancelledError:
                ticket.kill()
                raise

    @contextmanager
    def session(self, ticket: Ticket, **checkout: Any) -> Iterator[MontySession]:
        """A fresh session in a worker of its own."""
        with self._started().checkout(**checkout) as session:
            with self._lock:
                self._tickets.add(ticket)
            ticket._took(session.worker_pid)
            try:
                yield session
            finally:
                ticket._gave_back()
                with self._lock:
                    self._tickets.discard(ticket)

    def close(self) -> None:
        """End every worker, and wait for the threads. Runs in progress fail as crashed."""
        with self._lock:
            self._closed = True
            tickets = list(self._tickets)
        for ticket in tickets:
            ticket.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def _started(self) -> Monty:
        with self._lock:
            if self._closed:
                raise RuntimeError("The sandbox is closed.")
            if self._pool is None:
                pool = Monty(
                    min_processes=self._count,
                    max_processes=2 * self._count,
                    feed_duration_limit_grace=GRACE_SECONDS,
                    turn_duration_limit_grace=GRACE_SECONDS,
                )
                self._pool = pool.__enter__()
            return self._pool


def enforced(*, seconds: float, memory: int, recursion: int) -> ResourceLimits:
    """What the worker enforces by itself. Sleeping is not among it: each sleep comes to us first."""
    return ResourceLimits(
        max_feed_duration_secs=max(0.001, seconds),
        max_memory=memory,
        max_recursion_depth=recursion,
        max_suspensions=1_000_000,
        max_total_sleep_secs=1e9,
    )


def policy(timezone: str) -> OSPolicy:
    """The clock, sleeping and chance are ours to answer."""
    return OSPolicy(datetime="call_host", timezone=timezone, sleep="call_host", random_start="call_host")
