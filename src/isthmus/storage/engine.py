"""How each database is opened: where it lies, what it is told on every connection, how long it may take."""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from isthmus.errors import InputError, StorageError
from isthmus.settings import Settings
from isthmus.storage.columns import dump_json

log = logging.getLogger("isthmus.storage")

CONNECT_SECONDS = 3.0
OPERATION_SECONDS = 3.0
"""The longest that one transaction on PostgreSQL may take; cleaning up after a dead server comes on top (2 s)."""

BUSY_MILLISECONDS = 4000
POOL_SIZE = 10
POOL_OVERFLOW = 10

READ = "isthmus_read"
"""Execution option: this transaction only reads, so SQLite need not lock out writers."""

_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
_PASSED_ON = {"host", "port", "user", "password", "database", "ssl", "sslmode"}


def database_url(settings: Settings) -> URL:
    """The URL of the database as the engine takes it. Raises InputError (field `database_url`) without quoting it."""
    if not settings.database_url:
        return URL.create("sqlite+aiosqlite", database=str(settings.data_dir / "isthmus.sqlite"))
    try:
        url = make_url(settings.database_url)
    except (sa.exc.ArgumentError, ValueError):
        raise _unusable() from None
    if url.drivername in ("sqlite", "sqlite+aiosqlite") and url.database:
        return url.set(drivername="sqlite+aiosqlite")
    if url.drivername not in _SCHEMES:
        raise _unusable()
    return _for_asyncpg(url)


def _unusable() -> InputError:
    return InputError(
        "ISTHMUS_DATABASE_URL is not usable.",
        field="database_url",
        hint="It takes postgresql://USER:PASSWORD@HOST:PORT/NAME (or ?host=/directory/of/the/socket), or nothing for SQLite.",
    )


def _for_asyncpg(url: URL) -> URL:
    """What users know from libpq (`sslmode`) in the words of the driver; other options are refused, not ignored."""
    if set(url.query) - _PASSED_ON:
        raise _unusable()
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def is_wal_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite is free of the WAL-reset fault (3.7.0 to 3.51.2; mended in 3.44.6 and 3.50.7 too).

    The fault can lose commits when two connections write and checkpoint at once.
    """
    mended = {(3, 44): 6, (3, 50): 7}
    return version >= (3, 51, 3) or version[2] >= mended.get(version[:2], 1 << 30)


def open_engine(url: URL) -> AsyncEngine:
    """The engine for this URL; it connects when first used."""
    return _open_sqlite(url) if url.get_backend_name() == "sqlite" else _open_postgresql(url)


def _open_sqlite(url: URL) -> AsyncEngine:
    _prepare_file(Path(url.database or ""))
    log.info("SQLite %s, journal mode %s", sqlite3.sqlite_version, _journal_mode())
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
        json_serializer=dump_json,
    )
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _journal_mode() -> str:
    return "WAL" if is_wal_safe(sqlite3.sqlite_version_info[:3]) else "PERSIST"


def _prepare_file(path: Path) -> None:
    """The directory with mode 0700 and the file with 0600; SQLite gives its journals the rights of the file."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as problem:
        raise StorageError(
            f"The database file {path} cannot be opened: {problem.strerror}.",
            hint="Set ISTHMUS_DATA_DIR to a directory that the server may write to.",
        ) from None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own; see _begin_sqlite
    cursor = connection.cursor()
    mode = _journal_mode()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute(f"PRAGMA journal_mode = {mode}")
    # A kept rollback journal ends a commit by an overwritten, synced header. One that is removed would need its
    # directory synced too (EXTRA), at several times the price on a busy disk.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA mmap_size = 0")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get(READ):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _open_postgresql(url: URL) -> AsyncEngine:
    milliseconds = str(int(OPERATION_SECONDS * 1000))
    return create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        json_serializer=dump_json,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "server_settings": {
                "application_name": "isthmus",
                "synchronous_commit": "on",
                "statement_timeout": milliseconds,
                "lock_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
                "timezone": "UTC",
            },
        },
    )
