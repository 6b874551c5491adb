from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.stand_in import ADDRESS, StandIn, connected_client
from tests.web.whole import Api, open_api


@pytest.fixture
def app() -> StandIn:
    return StandIn()


@pytest.fixture
async def client(app: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials, at the public URL, against the whole ASGI application."""
    async with connected_client(app, address=ADDRESS) as connected:
        yield connected


@pytest.fixture
async def admin(client: httpx.AsyncClient, app: StandIn) -> httpx.AsyncClient:
    """The same client with an administrator's API key."""
    client.headers["Authorization"] = f"Bearer {app.keys['administrator']}"
    return client


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """The whole application over HTTP."""
    async with open_api(tmp_path) as opened:
        yield opened
