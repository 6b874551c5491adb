"""Ways to sign in besides the password: passkeys, and identities at an OpenID provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.records import Identity, Passkey, User
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.group import Group
from isthmus.storage.rows import row_of
from isthmus.storage.sign_in_tables import identities, passkeys
from isthmus.storage.tables import users


class SignIns(Group):
    """The methods of the contract for passkeys and identities."""

    async def passkey(self, passkey_id: str) -> Passkey | None:
        return await self._find(Passkey, sa.select(passkeys).where(passkeys.c.id == passkey_id))

    async def passkeys_of(self, user_id: str) -> Sequence[Passkey]:
        query = sa.select(passkeys).where(passkeys.c.user_id == user_id)
        return await self._list(Passkey, query.order_by(passkeys.c.created_at, passkeys.c.id))

    async def add_passkey(self, passkey: Passkey, journal: Journal) -> None:
        await self._tell(sa.insert(passkeys).values(row_of(passkey)), journal)

    async def use_passkey(self, passkey_id: str, *, seen: int, sign_count: int, synced: bool, now: datetime) -> bool:
        unchanged = (passkeys.c.id == passkey_id, passkeys.c.sign_count == seen)
        values = {"sign_count": sign_count, "synced": synced, "last_used_at": now}
        return await self._change(sa.update(passkeys).where(*unchanged).values(values)) == 1

    async def delete_passkey(self, user_id: str, passkey_id: str, journal: Journal) -> bool:
        own = (passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
        return await self._tell(sa.delete(passkeys).where(*own), journal)

    async def identity(self, issuer: str, subject: str) -> Identity | None:
        query = sa.select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
        return await self._find(Identity, query)

    async def identities_of(self, user_id: str) -> Sequence[Identity]:
        query = sa.select(identities).where(identities.c.user_id == user_id)
        return await self._list(Identity, query.order_by(identities.c.issuer, identities.c.subject))

    async def add_identity(self, identity: Identity, journal: Journal, *, user: User | None = None) -> None:
        async def work(connection: AsyncConnection) -> None:
            if user is not None:
                values = row_of(replace(user, email=user.email.lower()))
                await connection.execute(sa.insert(users).values(values))
            await connection.execute(sa.insert(identities).values(row_of(identity)))
            await write_journal(connection, journal)

        await self._database.write(work)

    async def touch_identity(self, issuer: str, subject: str, *, email: str, now: datetime) -> None:
        named = (identities.c.issuer == issuer, identities.c.subject == subject)
        await self._change(sa.update(identities).where(*named).values(email=email, last_used_at=now))

    async def delete_identity(self, user_id: str, issuer: str, subject: str, journal: Journal) -> bool:
        c = identities.c
        own = (c.issuer == issuer, c.subject == subject, c.user_id == user_id)
        return await self._tell(sa.delete(identities).where(*own), journal)
