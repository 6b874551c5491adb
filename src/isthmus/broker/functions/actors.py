"""From an actor's id back to the actor, as things stand now: for runs that act as their owner, or after their request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from isthmus.errors import AccessDenied
from isthmus.records import Actor
from isthmus.storage.contract import Storage


class Actors:
    """Looks people and keys up each time: a right that was taken away is gone at the next use."""

    def __init__(self, *, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock

    async def find(self, actor_id: str, address: str = "") -> Actor:
        """The actor. Raises AccessDenied (`actor_gone`) for one that is deleted, disabled, revoked or expired."""
        kind, _, identifier = actor_id.partition(":")
        actor: Actor | None = None
        if actor_id == "system":
            actor = Actor("system", "system", "operator", "administrator", None, address)
        elif kind == "user":
            actor = await self._user(identifier, address)
        elif kind == "api_key":
            actor = await self._key(identifier, address)
        if actor is None:
            raise AccessDenied(
                "Who the run acts as is no longer there, or no longer allowed in.",
                code="actor_gone",
                hint="Run it as somebody who is; an administrator can choose another owner.",
            )
        return actor

    async def _user(self, user_id: str, address: str) -> Actor | None:
        user = await self._storage.user(user_id)
        if user is None or user.disabled:
            return None
        return Actor("user", f"user:{user.id}", user.name or user.email, user.role, None, address)

    async def _key(self, key_id: str, address: str) -> Actor | None:
        key = await self._storage.api_key(key_id)
        if (
            key is None
            or key.revoked_at is not None
            or (key.expires_at is not None and key.expires_at <= self._clock())
        ):
            return None
        return Actor("api_key", f"api_key:{key.id}", key.name, key.role, key.connections, address, key.functions)


def require_lasting(actor: Actor) -> None:
    """Raise AccessDenied (`run_now_only`) for rights that cannot be looked up again when a run from the queue begins:
    those of an access token, which may be fewer than its person's."""
    if actor.kind == "client" or actor.client_id or (actor.is_limited and actor.kind != "api_key"):
        raise AccessDenied(
            "A run for later cannot keep within the limits of this access token.",
            code="run_now_only",
            hint="Run it without async, or use an API key.",
        )
