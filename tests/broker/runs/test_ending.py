"""A process that is told to end while an answer is on its way into the database."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import Workshop
from tests.broker.runs.stage import POSTS, prepared, process, queued, row, settled, tags
from tests.world import World

from isthmus.storage.contract import RunChange

pytestmark = pytest.mark.anyio


class Halting:
    """Storage that does not come back from writing an answer down, until it is let go."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.let_go = asyncio.Event()

    async def change_runs(self, changes: list[RunChange]) -> Any:
        written = await self._storage.change_runs(changes)
        if any(call.state == "answered" for change in changes for call in change.calls):
            await self.let_go.wait()
        return written


async def test_a_process_that_ends_with_the_answer_written_down_has_asked_for_all(
    tmp_path: Path, world: World, shop: Workshop, practice: Any
) -> None:
    await prepared(world, shop, POSTS)
    run_id = await queued(shop, tag="t")
    async with process(tmp_path) as dying:
        halting = Halting(dying._storage)
        dying._commits._storage = halting  # type: ignore[assignment]
        deadline = time.monotonic() + 20
        while [call.state for call in await world.isthmus._storage.run_calls(run_id)] != ["answered"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        asyncio.get_running_loop().call_later(0.1, halting.let_go.set)
        await dying._queue.stop(0.0)
    async with process(tmp_path):
        run = await settled(world, run_id, "finished", "failed", "interrupted")
    assert (run["state"], run["value"][0]) == ("finished", 201)
    assert tags(practice) == ["t"]


class Late(Halting):
    """Storage that is slow to write an answer down."""

    def __init__(self, storage: Any) -> None:
        super().__init__(storage)
        self.asked = asyncio.Event()

    async def change_runs(self, changes: list[RunChange]) -> Any:
        if any(call.state == "answered" for change in changes for call in change.calls):
            self.asked.set()
            await self.let_go.wait()
        return await self._storage.change_runs(changes)


async def test_an_answer_that_is_being_written_is_waited_for_when_the_process_ends(
    tmp_path: Path, world: World, shop: Workshop, practice: Any
) -> None:
    await prepared(world, shop, POSTS)
    run_id = await queued(shop, tag="t")
    async with process(tmp_path) as dying:
        late = Late(dying._storage)
        dying._commits._storage = late  # type: ignore[assignment]
        async with asyncio.timeout(20):
            await late.asked.wait()
        asyncio.get_running_loop().call_later(0.2, late.let_go.set)
        await dying._queue.stop(0.0)
        assert (await row(world, run_id)).lease_owner is None
        assert [call.state for call in await world.isthmus._storage.run_calls(run_id)] == ["answered"]
    assert tags(practice) == ["t"]
