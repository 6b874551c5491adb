"""People, API keys and signing in.

Administrators manage people and keys; everybody may change their own name and password. Every change and its
activity entry are one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.authserver.attempts import Attempts
from isthmus.authserver.documents import (
    describe_api_key,
    describe_user,
    read_connections,
    read_email,
    read_expiry,
    read_flag,
    read_functions,
    read_name,
    read_role,
    refuse_unknown,
)
from isthmus.authserver.keys import draw_id, draw_key, secret_hash
from isthmus.authserver.known_browsers import KnownBrowsers
from isthmus.authserver.passwords import LONGEST, Passwords, check_acceptable
from isthmus.authserver.protect import Protect
from isthmus.authserver.refusals import (
    administers,
    administrator_exists,
    current_password_wrong,
    is_administrator,
    no_such_key,
    no_such_user,
    require_administrator,
    sign_in_failed,
)
from isthmus.authserver.sessions import Sessions, Visit
from isthmus.errors import AccessDenied, Conflict, InputError
from isthmus.records import ActivityEntry, Actor, ApiKey, Page, User
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage

_NEW_USER = frozenset({"email", "name", "role", "password"})
_USER_CHANGES = frozenset({"email", "name", "role", "password", "disabled"})
_OWN_CHANGES = frozenset({"name", "password", "current_password"})
_NEW_KEY = frozenset({"name", "role", "connections", "functions", "expires_at"})
_DUTY = "administrators"
_DUTY_TIME = timedelta(seconds=10)


class Accounts:
    """Use cases on people, API keys and sessions. `clock` gives the time in UTC."""

    def __init__(
        self,
        *,
        storage: Storage,
        protect: Protect,
        clock: Callable[[], datetime],
        settings: Settings,
        sessions: Sessions,
        known: KnownBrowsers,
        passwords: Passwords | None = None,
    ) -> None:
        self._storage = storage
        self._protect = protect
        self._clock = clock
        self._settings = settings
        self._passwords = passwords or Passwords()
        self._attempts = Attempts()
        self._sessions = sessions
        self._known = known

    # --- people

    async def users(self, actor: Actor, *, limit: int = 50, cursor: str | None = None) -> Page[dict[str, Any]]:
        """A page of people. Raises AccessDenied unless the actor is an administrator."""
        require_administrator(actor)
        page = await self._storage.users(limit=limit, cursor=cursor)
        return Page([describe_user(user) for user in page.items], page.next_cursor)

    async def user(self, actor: Actor, user_id: str) -> dict[str, Any]:
        """One person; everybody may read themselves. NotFound where it is nobody, or not yours to see."""
        if actor.id != f"user:{user_id}" and not is_administrator(actor):
            raise no_such_user()
        return describe_user(await self._find_user(user_id))

    async def create_user(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
        """A new person from `email`, `name`, `role`, `password`. Conflict (`email_taken`) if the address is known."""
        require_administrator(actor)
        refuse_unknown(document, _NEW_USER)
        user = User(
            id=draw_id(),
            email=read_email(document.get("email")),
            name=read_name(document["name"]) if document.get("name") else "",
            role=read_role(document.get("role", "member")),
        )
        return describe_user(await self._add_user(actor, user, check_acceptable(document.get("password"))))

    async def update_user(
        self, actor: Actor, user_id: str, changes: Mapping[str, Any], *, session_token: str = ""
    ) -> dict[str, Any]:
        """Change a person; a new password, role or switching off signs the person out everywhere but in the session
        with the cookie value `session_token`. With a new password ends what applications were granted, too; one that
        somebody else sets is a fresh start, and passkeys go as well.

        Administrators may change everything but their own way in: for the own password everybody gives
        `current_password`. Raises Conflict (`last_administrator`) where nobody would be left to administer.
        """
        own = actor.id == f"user:{user_id}"
        if not own and not is_administrator(actor):
            raise no_such_user()
        refuse_unknown(changes, _OWN_CHANGES | (_USER_CHANGES if is_administrator(actor) else frozenset()))
        new_hash = await self._new_password_hash(actor, user_id, changes, own=own)
        async with self._one_at_a_time():
            before = await self._find_user(user_id)
            after = _apply(before, changes, new_hash, self._clock())
            if administers(before) and not administers(after):
                await self._keep_one_administrator()
            details = {"changed": sorted(key for key in changes if key != "current_password")}
            saved = await self._storage.save_user(
                after, self._journal(actor, "user.update", f"user:{user_id}", details)
            )
        if not saved:
            raise no_such_user()
        if (after.role, after.disabled, after.password_hash) != (before.role, before.disabled, before.password_hash):
            await self._protect.end_sessions_of(user_id, but=session_token)
        if after.password_hash != before.password_hash:
            await self._storage.revoke_grants(Journal(), user_id=user_id)
            if not own:
                await self._forget_passkeys(actor, user_id)
        self._protect.forget()
        return describe_user(after)

    async def delete_user(self, actor: Actor, user_id: str) -> None:
        """Remove a person with their sessions. Raises Conflict (`last_administrator`) for the last administrator."""
        require_administrator(actor)
        async with self._one_at_a_time():
            if administers(await self._find_user(user_id)):
                await self._keep_one_administrator()
            deleted = await self._storage.delete_user(user_id, self._journal(actor, "user.delete", f"user:{user_id}"))
        await self._protect.end_sessions_of(user_id)
        if not deleted:
            raise no_such_user()

    async def bootstrap(self) -> bool:
        """Make the first administrator from the settings, only while there is none; whether one was made."""
        settings = self._settings
        if not settings.admin_email or not settings.admin_password:
            return False
        async with self._one_at_a_time():
            if await self._storage.count_administrators():
                return False
            user = User(id=draw_id(), email=_setting(read_email, settings.admin_email), name="", role="administrator")
            password = _setting(check_acceptable, settings.admin_password)
            await self._add_user(self._protect.system_actor(), user, password)
        return True

    async def has_administrator(self) -> bool:
        """Whether anybody can administer: until then the set-up link works."""
        return await self._storage.count_administrators() > 0

    async def create_first_administrator(self, document: Mapping[str, Any], address: str) -> None:
        """The administrator with whom an installation begins. Conflict (`administrator_exists`) once there is one."""
        refuse_unknown(document, frozenset({"email", "name", "password"}))
        user = User(
            id=draw_id(),
            email=read_email(document.get("email")),
            name=read_name(document["name"]) if document.get("name") else "",
            role="administrator",
        )
        password = check_acceptable(document.get("password"))
        async with self._one_at_a_time():
            if await self._storage.count_administrators():
                raise administrator_exists()
            await self._add_user(replace(self._protect.system_actor(), address=address), user, password)

    async def names(self, actor: Actor) -> dict[str, str]:
        """Actor id -> what to call it, for lists of who did what; up to 200 people and 200 keys.

        Raises AccessDenied for members.
        """
        if actor.role not in ("administrator", "developer"):
            raise AccessDenied("Members do not see who else there is.")
        people = await self._storage.users(limit=200)
        keys = await self._storage.api_keys(limit=200)
        named = {f"user:{user.id}": user.name or user.email for user in people.items}
        return named | {f"api_key:{key.id}": key.name for key in keys.items}

    # --- API keys

    async def api_keys(self, actor: Actor, *, limit: int = 50, cursor: str | None = None) -> Page[dict[str, Any]]:
        """A page of API keys, revoked ones included; never the keys themselves."""
        require_administrator(actor)
        page = await self._storage.api_keys(limit=limit, cursor=cursor)
        return Page([describe_api_key(key) for key in page.items], page.next_cursor)

    async def api_key(self, actor: Actor, key_id: str) -> dict[str, Any]:
        """One API key, never the key itself."""
        require_administrator(actor)
        key = await self._storage.api_key(key_id)
        if key is None:
            raise no_such_key()
        return describe_api_key(key)

    async def create_api_key(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
        """A new key from `name`, `role`, `connections`, `functions`, `expires_at`; `key` is told in this answer alone."""
        require_administrator(actor)
        refuse_unknown(document, _NEW_KEY)
        now = self._clock()
        secret = draw_key()
        key = ApiKey(
            id=draw_id(),
            name=read_name(document.get("name")),
            role=read_role(document.get("role", "member")),
            secret_hash=secret_hash(secret),
            hint=secret[-4:],
            connections=read_connections(document.get("connections")),
            functions=read_functions(document.get("functions")),
            created_by=actor.id,
            created_at=now,
            expires_at=read_expiry(document.get("expires_at"), now),
        )
        details = {"name": key.name, "role": key.role}
        await self._storage.add_api_key(key, self._journal(actor, "api_key.create", f"api_key:{key.id}", details))
        return {**describe_api_key(key), "key": secret}

    async def revoke_api_key(self, actor: Actor, key_id: str) -> None:
        """End a key at once in this process, within a second in others. Revoking twice is no error."""
        require_administrator(actor)
        journal = self._journal(actor, "api_key.revoke", f"api_key:{key_id}")
        revoked = await self._storage.revoke_api_key(key_id, now=self._clock(), journal=journal)
        self._protect.forget()
        if not revoked and await self._storage.api_key(key_id) is None:
            raise no_such_key()

    # --- signing in

    async def sign_in(self, email: str, password: str, visit: Visit) -> tuple[str, Actor]:
        """A new session: the cookie's value and who it is.

        Raises NotAuthenticated (`sign_in_failed`) in the same words and after the same work whether the address is
        unknown, the password wrong or the person switched off; RateLimited after repeated failures.
        """
        known = self._known.recognise(visit.mark, email)
        self._attempts.begin(email, visit.address, self._clock(), known)
        user = await self._user_to_sign_in(email)
        stored = user.password_hash if user else None
        matches = await self._passwords.verify(stored, password if len(password) <= LONGEST else "")
        if user is None or stored is None or not matches or user.disabled:
            await self._sessions.refuse(user, visit.address, "password")
            raise sign_in_failed()
        self._attempts.succeeded(email, visit.address, known)
        if self._passwords.outdated(stored):
            renewed = replace(user, password_hash=await self._passwords.hash(password))
            await self._storage.save_user(renewed, Journal())
        return await self._sessions.begin(user, visit, "password")

    async def has_password(self, actor: Actor) -> bool:
        """Whether this person has one; who came through the organisation has none."""
        return (await self._find_user(actor.id.removeprefix("user:"))).password_hash is not None

    async def confirm(self, actor: Actor, session_token: str, password: str) -> None:
        """Let a signed-in person show once more that it is them. Raises AccessDenied (`current_password_wrong`)."""
        user = await self._find_user(actor.id.removeprefix("user:"))
        await self._check_own_password(actor, user, password)
        await self._sessions.confirm(actor, session_token, "password")

    async def sign_out(self, session_token: str, address: str = "") -> None:
        """End the session with this cookie value, here at once. One that has ended already is no error."""
        session = await self._protect.end_session(session_token)
        if session is not None:
            who = f"user:{session.user_id}"
            entry = ActivityEntry(self._clock(), who, "user.sign_out", who, "done", address)
            await self._storage.add_journal(Journal(activity=(entry,)))

    # --- parts

    async def _add_user(self, actor: Actor, user: User, password: str) -> User:
        now = self._clock()
        user = replace(user, password_hash=await self._passwords.hash(password), created_at=now, updated_at=now)
        details = {"email": user.email, "role": user.role}
        try:
            await self._storage.add_user(user, self._journal(actor, "user.create", f"user:{user.id}", details))
        except Conflict as problem:
            raise Conflict(
                "There is a person with this e-mail address.", code="email_taken", field="email"
            ) from problem
        return user

    async def _find_user(self, user_id: str) -> User:
        user = await self._storage.user(user_id)
        if user is None:
            raise no_such_user()
        return user

    async def _user_to_sign_in(self, email: str) -> User | None:
        try:
            return await self._storage.user_by_email(read_email(email))
        except InputError:
            return None

    async def _new_password_hash(
        self, actor: Actor, user_id: str, changes: Mapping[str, Any], *, own: bool
    ) -> str | None:
        if "password" not in changes:
            return None
        password = check_acceptable(changes["password"])
        if own:
            user = await self._find_user(user_id)
            await self._check_own_password(actor, user, str(changes.get("current_password", "")))
        return await self._passwords.hash(password)

    async def _forget_passkeys(self, actor: Actor, user_id: str) -> None:
        for passkey in await self._storage.passkeys_of(user_id):
            journal = self._journal(actor, "passkey.delete", f"user:{user_id}", {"name": passkey.name})
            await self._storage.delete_passkey(user_id, passkey.id, journal)

    async def _check_own_password(self, actor: Actor, user: User, password: str) -> None:
        """Wrong ones of a signed-in person are counted by themselves: strangers cannot use them up."""
        self._attempts.begin(user.email, actor.address, self._clock(), actor.id)
        if not await self._passwords.verify(user.password_hash, password[:LONGEST]):
            raise current_password_wrong()
        self._attempts.succeeded(user.email, actor.address, actor.id)

    async def _keep_one_administrator(self) -> None:
        if await self._storage.count_administrators() <= 1:
            raise Conflict(
                "This is the last administrator.",
                code="last_administrator",
                hint="Make another person an administrator first.",
            )

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        """Across all processes: two administrators must not remove each other at the same moment."""
        owner = draw_id()
        for pause in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, None):
            now = self._clock()
            if await self._storage.take_duty(_DUTY, owner=owner, now=now, until=now + _DUTY_TIME):
                break
            if pause is None:
                raise Conflict("Another change to people is under way.", hint="Try again in a moment.")
            await asyncio.sleep(pause)
        try:
            yield
        finally:
            await self._storage.release_duty(_DUTY, owner=owner)

    def _journal(self, actor: Actor, action: str, target: str, details: Mapping[str, Any] | None = None) -> Journal:
        entry = ActivityEntry.by(actor, self._clock(), action, target, details)
        return Journal(activity=(entry,))


def _apply(user: User, changes: Mapping[str, Any], password_hash: str | None, now: datetime) -> User:
    after = replace(user, updated_at=now)
    if "email" in changes:
        after = replace(after, email=read_email(changes["email"]))
    if "name" in changes:
        after = replace(after, name=read_name(changes["name"]))
    if "role" in changes:
        after = replace(after, role=read_role(changes["role"]))
    if "disabled" in changes:
        after = replace(after, disabled=read_flag(changes["disabled"], "disabled"))
    return replace(after, password_hash=password_hash) if password_hash else after


def _setting(read: Callable[[object], str], value: str) -> str:
    """A value from the settings; what is wrong with it is told under the setting's name."""
    try:
        return read(value)
    except InputError as problem:
        field = f"admin_{problem.field}"
        raise InputError(f"ISTHMUS_{field.upper()} is not usable.", field=field, hint=problem.message) from problem
