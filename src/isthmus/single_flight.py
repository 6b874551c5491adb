"""At most one look-up of the same thing is under way; whoever asks meanwhile shares its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """The look-ups under way, by what is looked up."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def find(self, key: K, look: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """What the look-up under way finds, or else one begun by `look`. It goes on though its callers are cancelled;
        what it raises, each of them gets."""
        return await asyncio.shield(self._join(key, look))

    def ahead(self, key: K, look: Callable[[], Coroutine[Any, Any, V]]) -> None:
        """Begin a look-up that nobody waits for, unless one is under way. What it raises is told to nobody: whoever asks
        once the old answer is over looks again."""
        self._join(key, look)

    def forget(self) -> None:
        """After a change: look-ups under way are for those who asked before it."""
        self._tasks.clear()

    def _join(self, key: K, look: Callable[[], Coroutine[Any, Any, V]]) -> asyncio.Task[V]:
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(look())
            task.add_done_callback(lambda done: self._ended(key, done))
        return task

    def _ended(self, key: K, task: asyncio.Task[V]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled():
            task.exception()
