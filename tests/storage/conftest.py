from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.postgresql_server import PostgresqlServer, postgresql, postgresql_url
from tests.tables import lay_tables

from isthmus.settings import Settings
from isthmus.storage import Storage, open_storage

__all__ = ["postgresql", "postgresql_url"]

Opener = Callable[[], Awaitable[Storage]]


@pytest.fixture(scope="session")
def migrated(postgresql: PostgresqlServer) -> str:
    """The URL of a database with the newest schema, to be copied."""

    async def prepare(url: str) -> None:
        storage = await open_storage(Settings(database_url=url))
        await storage.migrate()
        await storage.close()

    url = postgresql.create_database()
    asyncio.run(prepare(url))
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The settings of an installation on each of the two databases."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path / "data")
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return Settings(
        data_dir=tmp_path / "data", database_url=server.create_database(like=request.getfixturevalue("migrated"))
    )


@pytest.fixture
async def open_another(settings: Settings) -> AsyncIterator[Opener]:
    """Opens the same database once more, as another process would."""
    opened: list[Storage] = []
    if settings.is_sqlite:
        await lay_tables(settings.data_dir)

    async def open_one() -> Storage:
        storage = await open_storage(settings)
        opened.append(storage)
        return storage

    yield open_one
    for storage in opened:
        await storage.close()


@pytest.fixture
async def storage(open_another: Opener) -> Storage:
    storage = await open_another()
    await storage.migrate()
    return storage
