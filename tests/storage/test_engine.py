from __future__ import annotations

import logging
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.postgresql_server import PostgresqlServer

from isthmus.errors import InputError, StorageError
from isthmus.settings import Settings
from isthmus.storage import open_storage
from isthmus.storage.engine import database_url, is_wal_safe

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ada:s3cret@h/d",
        "postgresql+psycopg://ada:s3cret@h/d",
        "postgresql://ada:s3cret@h:port/d",
        "postgresql://ada:s3cret@h/d?options=-csynchronous_commit%3Doff",
        "s3cret",
        "sqlite://",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(InputError) as caught:
        database_url(Settings(database_url=url))
    assert caught.value.field == "database_url"
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("given", "host", "query"),
    [
        ("postgresql://ada:pw@db:5433/d", "db", {}),
        ("postgres://ada:pw@db:5433/d", "db", {}),
        ("postgresql+asyncpg://ada:pw@db:5433/d", "db", {}),
        ("postgresql://ada:pw@:5433/d?host=/run/pg", "", {"host": "/run/pg"}),
        ("postgresql://ada:pw@db:5433/d?sslmode=verify-full", "db", {"ssl": "verify-full"}),
    ],
)
def test_the_usual_ways_to_write_a_postgresql_url_are_understood(given: str, host: str, query: dict[str, str]) -> None:
    url = database_url(Settings(database_url=given))
    assert (url.drivername, url.host or "", url.port, url.database) == ("postgresql+asyncpg", host, 5433, "d")
    assert (url.username, url.password, dict(url.query)) == ("ada", "pw", query)


def test_without_a_url_the_database_is_a_file_in_the_data_directory(tmp_path: Path) -> None:
    assert database_url(Settings(data_dir=tmp_path)).database == str(tmp_path / "isthmus.sqlite")
    url = database_url(Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/other.db"))
    assert (url.drivername, url.database) == ("sqlite+aiosqlite", f"{tmp_path}/other.db")


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 7, 0), False),
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 54, 1), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_is_used_only_where_the_engine_is_free_of_its_fault(version: tuple[int, int, int], safe: bool) -> None:
    assert is_wal_safe(version) is safe


async def test_a_data_directory_that_cannot_be_made_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        await open_storage(Settings(data_dir=tmp_path / "file" / "data"))
    assert str(tmp_path) in caught.value.message
    assert "ISTHMUS_DATA_DIR" in caught.value.hint


async def test_the_database_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    storage = await open_storage(Settings(data_dir=directory))
    await storage.migrate()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (directory, *directory.iterdir())}
    await storage.close()
    assert modes.pop("data") == 0o700
    assert "isthmus.sqlite" in modes
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_an_error_of_the_driver_quotes_no_value(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_url") if kind == "postgresql" else ""
    storage = await open_storage(Settings(data_dir=tmp_path, database_url=url))
    async with storage._database.engine.connect() as link:
        with pytest.raises(sa.exc.DBAPIError) as caught:
            await link.execute(sa.text("SELECT :value FROM nowhere"), {"value": "cnry-value"})
    assert "cnry-value" not in str(caught.value)
    await storage.close()


async def test_sqlite_syncs_every_commit_and_enforces_references(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "isthmus.storage"):
        storage = await open_storage(Settings(data_dir=tmp_path))
    safe = is_wal_safe(sqlite3.sqlite_version_info[:3])
    async with storage._database.engine.connect() as link:

        async def pragma(name: str) -> object:
            return await link.scalar(sa.text(f"PRAGMA {name}"))

        assert await pragma("journal_mode") == ("wal" if safe else "persist")
        assert await pragma("synchronous") == 2
        assert await pragma("foreign_keys") == 1
        assert await pragma("busy_timeout") == 4000
        assert await pragma("mmap_size") in (0, None)
    await storage.close()
    assert [record.getMessage() for record in caplog.records if sqlite3.sqlite_version in record.getMessage()]


@pytest.mark.postgresql
async def test_postgresql_syncs_every_commit_whatever_the_server_says(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database()
    for given in (url, postgresql.socket_url(url), url.replace("postgresql://", "postgres://")):
        storage = await open_storage(Settings(database_url=given))
        async with storage._database.engine.begin() as link:
            assert await link.scalar(sa.text("SHOW synchronous_commit")) == "on"
            assert await link.scalar(sa.text("SHOW transaction_isolation")) == "read committed"
            assert await link.scalar(sa.text("SHOW statement_timeout")) == "3s"
        await storage.close()
