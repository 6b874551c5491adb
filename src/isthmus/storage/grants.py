"""What clients were granted, and the tokens of each grant: issued, rotated and revoked in one transaction each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import Client, Grant, IssuedToken, Page, TokenHolder, User
from isthmus.storage.authorizations import touch
from isthmus.storage.client_tables import authorization_codes, clients, device_authorizations, grants, tokens
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.group import Group
from isthmus.storage.paging import read_page
from isthmus.storage.rows import columns_of, record_of, row_of
from isthmus.storage.tables import users

_PARTS: tuple[tuple[str, type[Any], sa.Table], ...] = (
    ("token", IssuedToken, tokens),
    ("grant", Grant, grants),
    ("client", Client, clients),
    ("user", User, users),
)
_HOLDER = sa.select(
    *(column.label(f"{part}__{column.name}") for part, kind, table in _PARTS for column in columns_of(kind, table))
).select_from(
    tokens.join(grants, grants.c.id == tokens.c.grant_id)
    .join(clients, clients.c.client_id == grants.c.client_id)
    .outerjoin(users, users.c.id == grants.c.user_id)
)


class Grants(Group):
    """The methods of the contract for grants and tokens."""

    async def token_holder(self, token_hash: str) -> TokenHolder | None:
        query = _HOLDER.where(tokens.c.token_hash == token_hash)

        async def work(connection: AsyncConnection) -> TokenHolder | None:
            row = (await connection.execute(query)).first()
            return None if row is None else _holder(row)

        return await self._database.read(work)

    async def add_grant(self, grant: Grant, issued: Sequence[IssuedToken], journal: Journal) -> None:
        async def work(connection: AsyncConnection) -> None:
            await _issue(connection, grant, issued)
            await write_journal(connection, journal)

        await self._database.write(work)

    async def redeem_code(
        self, code_hash: str, grant: Grant, issued: Sequence[IssuedToken], *, now: datetime, journal: Journal
    ) -> bool:
        row = authorization_codes.c
        unspent = (row.code_hash == code_hash, row.spent_at.is_(None), row.expires_at > now)
        statement = sa.update(authorization_codes).where(*unspent).values(spent_at=now, grant_id=grant.id)
        return await self._redeem(statement, grant, issued, journal)

    async def redeem_device(
        self, device_code_hash: str, grant: Grant, issued: Sequence[IssuedToken], *, now: datetime, journal: Journal
    ) -> bool:
        row = device_authorizations.c
        approved = (row.device_code_hash == device_code_hash, row.status == "approved", row.expires_at > now)
        statement = sa.update(device_authorizations).where(*approved).values(status="redeemed")
        return await self._redeem(statement, grant, issued, journal)

    async def rotate_token(
        self,
        spent: IssuedToken,
        issued: Sequence[IssuedToken],
        *,
        successor_hash: str,
        now: datetime,
    ) -> bool:
        row = tokens.c
        now_typed = sa.literal(now, row.spent_at.type)
        statement = (
            sa.update(tokens)
            .where(row.token_hash == spent.token_hash, row.successor_hash == spent.successor_hash)
            .values(spent_at=sa.func.coalesce(row.spent_at, now_typed), successor_hash=successor_hash)
        )

        async def work(connection: AsyncConnection) -> None:
            if (await connection.execute(statement)).rowcount == 0:
                raise _Overtaken
            if spent.successor_hash:
                await _replace(connection, spent)
            await connection.execute(sa.insert(tokens), [row_of(token) for token in issued])

        try:
            await self._database.write(work)
        except _Overtaken:
            return False
        return True

    async def add_token(self, token: IssuedToken) -> None:
        await self._change(sa.insert(tokens).values(row_of(token)))

    async def grant(self, grant_id: str) -> Grant | None:
        return await self._find(Grant, sa.select(grants).where(grants.c.id == grant_id))

    async def grants(
        self,
        *,
        now: datetime,
        limit: int,
        cursor: str | None = None,
        client_id: str | None = None,
        user_id: str | None = None,
    ) -> Page[Grant]:
        query = sa.select(grants).where(grants.c.expires_at > now)
        if client_id is not None:
            query = query.where(grants.c.client_id == client_id)
        if user_id is not None:
            query = query.where(grants.c.user_id == user_id)
        return await self._database.read(
            lambda connection: read_page(
                connection,
                query,
                (grants.c.created_at, grants.c.id),
                lambda row: record_of(Grant, row),
                limit=limit,
                cursor=cursor,
                descending=True,
            )
        )

    async def revoke_grant(self, grant_id: str, journal: Journal) -> bool:
        return await self._tell(sa.delete(grants).where(grants.c.id == grant_id), journal)

    async def revoke_grants(self, journal: Journal, *, client_id: str | None = None, user_id: str | None = None) -> int:
        named = {name: value for name, value in (("client_id", client_id), ("user_id", user_id)) if value is not None}
        if not named:
            return 0

        def delete_from(table: sa.Table) -> sa.Delete:
            return sa.delete(table).where(*(table.c[name] == value for name, value in named.items()))

        async def work(connection: AsyncConnection) -> int:
            await connection.execute(delete_from(authorization_codes).where(authorization_codes.c.spent_at.is_(None)))
            await connection.execute(delete_from(device_authorizations))
            ended = (await connection.execute(delete_from(grants))).rowcount
            await write_journal(connection, journal)
            return ended

        return await self._database.write(work)

    async def revoke_token(self, token_hash: str, journal: Journal) -> bool:
        return await self._tell(sa.delete(tokens).where(tokens.c.token_hash == token_hash), journal)

    async def touch_grants(self, used: Mapping[str, datetime]) -> None:
        if used:
            await self._database.write(lambda connection: touch(connection, grants, used))

    async def _redeem(
        self, statement: sa.Update, grant: Grant, issued: Sequence[IssuedToken], journal: Journal
    ) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(statement)).rowcount == 0:
                return False
            await _issue(connection, grant, issued)
            await write_journal(connection, journal)
            return True

        return await self._database.write(work)


class _Overtaken(Exception):
    """Another request was first; the transaction is undone."""


async def _replace(connection: AsyncConnection, spent: IssuedToken) -> None:
    """Take back the pair that followed a token which is spent once more, unless that pair was used."""
    row = tokens.c
    unused = (row.token_hash == spent.successor_hash, row.spent_at.is_(None))
    if (await connection.execute(sa.delete(tokens).where(*unused))).rowcount == 0:
        raise _Overtaken
    await connection.execute(sa.delete(tokens).where(row.grant_id == spent.grant_id, row.kind == "access"))


async def _issue(connection: AsyncConnection, grant: Grant, issued: Sequence[IssuedToken]) -> None:
    await connection.execute(sa.insert(grants).values(row_of(grant)))
    await connection.execute(sa.insert(tokens), [row_of(token) for token in issued])


def _holder(row: sa.Row[Any]) -> TokenHolder:
    found: dict[str, Any] = {}
    for part, kind, table in _PARTS:
        values = {column.name: row._mapping[f"{part}__{column.name}"] for column in columns_of(kind, table)}
        found[part] = None if part == "user" and values["id"] is None else record_of(kind, values)
    return TokenHolder(**found)
