"""Turns: how many at once, who waits, and that nobody waits for those who take long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from isthmus.functions.sandbox import lanes
from isthmus.functions.sandbox.lanes import Lanes

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Stage:
    """Turns by name: begun, made long, ended when told. Nothing grows long by itself."""

    lanes: Lanes
    begun: list[str] = field(default_factory=list)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    ends: dict[str, asyncio.Event] = field(default_factory=dict)

    async def ask(self, *names: str) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._take(name))
        await settle()

    async def _take(self, name: str) -> None:
        async with self.lanes.turn(name.rstrip("0123456789"), lambda: True):
            self.begun.append(name)
            await self.ends[name].wait()

    async def grow_long(self, key: str) -> None:
        for turn in list(self.lanes._running):
            if turn.key == key and not turn.long:
                self.lanes._look(turn)
        await settle()

    async def end(self, *names: str) -> None:
        for name in names:
            self.ends[name].set()
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(lanes, "LOOK_SECONDS", 3600.0)
    return Stage(Lanes(2))


async def test_short_turns_are_taken_so_many_at_once_and_in_order(stage: Stage) -> None:
    await stage.ask("a", "b", "c", "d")
    assert stage.begun == ["a", "b"]
    await stage.end("a")
    assert stage.begun == ["a", "b", "c"]
    await stage.end("b", "c")
    assert stage.begun == ["a", "b", "c", "d"]


async def test_a_long_turn_makes_room_for_another_up_to_twice_as_many(stage: Stage) -> None:
    await stage.ask("a", "b", "c", "d", "e")
    await stage.grow_long("a")
    await stage.grow_long("b")
    assert stage.begun == ["a", "b", "c", "d"]
    await stage.grow_long("c")
    assert stage.begun == ["a", "b", "c", "d"]
    await stage.end("c")
    assert stage.begun == ["a", "b", "c", "d", "e"]


async def test_what_is_known_to_take_long_leaves_room_for_the_others(stage: Stage) -> None:
    await stage.ask("loop1", "loop2", "loop3", "loop4")
    await stage.grow_long("loop")
    assert stage.begun == ["loop1", "loop2"]
    await stage.ask("a", "b", "c")
    assert stage.begun == ["loop1", "loop2", "a", "b"], "past those who wait for longer"
    await stage.end("a")
    assert stage.begun[4:] == ["c"]
    await stage.end("b", "c")
    assert stage.begun[5:] == [], "two of them, though there is nobody else"
    await stage.end("loop1")
    assert stage.begun[5:] == ["loop3"]


async def test_who_gives_up_waiting_or_its_turn_leaves_it_to_the_next(stage: Stage) -> None:
    await stage.ask("a", "b", "c", "d")
    stage.tasks["c"].cancel()
    stage.tasks["a"].cancel()
    await settle()
    assert stage.begun == ["a", "b", "d"]
    await stage.end("b", "d")
    assert not stage.lanes._running
    assert not stage.lanes._waiting


async def test_one_that_is_called_and_gives_up_at_once_holds_nothing(stage: Stage) -> None:
    await stage.ask("a", "b", "c")
    stage.lanes._leave(next(turn for turn in stage.lanes._running if turn.key == "a"))
    stage.tasks["c"].cancel()
    await stage.end("a", "b")
    assert stage.begun == ["a", "b"]
    assert not stage.lanes._running
