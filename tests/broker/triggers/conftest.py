from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import Workshop
from tests.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path, practice: Any) -> AsyncIterator[World]:
    async with open_world(tmp_path, practice) as opened:
        yield opened


@pytest.fixture
def shop(world: World) -> Workshop:
    return Workshop(world)
