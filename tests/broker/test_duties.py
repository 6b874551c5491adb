"""What one process does in the background goes on, whatever becomes of its parts."""

from __future__ import annotations

import pytest
from tests.world import World

from isthmus.app import utc_now
from isthmus.broker.duties import Duties
from isthmus.errors import StorageError

pytestmark = pytest.mark.anyio


async def test_a_tidying_that_fails_keeps_neither_the_next_nor_refreshing_from_being_done(world: World) -> None:
    done: list[str] = []

    async def broken() -> None:
        done.append("broken")
        raise ValueError("a fault of ours")

    async def away() -> None:
        done.append("away")
        raise StorageError("The database is away.")

    async def good() -> None:
        done.append("good")

    storage, refresher = world.isthmus._storage, world.isthmus._refresher
    tidy = (broken, away, good)
    duties = Duties(storage=storage, refresher=refresher, clock=utc_now, owner="me", proactive=True, tidy=tidy)
    assert await duties.round() == 0
    assert done == ["broken", "away", "good"]
