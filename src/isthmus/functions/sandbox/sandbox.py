"""The sandbox as others have it: until the first function is checked or run it costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from isthmus.functions.host import Fault, Limits, Program, Reply, State, Surroundings, Waiting

if TYPE_CHECKING:
    from isthmus.functions.sandbox.runs import Runs


class Sandbox:
    """Runs programs in `workers` processes; more runs than that wait for their turn, suspended ones hold none.

    Nothing is loaded or started before the first use. `close` ends everything.
    """

    def __init__(self, workers: int = 2) -> None:
        self._count = workers
        self._lock = threading.Lock()
        self._made: Runs | None = None
        self._closed = False

    async def begin(
        self, program: Program, arguments: Mapping[str, Any], *, surroundings: Surroundings, limits: Limits
    ) -> State:
        """Run a program up to its first call to the world, or to its end."""
        return await self._runs().begin(program, arguments, surroundings=surroundings, limits=limits)

    async def resume(
        self, program: Program, waiting: Waiting, reply: Reply, *, surroundings: Surroundings, limits: Limits
    ) -> State:
        """Go on with a run, here or where it was never before. `waiting.snapshot` must be one that a sandbox of ours
        made and nobody could change since."""
        return await self._runs().resume(program, waiting, reply, surroundings=surroundings, limits=limits)

    async def check(self, program: Program) -> tuple[Fault, ...]:
        """What is wrong with the types of a Python program; nothing of it is run. Deluge has its own checker."""
        return await self._runs().check(program) if program.language == "python" else ()

    def close(self) -> None:
        """End all workers. Runs in progress fail; suspended ones lose nothing."""
        with self._lock:
            made, self._made, self._closed = self._made, None, True
        if made is not None:
            made.close()

    def _runs(self) -> Runs:
        with self._lock:
            if self._closed:
                raise RuntimeError("The sandbox is closed.")
            if self._made is None:
                # The interpreter is twelve megabytes that a server without functions does not need.
                self._made = import_module("isthmus.functions.sandbox.runs").Runs(self._count)
            return self._made
