"""Whose turn it is: who computes for long keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LOOK_SECONDS = 0.1
REMEMBERED_SECONDS = 60.0
_MOST_REMEMBERED = 1000


@dataclass(eq=False, slots=True)
class _Turn:
    key: str
    is_long: Callable[[], bool]
    long: bool = False
    timer: asyncio.TimerHandle | None = None


@dataclass
class Lanes:
    """Of turns that are short, `count` are taken at once. One that has become long makes room for another, until there
    are twice as many in all; whatever was long in the last minute has `count` of these together, so that the others
    always find room. For one event loop.
    """

    count: int
    _running: set[_Turn] = field(default_factory=set)
    _waiting: dict[_Turn, asyncio.Future[None]] = field(default_factory=dict)
    _known: OrderedDict[str, float] = field(default_factory=OrderedDict)

    @asynccontextmanager
    async def turn(self, key: str, is_long: Callable[[], bool]) -> AsyncIterator[None]:
        """Waits for its turn. `key` says what runs; `is_long` is asked now and then, until it says so:
        on a busy machine, what was begun long ago may have come to nothing yet."""
        turn = _Turn(key, is_long)
        if self._waiting or not self._has_room(key):
            await self._wait(turn)
        else:
            self._begin(turn)
        try:
            yield
        finally:
            self._leave(turn)

    async def _wait(self, turn: _Turn) -> None:
        called = self._waiting[turn] = asyncio.get_running_loop().create_future()
        self._admit()
        try:
            await called
        except asyncio.CancelledError:
            if self._waiting.pop(turn, None) is None:
                self._leave(turn)
            raise

    def _begin(self, turn: _Turn) -> None:
        self._running.add(turn)
        self._look_later(turn)

    def _look_later(self, turn: _Turn) -> None:
        turn.timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look, turn)

    def _leave(self, turn: _Turn) -> None:
        self._running.discard(turn)
        if turn.timer is not None:
            turn.timer.cancel()
        self._admit()

    def _look(self, turn: _Turn) -> None:
        if not turn.is_long():
            self._look_later(turn)
            return
        turn.long = True
        self._known[turn.key] = asyncio.get_running_loop().time() + REMEMBERED_SECONDS
        self._known.move_to_end(turn.key)
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        self._admit()

    def _admit(self) -> None:
        """Those who waited longest first, past those who have to go on waiting."""
        for turn, called in list(self._waiting.items()) if self._is_open() else ():
            if self._has_room(turn.key):
                del self._waiting[turn]
                self._begin(turn)
                if not called.done():
                    called.set_result(None)
                if not self._is_open():
                    return

    def _is_open(self) -> bool:
        short = sum(not turn.long for turn in self._running)
        return short < self.count and len(self._running) < 2 * self.count

    def _has_room(self, key: str) -> bool:
        if not self._is_open():
            return False
        return not self._is_known(key) or sum(self._is_known(turn.key) for turn in self._running) < self.count

    def _is_known(self, key: str) -> bool:
        return self._known.get(key, 0.0) > asyncio.get_running_loop().time()
