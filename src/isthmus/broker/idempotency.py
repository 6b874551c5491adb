"""One answer per Idempotency-Key: a repeated POST gets what the first one got, and is done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from isthmus.broker.tokens import fingerprint
from isthmus.errors import Conflict, InputError
from isthmus.records import Actor, IdempotentAnswer
from isthmus.storage.contract import Storage
from isthmus.vault import Vault


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request got."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Begun:
    """A request under its key: `stored` is there if this very request was answered before."""

    handle: str
    stored: StoredAnswer | None = None


class Idempotency:
    """Remembers answers for 24 hours, sealed: one of them may hold a key that was shown once."""

    def __init__(self, *, storage: Storage, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock

    async def begin(self, actor: Actor, route: str, key: str, body: bytes) -> Begun:
        """The handle for `finish` or `abandon`, and the stored answer if this very request was answered before.

        Raises InputError (`idempotency_key_reused`) where the key came with another request, Conflict
        (`idempotency_in_progress`) while the first is still under way.
        """
        if not key.isprintable() or not 1 <= len(key) <= 255:
            raise InputError(
                "The Idempotency-Key is malformed.", field="Idempotency-Key", hint="Send 1 to 255 printable characters."
            )
        handle = fingerprint("idempotency", actor.id, route, key)
        request_hash = fingerprint("request", route, body.hex())
        first = IdempotentAnswer(handle, request_hash, self._clock())
        present = await self._storage.begin_idempotent(first)
        if present is None:
            return Begun(handle)
        if present.request_hash != request_hash:
            raise InputError(
                "This Idempotency-Key was used for another request.",
                code="idempotency_key_reused",
                field="Idempotency-Key",
                hint="Draw a new key for each request; repeat a key only with the same request.",
            )
        if present.status is None or present.answer_sealed is None:
            raise Conflict(
                "The first request with this Idempotency-Key is still under way.",
                code="idempotency_in_progress",
                field="Idempotency-Key",
                hint="Wait and repeat the request.",
            )
        answer = self._vault.open(present.answer_sealed, table="idempotency", row=handle, field="answer")
        return Begun(handle, StoredAnswer(present.status, answer))

    async def finish(self, handle: str, status: int, body: bytes) -> None:
        """Keep the answer."""
        sealed = self._vault.seal(body, table="idempotency", row=handle, field="answer")
        await self._storage.finish_idempotent(handle, status=status, answer_sealed=sealed)

    async def abandon(self, handle: str) -> None:
        """Forget the key, where the request failed in a way that may be repeated."""
        await self._storage.abandon_idempotent(handle)
