"""What is to be written of runs waits for a database that is away, and keeps its order."""

from __future__ import annotations

import asyncio

import pytest

from isthmus.broker.runs.commits import Commits
from isthmus.errors import StorageError
from isthmus.storage.contract import RunChange

pytestmark = pytest.mark.anyio


class Away:
    """Storage that is away for the first so many writes."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def change_runs(self, changes: list[RunChange]) -> list[bool]:
        self.left -= 1
        if self.left >= 0:
            raise StorageError("away")
        return [change.epoch == 1 for change in changes]


async def test_a_database_that_is_away_is_waited_for() -> None:
    commits = Commits(storage=Away(2))  # type: ignore[arg-type]
    assert await asyncio.gather(*(commits.write(RunChange("r", epoch, {})) for epoch in (1, 2))) == [True, False]
    gone = Commits(storage=Away(99), wait_seconds=0.1)  # type: ignore[arg-type]
    with pytest.raises(StorageError):
        await gone.write(RunChange("r", 1, {}))
    await gone.close()
