"""What a driver's exception means in our words. Nothing of its text goes on: that may hold statements and values."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from isthmus.errors import Conflict, IsthmusError, StorageError
from isthmus.storage.tables import metadata

log = logging.getLogger("isthmus.storage")

_FAULTS: tuple[type[BaseException], ...] = (SQLAlchemyError, sqlite3.Error, OSError, TimeoutError, OverflowError)


def driver_faults() -> tuple[type[BaseException], ...]:
    """Everything that may come out of a database call; all of it is translated here."""
    return (*_FAULTS, *_postgresql_faults())


def _postgresql_faults() -> tuple[type[BaseException], ...]:
    """The driver's own, where it is in use: an installation on SQLite never loads it."""
    driver = sys.modules.get("asyncpg")
    return () if driver is None else (driver.PostgresError, driver.InterfaceError)


_REPEATABLE = {"40001", "40P01"}

_Kind = tuple[str, str, str | None]

_FULL: _Kind = (
    "disk_full",
    "The disk of the database is full; nothing was written.",
    "Free some space, then try again.",
)
_BUSY: _Kind = (
    "storage_busy",
    "The database is held by another process; nothing was written.",
    "Try again; if it stays so, look which process holds the database.",
)
_MISSING: _Kind = (
    "schema_missing",
    "The database has not been set up for this version.",
    "Start the server: it sets it up.",
)
_READ_ONLY: _Kind = (
    "storage_read_only",
    "The database does not take writes.",
    "Check the rights on its files, or that this is the primary server.",
)
_DAMAGED: _Kind = (
    "storage_damaged",
    "The database file is damaged or is not a database.",
    "Stop the server, keep a copy of the file, and restore a backup.",
)
_AWAY: _Kind = ("storage_unavailable", "The database could not be reached or did not answer in time.", None)
_REFUSED: _Kind = ("storage_refused", "The database did not accept the statement; nothing was written.", None)

_BY_SQLITE: dict[int, _Kind] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_IOERR: _AWAY,
    sqlite3.SQLITE_CANTOPEN: _AWAY,
}
_BY_SQLSTATE: dict[str, _Kind] = {
    "53100": _FULL,
    "55P03": _BUSY,
    "40001": _BUSY,
    "40P01": _BUSY,
    "42P01": _MISSING,
    "42703": _MISSING,
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
# Classes of SQLSTATE: connection, authorization, missing database, resources, operator's act, system, rollback.
_AWAY_CLASSES = {"08", "28", "3D", "53", "57", "58", "25", "40"}


def is_repeatable(problem: BaseException) -> bool:
    """Whether the database undid this transaction only because of another one: a deadlock or a failed ordering."""
    return _sqlstate(problem) in _REPEATABLE


def translate(problem: BaseException) -> IsthmusError:
    """The error to raise instead. Raise it outside the `except` block, so that the driver's does not travel along."""
    if isinstance(problem, StatementError) and isinstance(problem.orig, IsthmusError):
        return problem.orig
    origin = problem.orig if isinstance(problem, StatementError) else problem
    if isinstance(origin, sqlite3.Error):
        return _from_sqlite(origin)
    sqlstate = _sqlstate(problem)
    if sqlstate is not None:
        return _from_postgresql(sqlstate, origin)
    if isinstance(problem, (sa.exc.TimeoutError, sa.exc.DisconnectionError, OSError, TimeoutError)):
        return _fault(_AWAY, type(problem).__name__)
    if isinstance(problem, DBAPIError) or isinstance(origin, (*_postgresql_faults(), asyncio.TimeoutError)):
        return _fault(_AWAY, type(origin).__name__)
    return _fault(_REFUSED, type(origin).__name__)


def _fault(kind: _Kind, cause: str) -> StorageError:
    code, message, hint = kind
    log.warning("database fault: %s (%s)", code, cause)
    return StorageError(message, code=code, hint=hint)


def _from_sqlite(problem: sqlite3.Error) -> IsthmusError:
    code = getattr(problem, "sqlite_errorcode", None)
    name = getattr(problem, "sqlite_errorname", type(problem).__name__)
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        # "UNIQUE constraint failed: users.email": table and column names only, never values.
        columns = str(problem).rpartition(": ")[2].split(", ")
        return _taken(columns[-1].rpartition(".")[2])
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return _gone()
    if code is None:
        return _fault(_AWAY, name)
    if code & 0xFF == sqlite3.SQLITE_ERROR and str(problem).startswith("no such "):
        return _fault(_MISSING, name)
    if code == sqlite3.SQLITE_IOERR_WRITE:  # a quota or a limit on the file's size, where ENOSPC is SQLITE_FULL
        return _fault(_FULL, name)
    return _fault(_BY_SQLITE.get(code & 0xFF, _REFUSED), name)


def _from_postgresql(sqlstate: str, origin: BaseException | None) -> IsthmusError:
    if sqlstate == "23505":
        return _taken(_last_column(_constraint(origin)))
    if sqlstate == "23503":
        return _gone()
    by_class = _AWAY if sqlstate[:2] in _AWAY_CLASSES else _REFUSED
    return _fault(_BY_SQLSTATE.get(sqlstate, by_class), sqlstate)


def _taken(column: str) -> Conflict:
    what = column.replace("_", " ") or "value"
    return Conflict(f"This {what} is taken.", field=column or None, hint="Choose another one.")


def _gone() -> Conflict:
    return Conflict("What this belongs to does not exist any more.", code="gone")


def _sqlstate(problem: BaseException) -> str | None:
    origin = problem.orig if isinstance(problem, DBAPIError) else problem
    value: Any = getattr(origin, "sqlstate", None)
    return value if isinstance(value, str) else None


def _constraint(origin: BaseException | None) -> str:
    cause: BaseException | None = origin
    while cause is not None:
        name = getattr(cause, "constraint_name", None)
        if name:
            return str(name)
        cause = cause.__cause__
    return ""


def _last_column(constraint: str) -> str:
    for table in metadata.tables.values():
        for candidate in table.constraints:
            if candidate.name == constraint and isinstance(candidate, (sa.UniqueConstraint, sa.PrimaryKeyConstraint)):
                return str(list(candidate.columns)[-1].name)
    return ""
