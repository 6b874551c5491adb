"""Authorizations under way: bound once, taken once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import PendingAuthorization
from isthmus.storage.client_tables import (
    authorization_codes,
    authorization_requests,
    device_authorizations,
    grants,
    seen_proofs,
    tokens,
)
from isthmus.storage.contract import Journal
from isthmus.storage.group import Group
from isthmus.storage.rows import record_of, row_of
from isthmus.storage.tables import call_counts, idempotency, pending_authorizations, sessions

_EXPIRING = (authorization_codes, authorization_requests, device_authorizations, seen_proofs, tokens, grants)
_ANSWERS_KEPT = timedelta(hours=24)
_COUNTS_KEPT = timedelta(days=32)

row = pending_authorizations.c


class Pending(Group):
    """The methods of the contract for pending authorizations, and `purge_expired`."""

    async def add_pending(self, pending: PendingAuthorization, journal: Journal) -> None:
        await self._tell(sa.insert(pending_authorizations).values(row_of(pending)), journal)

    async def pending_by_token(self, token_hash: str, *, now: datetime) -> PendingAuthorization | None:
        query = sa.select(pending_authorizations).where(row.token_hash == token_hash, row.expires_at > now)
        return await self._find(PendingAuthorization, query)

    async def proceed_pending(
        self, pending_id: str, *, state_hash: str, browser_hash: str, payload_sealed: bytes, service: str, now: datetime
    ) -> bool:
        statement = (
            sa.update(pending_authorizations)
            .where(row.id == pending_id, row.state_hash.is_(None), row.expires_at > now)
            .values(state_hash=state_hash, browser_hash=browser_hash, payload_sealed=payload_sealed, service=service)
        )
        return await self._change(statement) == 1

    async def pending_connections(
        self, connection_ids: Sequence[str], resource_owner: str, *, now: datetime
    ) -> frozenset[str]:
        if not connection_ids:
            return frozenset()
        query = sa.select(row.connection_id).where(
            row.connection_id.in_(connection_ids), row.resource_owner == resource_owner, row.expires_at > now
        )

        async def work(connection: AsyncConnection) -> frozenset[str]:
            return frozenset((await connection.scalars(query)).all())

        return await self._database.read(work)

    async def take_pending(self, state_hash: str, *, now: datetime) -> PendingAuthorization | None:
        statement = (
            sa.delete(pending_authorizations)
            .where(row.state_hash == state_hash, row.expires_at > now)
            .returning(pending_authorizations)
        )

        async def work(connection: AsyncConnection) -> PendingAuthorization | None:
            taken = (await connection.execute(statement)).first()
            return None if taken is None else record_of(PendingAuthorization, taken)

        return await self._database.write(work)

    async def purge_expired(self, *, now: datetime) -> int:
        statements = (
            sa.delete(pending_authorizations).where(row.expires_at <= now),
            sa.delete(sessions).where(sessions.c.expires_at <= now),
            sa.delete(idempotency).where(idempotency.c.created_at <= now - _ANSWERS_KEPT),
            sa.delete(call_counts).where(call_counts.c.hour <= now - _COUNTS_KEPT),
            *(sa.delete(table).where(table.c.expires_at <= now) for table in _EXPIRING),
        )

        async def work(connection: AsyncConnection) -> int:
            return sum([(await connection.execute(statement)).rowcount for statement in statements])

        return await self._database.write(work)
