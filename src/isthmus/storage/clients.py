"""The clients of our own API, their secrets, and what is under way: requests, codes, devices, proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import Conflict
from isthmus.records import AuthorizationCode, AuthorizationRequest, Client, ClientSecret, DeviceAuthorization, Page
from isthmus.storage.client_tables import (
    authorization_codes,
    authorization_requests,
    client_secrets,
    clients,
    device_authorizations,
    seen_proofs,
)
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.group import Group
from isthmus.storage.paging import read_page
from isthmus.storage.rows import record_of, row_of

_FIXED = ("client_id", "client_type", "version", "created_by", "created_at", "last_used_at")


class Clients(Group):
    """The methods of the contract for clients and what they have under way."""

    async def client(self, client_id: str) -> Client | None:
        return await self._find(Client, sa.select(clients).where(clients.c.client_id == client_id))

    async def clients(self, *, limit: int, cursor: str | None = None, created_by: str | None = None) -> Page[Client]:
        query = sa.select(clients)
        if created_by is not None:
            query = query.where(clients.c.created_by == created_by)
        return await self._database.read(
            lambda connection: read_page(
                connection,
                query,
                (clients.c.name, clients.c.client_id),
                lambda row: record_of(Client, row),
                limit=limit,
                cursor=cursor,
            )
        )

    async def add_client(self, client: Client, secret: ClientSecret | None, journal: Journal) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(sa.insert(clients).values(row_of(client)))
            if secret is not None:
                await connection.execute(sa.insert(client_secrets).values(row_of(secret)))
            await write_journal(connection, journal)

        await self._database.write(work)

    async def save_client(self, client: Client, journal: Journal) -> None:
        values = {name: value for name, value in row_of(client).items() if name not in _FIXED}
        statement = (
            sa.update(clients)
            .where(clients.c.client_id == client.client_id, clients.c.version == client.version)
            .values(**values, version=clients.c.version + 1)
        )
        if not await self._tell(statement, journal):
            raise Conflict("The client was changed or removed meanwhile; nothing was saved.", code="changed")

    async def delete_client(self, client_id: str, journal: Journal) -> bool:
        return await self._tell(sa.delete(clients).where(clients.c.client_id == client_id), journal)

    async def touch_client(self, client_id: str, *, now: datetime) -> None:
        row = clients.c
        await self._change(
            sa.update(clients)
            .where(row.client_id == client_id, sa.or_(row.last_used_at.is_(None), row.last_used_at < now))
            .values(last_used_at=now)
        )

    async def client_secrets(self, client_id: str) -> Sequence[ClientSecret]:
        query = sa.select(client_secrets).where(client_secrets.c.client_id == client_id)
        return await self._list(ClientSecret, query.order_by(client_secrets.c.created_at, client_secrets.c.id))

    async def rotate_client_secret(
        self, secret: ClientSecret, *, ends: Mapping[str, datetime], journal: Journal
    ) -> None:
        """See the contract."""
        row = client_secrets.c

        async def work(connection: AsyncConnection) -> None:
            for secret_id, at in ends.items():
                earlier = sa.or_(row.expires_at.is_(None), row.expires_at > at)
                await connection.execute(
                    sa.update(client_secrets).where(row.id == secret_id, earlier).values(expires_at=at)
                )
            await connection.execute(sa.insert(client_secrets).values(row_of(secret)))
            await write_journal(connection, journal)

        await self._database.write(work)

    async def delete_client_secret(self, client_id: str, secret_id: str, journal: Journal) -> bool:
        row = client_secrets.c
        return await self._tell(
            sa.delete(client_secrets).where(row.id == secret_id, row.client_id == client_id), journal
        )

    # --- requests for consent

    async def add_authorization_request(self, request: AuthorizationRequest) -> None:
        await self._change(sa.insert(authorization_requests).values(row_of(request)))

    async def authorization_request(self, token_hash: str, *, now: datetime) -> AuthorizationRequest | None:
        row = authorization_requests.c
        query = sa.select(authorization_requests).where(row.token_hash == token_hash, row.expires_at > now)
        return await self._find(AuthorizationRequest, query)

    async def take_authorization_request(self, token_hash: str, *, now: datetime) -> AuthorizationRequest | None:
        row = authorization_requests.c
        statement = (
            sa.delete(authorization_requests)
            .where(row.token_hash == token_hash, row.expires_at > now)
            .returning(authorization_requests)
        )
        return await self._take(AuthorizationRequest, statement)

    # --- codes

    async def add_authorization_code(self, code: AuthorizationCode, journal: Journal) -> None:
        await self._tell(sa.insert(authorization_codes).values(row_of(code)), journal)

    async def authorization_code(self, code_hash: str) -> AuthorizationCode | None:
        query = sa.select(authorization_codes).where(authorization_codes.c.code_hash == code_hash)
        return await self._find(AuthorizationCode, query)

    # --- devices

    async def add_device_authorization(self, device: DeviceAuthorization) -> None:
        await self._change(sa.insert(device_authorizations).values(row_of(device)))

    async def device_authorization(self, device_code_hash: str) -> DeviceAuthorization | None:
        row = device_authorizations.c
        query = sa.select(device_authorizations).where(row.device_code_hash == device_code_hash)
        return await self._find(DeviceAuthorization, query)

    async def device_by_user_code(self, user_code_hash: str, *, now: datetime) -> DeviceAuthorization | None:
        row = device_authorizations.c
        query = sa.select(device_authorizations).where(row.user_code_hash == user_code_hash, row.expires_at > now)
        return await self._find(DeviceAuthorization, query)

    async def poll_device(
        self, device_code_hash: str, *, last_polled_at: datetime | None, now: datetime, interval_seconds: int
    ) -> bool:
        row = device_authorizations.c
        statement = (
            sa.update(device_authorizations)
            .where(row.device_code_hash == device_code_hash, row.last_polled_at.is_not_distinct_from(last_polled_at))
            .values(last_polled_at=now, interval_seconds=interval_seconds)
        )
        return await self._change(statement) == 1

    async def decide_device(
        self, user_code_hash: str, *, status: str, user_id: str, now: datetime, journal: Journal
    ) -> bool:
        row = device_authorizations.c
        waiting = (row.user_code_hash == user_code_hash, row.status == "pending", row.expires_at > now)
        statement = sa.update(device_authorizations).where(*waiting).values(status=status, user_id=user_id)
        return await self._tell(statement, journal)

    # --- proofs

    async def note_proof(self, proof_hash: str, *, expires_at: datetime) -> bool:
        statement = (
            self._upsert(seen_proofs)
            .values(proof_hash=proof_hash, expires_at=expires_at)
            .on_conflict_do_nothing(index_elements=[seen_proofs.c.proof_hash])
        )
        return await self._change(statement) == 1

    async def _take(self, kind: type[AuthorizationRequest], statement: Any) -> AuthorizationRequest | None:
        async def work(connection: AsyncConnection) -> AuthorizationRequest | None:
            taken = (await connection.execute(statement)).first()
            return None if taken is None else record_of(kind, taken)

        return await self._database.write(work)
