"""People, their sessions, and API keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import InputError
from isthmus.records import ApiKey, Page, Session, User
from isthmus.storage.authorizations import touch
from isthmus.storage.contract import Journal
from isthmus.storage.group import Group
from isthmus.storage.paging import read_page
from isthmus.storage.rows import record_of, row_of
from isthmus.storage.tables import api_keys, sessions, users


class People(Group):
    """The methods of the contract for users, API keys and sessions."""

    async def user(self, user_id: str) -> User | None:
        return await self._find(User, sa.select(users).where(users.c.id == user_id))

    async def user_by_email(self, email: str) -> User | None:
        return await self._find(User, sa.select(users).where(users.c.email == email.lower()))

    async def users(self, *, limit: int, cursor: str | None = None) -> Page[User]:
        return await self._database.read(
            lambda connection: read_page(
                connection,
                sa.select(users),
                (users.c.email,),
                lambda row: record_of(User, row),
                limit=limit,
                cursor=cursor,
            )
        )

    async def count_administrators(self) -> int:
        query = sa.select(sa.func.count()).where(users.c.role == "administrator", users.c.disabled.is_(sa.false()))

        async def work(connection: AsyncConnection) -> int:
            return int(await connection.scalar(query) or 0)

        return await self._database.read(work)

    async def add_user(self, user: User, journal: Journal) -> None:
        statement = sa.insert(users).values(row_of(replace(user, email=user.email.lower())))
        await self._tell(statement, journal)

    async def save_user(self, user: User, journal: Journal) -> bool:
        values = row_of(replace(user, email=user.email.lower()))
        del values["id"], values["created_at"]
        return await self._tell(sa.update(users).where(users.c.id == user.id).values(values), journal)

    async def delete_user(self, user_id: str, journal: Journal) -> bool:
        return await self._tell(sa.delete(users).where(users.c.id == user_id), journal)

    async def api_key_by_hash(self, secret_hash: str) -> ApiKey | None:
        return await self._find(ApiKey, sa.select(api_keys).where(api_keys.c.secret_hash == secret_hash))

    async def api_key(self, key_id: str) -> ApiKey | None:
        return await self._find(ApiKey, sa.select(api_keys).where(api_keys.c.id == key_id))

    async def api_keys(self, *, limit: int, cursor: str | None = None) -> Page[ApiKey]:
        return await self._database.read(
            lambda connection: read_page(
                connection,
                sa.select(api_keys),
                (api_keys.c.name, api_keys.c.id),
                lambda row: record_of(ApiKey, row),
                limit=limit,
                cursor=cursor,
            )
        )

    async def add_api_key(self, key: ApiKey, journal: Journal) -> None:
        await self._tell(sa.insert(api_keys).values(row_of(key)), journal)

    async def revoke_api_key(self, key_id: str, *, now: datetime, journal: Journal) -> bool:
        unrevoked = (api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        return await self._tell(sa.update(api_keys).where(*unrevoked).values(revoked_at=now), journal)

    async def touch_api_keys(self, used: Mapping[str, datetime]) -> None:
        if used:
            await self._database.write(lambda connection: touch(connection, api_keys, used))

    async def add_session(self, session: Session) -> None:
        if session.expires_at is None:
            raise InputError("A session must end at some time.", field="expires_at", hint="Give its end.")
        await self._change(sa.insert(sessions).values(row_of(session)))

    async def session(self, token_hash: str, *, now: datetime) -> Session | None:
        query = sa.select(sessions).where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now)
        return await self._find(Session, query)

    async def delete_session(self, token_hash: str) -> bool:
        return await self._change(sa.delete(sessions).where(sessions.c.token_hash == token_hash)) == 1

    async def sessions_of(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        query = sa.select(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
        seen = sa.func.coalesce(sessions.c.last_seen_at, sessions.c.created_at)
        return await self._list(Session, query.order_by(seen.desc(), sessions.c.token_hash))

    async def confirm_session(self, token_hash: str, *, now: datetime) -> bool:
        statement = sa.update(sessions).where(sessions.c.token_hash == token_hash).values(confirmed_at=now)
        return await self._change(statement) == 1

    async def delete_sessions_of(self, user_id: str, *, but: str = "") -> int:
        chosen = (sessions.c.user_id == user_id, sessions.c.token_hash != but)
        return await self._change(sa.delete(sessions).where(*chosen))
