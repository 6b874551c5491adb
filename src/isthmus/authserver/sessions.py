"""Sessions: where a person is signed in, how that began, and how it ends.

What an action needs beyond being signed in is that the person proved who they are a moment ago (`require_confirmed`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from isthmus.authserver.documents import time_text
from isthmus.authserver.keys import draw_session_token, secret_hash
from isthmus.authserver.protect import SESSION_ABSOLUTE, Protect
from isthmus.errors import AccessDenied, NotFound
from isthmus.records import ActivityEntry, Actor, Session, User
from isthmus.storage.contract import Journal, Storage

CONFIRMED_FOR = timedelta(minutes=10)
_LONGEST_BROWSER = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """From where somebody signs in: the address, a few words on the browser, and the mark it shows, if any."""

    address: str
    browser: str = ""
    mark: str = ""


class Sessions:
    """Use cases on signed-in browsers. `clock` gives the time in UTC."""

    def __init__(self, *, storage: Storage, protect: Protect, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._protect = protect
        self._clock = clock

    async def begin(self, user: User, visit: Visit, way: str) -> tuple[str, Actor]:
        """A new session of a person who has just proven who they are by `way`: the cookie's value and who it is."""
        now, token, who = self._clock(), draw_session_token(), f"user:{user.id}"
        entry = ActivityEntry(now, who, "user.sign_in", who, "done", visit.address, {"way": way})
        await self._storage.add_journal(Journal(activity=(entry,)))  # first: no session without it
        session = Session(
            secret_hash(token),
            user.id,
            now,
            now + SESSION_ABSOLUTE,
            now,
            visit.address,
            visit.browser[:_LONGEST_BROWSER],
            way,
            now,
        )
        await self._storage.add_session(session)
        return token, Actor("user", who, user.name or user.email, user.role, None, visit.address)

    async def refuse(self, user: User | None, address: str, way: str) -> None:
        """Write down that somebody was not let in. What was typed as an unknown address is not: now and then it is a
        password."""
        who = f"user:{user.id}" if user else "unknown"
        entry = ActivityEntry(self._clock(), who, "user.sign_in", who, "refused", address, {"way": way})
        await self._storage.add_journal(Journal(activity=(entry,)))

    async def mine(self, actor: Actor, token: str) -> list[dict[str, Any]]:
        """Where the actor is signed in, the browser with the cookie value `token` marked as `current`."""
        current = secret_hash(token)
        found = await self._storage.sessions_of(_user_id(actor), now=self._clock())
        return [
            {
                "id": _public_id(session),
                "current": session.token_hash == current,
                "browser": session.browser or "",
                "address": session.address or "",
                "way": session.way or "",
                "created_at": time_text(session.created_at),
                "last_seen_at": time_text(session.last_seen_at or session.created_at),
            }
            for session in found
        ]

    async def end(self, actor: Actor, session_id: str) -> None:
        """End one of the actor's sessions. NotFound where it has ended already or is not theirs."""
        for session in await self._storage.sessions_of(_user_id(actor), now=self._clock()):
            if _public_id(session) == session_id:
                await self._protect.end_session_by_hash(session.token_hash)
                await self._storage.add_journal(self._journal(actor, "user.session_end"))
                return
        raise NotFound("This session has ended already.", code="session_not_found")

    async def end_others(self, actor: Actor, token: str) -> int:
        """Sign the actor out everywhere but here, and take back what applications were granted; how many sessions."""
        await self._storage.revoke_grants(self._journal(actor, "user.sign_out_everywhere"), user_id=_user_id(actor))
        return await self._protect.end_sessions_of(_user_id(actor), but=token)

    async def require_confirmed(self, token: str) -> None:
        """Raise AccessDenied (`confirmation_required`) unless the person proved who they are within ten minutes."""
        session = await self._storage.session(secret_hash(token), now=self._clock())
        confirmed = session.confirmed_at if session else None
        if confirmed is None or self._clock() - confirmed > CONFIRMED_FOR:
            raise AccessDenied(
                "This needs you to show once more that it is you.",
                code="confirmation_required",
                hint="Enter your password again, or sign in again.",
            )

    async def confirm(self, actor: Actor, token: str, way: str) -> None:
        """Note that the person in this browser has just proven once more who they are."""
        await self._storage.confirm_session(secret_hash(token), now=self._clock())
        entry = ActivityEntry.by(actor, self._clock(), "user.confirm", actor.id, {"way": way})
        await self._storage.add_journal(Journal(activity=(entry,)))

    def _journal(self, actor: Actor, action: str) -> Journal:
        return Journal(activity=(ActivityEntry.by(actor, self._clock(), action, actor.id),))


def _public_id(session: Session) -> str:
    """A name for the session that opens nothing."""
    return hashlib.sha256(f"session {session.token_hash}".encode()).hexdigest()[:32]


def _user_id(actor: Actor) -> str:
    if actor.kind != "user":
        raise AccessDenied("Only a person has sessions.")
    return actor.id.removeprefix("user:")
