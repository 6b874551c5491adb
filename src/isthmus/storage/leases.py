"""The conditional writes that keep a grant whole while it is refreshed. Each is one statement.

One statement means: what it tests and what it sets cannot be parted by a crash, another process or a rival that
waited for the same row, since both databases test the condition again on the row as the rival left it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import Authorization
from isthmus.storage.authorizations import COLUMNS
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.group import Group
from isthmus.storage.rows import record_of
from isthmus.storage.tables import authorizations

_FOUND = ("state", "lease_owner", "lease_until", "attempt_id", "attempt_hash")
_IDENTITY = frozenset({"id", "connection_id", "resource_owner", "version", "created_at"})
_LEASE = frozenset({"lease_owner", "lease_until", "epoch"})
_CREDENTIAL = frozenset({"credential_sealed", "refresh_token_hash"})
_FREE = frozenset(column.name for column in COLUMNS) - _IDENTITY - _LEASE
_COMMITTED = _FREE - {"previous_sealed", "attempt_id", "attempt_hash"}
_RELEASED = _FREE - _CREDENTIAL
_UPDATED = _RELEASED - {"attempt_id", "attempt_hash"}

row = authorizations.c


class Leases(Group):
    """`take_lease`, `commit_refresh`, `release_lease`, `update_authorization` of the contract."""

    async def take_lease(
        self,
        authorization_id: str,
        *,
        version: int,
        owner: str,
        now: datetime,
        until: datetime,
        attempt_id: str,
    ) -> Authorization | None:
        found = {f"found_{name}": row[name] for name in _FOUND}  # in SET, a column still has its old value
        statement = (
            sa.update(authorizations)
            .where(row.id == authorization_id, row.version == version, row.state != "needs_person")
            .where(sa.or_(row.lease_until.is_(None), row.lease_until <= now))
            .values(
                **found,
                lease_owner=owner,
                lease_until=until,
                epoch=row.epoch + 1,
                state="refreshing",
                attempt_id=attempt_id,
                attempt_hash=row.refresh_token_hash,
            )
            .returning(*COLUMNS, *(row[f"found_{name}"] for name in _FOUND))
        )

        async def work(connection: AsyncConnection) -> Authorization | None:
            taken = (await connection.execute(statement)).first()
            if taken is None:
                return None
            values = dict(taken._mapping)
            return record_of(Authorization, values | {name: values[f"found_{name}"] for name in _FOUND})

        return await self._database.write(work)

    async def commit_refresh(
        self,
        authorization_id: str,
        *,
        used_hash: str | None,
        version: int,
        rotated: bool,
        changes: Mapping[str, Any],
        journal: Journal,
    ) -> Authorization | None:
        conditions = [row.id == authorization_id, row.refresh_token_hash.is_not_distinct_from(used_hash)]
        if used_hash is None or not rotated:
            conditions.append(row.version == version)
        values = {
            "state": "ok",
            "failures": 0,
            "not_before": None,
            **_allowed(changes, _COMMITTED),
            "previous_sealed": row.credential_sealed,
            "version": row.version + 1,
            # Whoever took the lease from a holder that commits after all must not write its own outcome over this.
            "epoch": row.epoch + 1,
            **_NO_LEASE,
            **_NO_ATTEMPT,
        }
        statement = sa.update(authorizations).where(*conditions).values(values).returning(*COLUMNS)

        async def work(connection: AsyncConnection) -> Authorization | None:
            stored = (await connection.execute(statement)).first()
            if stored is None:
                return None
            await write_journal(connection, journal)
            return record_of(Authorization, stored)

        return await self._database.write(work)

    async def release_lease(
        self, authorization_id: str, *, epoch: int, changes: Mapping[str, Any], journal: Journal
    ) -> bool:
        statement = (
            sa.update(authorizations)
            .where(row.id == authorization_id, row.epoch == epoch)
            .values({**_allowed(changes, _RELEASED), **_NO_LEASE})
        )
        return await self._tell(statement, journal)

    async def update_authorization(
        self, authorization_id: str, *, version: int, changes: Mapping[str, Any], journal: Journal
    ) -> bool:
        values = _allowed(changes, _UPDATED)
        statement = (
            sa.update(authorizations)
            .where(row.id == authorization_id, row.version == version)
            .values(values or {"version": row.version})
        )
        return await self._tell(statement, journal)


_NO_LEASE: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}
_NO_ATTEMPT: Mapping[str, Any] = {"attempt_id": None, "attempt_hash": None}


def _allowed(changes: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    refused = sorted(set(changes) - names)
    if refused:
        raise ValueError(f"these columns cannot be set in this way: {', '.join(refused)}")
    return dict(changes)
