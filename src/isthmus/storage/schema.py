"""Brings a database to this version's schema: one process at a time, all or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
import time
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import StorageError
from isthmus.storage import client_tables, function_tables, sign_in_tables, tables
from isthmus.storage.database import Database
from isthmus.storage.engine import READ

LOCK_SECONDS = 120.0
"""How long one process waits for another that migrates."""

MIGRATIONS = Path(__file__).parent / "migrations"
TABLES = (tables, function_tables, client_tables, sign_in_tables)[0].metadata
"""All tables: it is the importing of these modules that fills it."""
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
_ADVISORY_LOCK = 0x697374686D7573  # "isthmus"


async def migrate(database: Database) -> None:
    """Upgrade to the newest revision; nothing to do is cheap and changes nothing.

    Raises StorageError (`schema_newer`) if the database was made by a newer version.
    """
    if database.is_sqlite:
        async with _file_lock(Path(database.url.database or "")):
            await database.alone(_upgrade_sqlite)
    else:
        await database.alone(_upgrade_postgresql)


async def _upgrade_sqlite(connection: AsyncConnection) -> None:
    # Changing a table may mean copying it, and dropping the old one must not take its children along. This
    # switch has no effect within a transaction, so the transaction is begun by hand after it.
    await connection.execution_options(**{READ: True})
    await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    try:
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        await connection.run_sync(upgrade)
        broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).first()
        if broken is not None:
            raise StorageError("The migration would have left rows that belong to nothing; it was undone.")
        await connection.commit()
    except BaseException:
        await connection.rollback()
        raise
    finally:
        await connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        await connection.rollback()


async def _upgrade_postgresql(connection: AsyncConnection) -> None:
    async with connection.begin():
        await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(LOCK_SECONDS * 1000)}")
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(LOCK_SECONDS * 1000)}")
        await connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        await connection.run_sync(upgrade)


def upgrade(connection: sa.Connection) -> None:
    """Bring the schema up to date, within the caller's transaction.

    An empty database gets the tables as they are; to walk through their history would load a heavy library.
    """
    newest = max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py"))
    present = sa.inspect(connection).get_table_names()
    if not present:
        TABLES.create_all(connection, checkfirst=False)
        _VERSION.create(connection, checkfirst=False)
        connection.execute(_VERSION.insert().values(version_num=newest))
        return
    if _VERSION.name in present and connection.execute(sa.select(_VERSION)).scalars().all() == [newest]:
        return
    # The template engine that comes along would load forty highlighters, to colour pages that are never shown.
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]
    import_module("isthmus.storage.upgrading").upgrade(connection, MIGRATIONS)


@contextlib.asynccontextmanager
async def _file_lock(database: Path) -> AsyncIterator[None]:
    """Hold the lock file beside the database; the kernel lets go of it when the process dies."""
    handle = os.open(database.with_name(database.name + ".migrate.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    ends = time.monotonic() + LOCK_SECONDS
    try:
        while not _try_lock(handle):
            if time.monotonic() > ends:
                raise StorageError("Another process has been migrating the database for too long.", code="storage_busy")
            await asyncio.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
