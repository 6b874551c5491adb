"""From what a caller shows to who it is: API keys, access tokens and sessions, looked up at most once a second.

A revocation or change made in this process is seen at once (`forget`), one made by another process within a second.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.authserver.keys import ACCESS_TOKEN, API_KEY, is_well_formed, secret_hash
from isthmus.authserver.proofs import Proofs
from isthmus.authserver.scopes import usable_connections
from isthmus.errors import NotAuthenticated, StorageError
from isthmus.records import Actor, ApiKey, Session, TokenHolder
from isthmus.single_flight import SingleFlight
from isthmus.storage.contract import Storage

REMEMBERED = timedelta(seconds=1)
AHEAD = timedelta(seconds=0.3)
"""So long before what is remembered is over it is looked up again, if it is asked for then: nobody waits for that."""
TOUCHED_EVERY = timedelta(minutes=1)
MOST_ENTRIES = 10_000
SESSION_IDLE = timedelta(hours=12)
SESSION_ABSOLUTE = timedelta(days=7)
SESSION_RENEWED_EVERY = timedelta(minutes=10)

_SIGN_IN_HINT = "Sign in again."


_Place = tuple[bytes, str]
"""The hash of what was shown, and the address it was shown from."""


@dataclass(slots=True)
class _Known:
    actor: Actor
    until: datetime
    ahead: datetime


class Protect:
    """Finds the actor behind a key or session. Raises NotAuthenticated in the same words whatever is wrong with it."""

    def __init__(self, *, storage: Storage, proofs: Proofs, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._proofs = proofs
        self._clock = clock
        self._remembered: dict[_Place, _Known] = {}
        self._looking = SingleFlight[_Place, Actor]()
        self._renewing = asyncio.Lock()
        self._generation = 0

    async def actor_for_key(self, token: str, address: str) -> Actor:
        """The actor of this API key or bearer access token, calling from `address`.

        Raises NotAuthenticated if it is malformed, unknown, expired or revoked, or bound to a key (RFC 9449 §7.1).
        """
        now = self._clock()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass"))
        place = (digest.digest(), address)
        known = self._remembered.get(place)
        if known is not None and now < known.ahead:
            return known.actor
        hashed = digest.hexdigest()
        if not is_well_formed(token, ACCESS_TOKEN if token.startswith(ACCESS_TOKEN) else API_KEY):
            raise _unknown_key()
        if token.startswith(ACCESS_TOKEN):
            return await self._known(place, now, lambda: self._look_at_token(hashed, address, ""))
        return await self._known(place, now, lambda: self._look_at_key(place, hashed))

    async def actor_for_bound_token(self, token: str, address: str, *, proof: str, method: str, url: str) -> Actor:
        """The actor of an access token that is bound to the key which made `proof` for this very request.

        Raises NotAuthenticated as `actor_for_key`, and OAuthError `invalid_dpop_proof` or `use_dpop_nonce`.
        """
        if not is_well_formed(token, ACCESS_TOKEN):
            raise _unknown_key()
        thumbprint = await self._proofs.dpop_thumbprint(proof, method=method, url=url, access_token=token)
        return await self._look_at_token(secret_hash(token), address, thumbprint)

    async def actor_for_session(self, token: str, address: str) -> Actor:
        """The person signed in with this cookie value.

        Raises NotAuthenticated (`session_ended`) if it is unknown, was idle for 12 hours, is older than 7 days, or
        the person is disabled or gone.
        """
        hashed = secret_hash(token)
        place = (bytes.fromhex(hashed), address)
        return await self._known(place, self._clock(), lambda: self._look_at_session(place, hashed))

    async def end_session(self, token: str) -> Session | None:
        """Sign out: the cookie value is worthless from now on. The session that ended, None if it had already."""
        return await self.end_session_by_hash(secret_hash(token))

    async def end_session_by_hash(self, hashed: str) -> Session | None:
        """As `end_session`, for a session of which only the hash is known."""
        async with self._renewing:
            session = await self._storage.session(hashed, now=self._clock())
            ended = await self._storage.delete_session(hashed)
        self.forget()
        return session if ended else None

    async def end_sessions_of(self, user_id: str, *, but: str = "") -> int:
        """Sign a person out everywhere but in the session with the cookie value `but`; how many sessions that were."""
        async with self._renewing:
            ended = await self._storage.delete_sessions_of(user_id, but=secret_hash(but) if but else "")
        self.forget()
        return ended

    def system_actor(self) -> Actor:
        """The operator at the terminal of this machine, and our own duties."""
        return Actor("system", "system", "system", "administrator")

    def forget(self) -> None:
        """After a key, session or person changed: look everything up again, look-ups under way included."""
        self._generation += 1
        self._remembered.clear()
        self._looking.forget()

    async def _known(self, place: _Place, now: datetime, look: Callable[[], Coroutine[Any, Any, Actor]]) -> Actor:
        """The actor that is remembered, else the one that is found; however many ask, there is one look-up."""
        known = self._remembered.get(place)
        if known is None or known.until <= now:
            return await self._looking.find(place, look)
        if known.ahead <= now:
            self._looking.ahead(place, look)
        return known.actor

    def _remember(self, place: _Place, until: datetime, actor: Actor, generation: int) -> None:
        if generation != self._generation:
            return
        if len(self._remembered) >= MOST_ENTRIES:
            self._remembered.clear()
        self._remembered[place] = _Known(actor, until, until - AHEAD)

    async def _look_at_key(self, place: _Place, hashed: str) -> Actor:
        now, generation = self._clock(), self._generation
        key = await self._storage.api_key_by_hash(hashed)
        if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
            self._remembered.pop(place, None)
            raise _unknown_key()
        actor = Actor("api_key", f"api_key:{key.id}", key.name, key.role, key.connections, place[1], key.functions)
        until = now + REMEMBERED if key.expires_at is None else min(now + REMEMBERED, key.expires_at)
        self._remember(place, until, actor, generation)
        await self._note_use(key, now)
        return actor

    async def _look_at_token(self, hashed: str, address: str, thumbprint: str) -> Actor:
        now, generation = self._clock(), self._generation
        place = (bytes.fromhex(hashed), address)
        holder = await self._storage.token_holder(hashed)
        if holder is None or holder.token.kind != "access" or not is_active(holder, now):
            self._remembered.pop(place, None)
            raise _unknown_key()
        if holder.token.key_thumbprint != thumbprint:
            raise _unknown_key()
        actor = _actor_of(holder, address)
        if not thumbprint:  # with a proof, each request is judged by itself
            until = min(now + REMEMBERED, holder.token.expires_at)
            self._remember(place, until, actor, generation)
        await self._note_grant(holder, now)
        return actor

    async def _look_at_session(self, place: _Place, hashed: str) -> Actor:
        now, generation = self._clock(), self._generation
        session = await self._storage.session(hashed, now=now)
        user = await self._storage.user(session.user_id) if session is not None else None
        if session is None or _has_ended(session, now) or user is None or user.disabled:
            self._remembered.pop(place, None)
            raise _session_ended()
        actor = Actor("user", f"user:{user.id}", user.name or user.email, user.role, None, place[1])
        self._remember(place, now + REMEMBERED, actor, generation)
        await self._renew(session, now)
        return actor

    async def _note_use(self, key: ApiKey, now: datetime) -> None:
        if key.last_used_at is not None and now - key.last_used_at < TOUCHED_EVERY:
            return
        with suppress(StorageError):  # a full disk must not stop calls that only read
            await self._storage.touch_api_keys({key.id: now})

    async def _note_grant(self, holder: TokenHolder, now: datetime) -> None:
        last = holder.grant.last_used_at
        if last is not None and now - last < TOUCHED_EVERY:
            return
        with suppress(StorageError):
            await self._storage.touch_grants({holder.grant.id: now})

    async def _renew(self, session: Session, now: datetime) -> None:
        """Move the idle limit on. The row is taken out and put back: what somebody else deleted stays deleted."""
        seen = session.last_seen_at or session.created_at
        if seen is not None and now - seen < SESSION_RENEWED_EVERY:
            return
        async with self._renewing:
            with suppress(StorageError):
                if await self._storage.delete_session(session.token_hash):
                    await self._storage.add_session(replace(session, last_seen_at=now))


def is_active(holder: TokenHolder, now: datetime) -> bool:
    """Whether the token may be used now: unspent, unexpired, and everybody it depends on is still there."""
    token, grant, user = holder.token, holder.grant, holder.user
    if token.spent_at is not None or token.expires_at <= now or grant.expires_at is None or grant.expires_at <= now:
        return False
    return not holder.client.disabled and (not grant.user_id or (user is not None and not user.disabled))


def _actor_of(holder: TokenHolder, address: str) -> Actor:
    """A person as their client acts for them, or the client on its own account: never one id for both."""
    client, user, scopes = holder.client, holder.user, holder.token.scopes
    limits = {
        "connections": usable_connections(scopes),
        "address": address,
        "client_id": client.client_id,
        "scopes": scopes,
    }
    if user is not None:
        return Actor("user", f"user:{user.id}", user.name or user.email, user.role, **limits)  # type: ignore[arg-type]
    return Actor("client", f"client:{client.client_id}", client.name, client.role, **limits)  # type: ignore[arg-type]


def _has_ended(session: Session, now: datetime) -> bool:
    seen = session.last_seen_at or session.created_at
    if session.expires_at is None or session.expires_at <= now or seen is None:
        return True
    return now - seen >= SESSION_IDLE


def _unknown_key() -> NotAuthenticated:
    return NotAuthenticated(
        "This API key or access token is not known, has expired or was revoked.", code="invalid_token"
    )


def _session_ended() -> NotAuthenticated:
    return NotAuthenticated("This session has ended.", code="session_ended", hint=_SIGN_IN_HINT)
