from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.postgresql_server import PostgresqlServer
from tests.storage.made import NOTHING, connection, service

from isthmus.errors import StorageError
from isthmus.settings import Settings
from isthmus.storage import SqlStorage, open_storage
from isthmus.storage.engine import OPERATION_SECONDS
from isthmus.storage.schema import MIGRATIONS, TABLES
from isthmus.storage.upgrading import upgrade as walk

pytestmark = pytest.mark.anyio
SOURCES = str(Path(__file__).parents[2] / "src")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an installation whose database has no tables yet."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path / "data")
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return Settings(data_dir=tmp_path / "data", database_url=server.create_database())


async def execute(storage: SqlStorage, statement: str) -> None:
    async with storage._database.engine.begin() as link:
        await link.exec_driver_sql(statement)


async def test_a_database_from_a_newer_version_is_refused_and_left_alone(empty: Settings) -> None:
    storage = await open_storage(empty)
    await storage.migrate()
    await execute(storage, "UPDATE alembic_version SET version_num = 'of-the-future'")
    await execute(storage, "ALTER TABLE services ADD COLUMN from_the_future TEXT")
    with pytest.raises(StorageError) as caught:
        await storage.migrate()
    assert caught.value.code == "schema_newer"
    await execute(storage, "SELECT from_the_future FROM services")
    await storage.close()


async def test_a_database_that_was_never_set_up_is_not_ready(empty: Settings) -> None:
    storage = await open_storage(empty)
    with pytest.raises(StorageError) as caught:
        await storage.ping()
    assert caught.value.code == "schema_missing"
    await storage.migrate()
    await storage.ping()
    await storage.close()


async def test_a_migration_that_fails_leaves_nothing(empty: Settings) -> None:
    storage = await open_storage(empty)
    await execute(storage, "CREATE TABLE duties (x INTEGER)")  # the last table, so that all before it were made
    with pytest.raises(StorageError):
        await storage.migrate()
    async with storage._database.engine.connect() as link:
        tables = await link.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    assert tables == ["duties"]
    await execute(storage, "DROP TABLE duties")
    await storage.migrate()
    await storage.add_service(service(), NOTHING)
    await storage.close()


def described(link: sa.Connection) -> dict[str, object]:
    """Every table as the database tells of it, whatever order its parts were made in."""
    looked_at = sa.inspect(link)

    def told(parts: Sequence[Any]) -> list[str]:
        return sorted(repr(plain(part)) for part in parts)

    def plain(part: Any) -> Any:
        return sorted((key, plain(value)) for key, value in part.items()) if isinstance(part, dict) else str(part)

    return {
        name: (
            told(looked_at.get_columns(name)),
            looked_at.get_pk_constraint(name),
            told(looked_at.get_foreign_keys(name)),
            told(looked_at.get_unique_constraints(name)),
            told(looked_at.get_check_constraints(name)),
            told(looked_at.get_indexes(name)),
        )
        for name in sorted(looked_at.get_table_names())
    }


async def test_the_migrations_build_what_an_empty_database_gets_at_once(empty: Settings) -> None:
    """Checked with Alembic's own comparison, and by what the database tells of itself."""

    def compare(link: sa.Connection) -> list[object]:
        context = MigrationContext.configure(link, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, TABLES))

    at_once = await open_storage(empty)
    await at_once.migrate()
    async with at_once._database.engine.connect() as link:
        made = await link.run_sync(described)
        version = await link.scalar(sa.text("SELECT version_num FROM alembic_version"))
    for table in reversed(TABLES.sorted_tables):
        await execute(at_once, f"DROP TABLE {table.name}")
    await execute(at_once, "DROP TABLE alembic_version")
    async with at_once._database.engine.begin() as link:
        await link.run_sync(walk, MIGRATIONS)
    async with at_once._database.engine.connect() as link:
        assert await link.run_sync(compare) == []
        assert await link.run_sync(described) == made
        assert await link.scalar(sa.text("SELECT version_num FROM alembic_version")) == version
        indexes = await link.run_sync(lambda sync: sa.inspect(sync).get_indexes("authorizations"))
    due = next(index for index in indexes if index["name"] == "ix_authorizations_due")
    assert due["dialect_options"], "the index of what is due must be a partial one"
    assert len(made) > 20
    await at_once.close()


async def test_migrating_again_changes_nothing_and_keeps_references_enforced(empty: Settings) -> None:
    storage = await open_storage(empty)
    await storage.migrate()
    await storage.add_connection(connection(), NOTHING)
    await storage.migrate()
    assert await storage.connection("crm") == connection()
    assert await storage.delete_connection("id-crm", NOTHING) is True
    if storage._database.is_sqlite:
        async with storage._database.engine.connect() as link:
            assert await link.scalar(sa.text("PRAGMA foreign_keys")) == 1
    await storage.close()


async def test_several_processes_migrate_at_once(empty: Settings) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from isthmus.settings import Settings\n"
        "from isthmus.storage import open_storage\n"
        "async def main():\n"
        "    storage = await open_storage(Settings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2]))\n"
        "    sys.stdin.readline()\n"
        "    await storage.migrate()\n"
        "    await storage.ping()\n"
        "asyncio.run(main())\n"
    )
    arguments = ["-c", program, str(empty.data_dir), empty.database_url]
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=PIPE, stderr=PIPE, env=environment)
        for _ in range(4)
    ]
    results = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0, 0], [err.decode() for _, err in results]


async def test_a_process_waits_for_another_that_migrates_longer_than_a_statement_may_take(empty: Settings) -> None:
    storage = await open_storage(empty)
    hold = held_lock_file if storage._database.is_sqlite else held_advisory_lock
    with hold(empty):
        migrating = asyncio.ensure_future(storage.migrate())
        await asyncio.sleep(OPERATION_SECONDS + 0.5)
        assert not migrating.done()
    await migrating
    await storage.ping()
    await storage.close()


@contextlib.contextmanager
def held_lock_file(settings: Settings) -> Iterator[None]:
    with (settings.data_dir / "isthmus.sqlite.migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def held_advisory_lock(settings: Settings) -> Iterator[None]:
    with psycopg.connect(settings.database_url) as link:
        link.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(b"isthmus", "big")])
        yield
