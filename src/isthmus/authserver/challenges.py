"""Challenges: texts that come back to us once, soon, and through the browser they were drawn for.

Nothing is kept when one is drawn, so that drawing costs strangers nothing to ask for: a challenge carries its end and a
proof that we made it for this purpose and browser. That it came back is noted until it ends, over all processes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from isthmus.errors import NotAuthenticated
from isthmus.storage.contract import Storage

LIVES = timedelta(minutes=10)
_RANDOM, _TIME, _PROOF = 16, 8, 32


class Challenges:
    """Draws and spends them. `key` is the same in every process of an installation; `browser` is the value of a cookie."""

    def __init__(self, *, storage: Storage, key: str, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._key = key.encode()
        self._clock = clock

    def draw(self, purpose: str, browser: str) -> str:
        """A new one, URL-safe."""
        until = int((self._clock() + LIVES).timestamp())
        body = secrets.token_bytes(_RANDOM) + until.to_bytes(_TIME, "big")
        return _encode(body + self._proof(body, purpose, browser))

    async def spend(self, challenge: str, purpose: str, browser: str) -> None:
        """Raise NotAuthenticated (`challenge_refused`) unless it was drawn for this purpose and browser, has not ended,
        and comes back for the first time."""
        whole = _decode(challenge)
        body, proof = whole[: _RANDOM + _TIME], whole[_RANDOM + _TIME :]
        if len(whole) != _RANDOM + _TIME + _PROOF or not browser:
            raise _refused()
        if not hmac.compare_digest(proof, self._proof(body, purpose, browser)):
            raise _refused()
        until = datetime.fromtimestamp(int.from_bytes(body[_RANDOM:], "big"), UTC)
        if until <= self._clock():
            raise _refused()
        mark = hashlib.sha256(b"challenge" + whole).hexdigest()
        if not await self._storage.note_proof(mark, expires_at=until):
            raise _refused()

    def derive(self, challenge: str, purpose: str, browser: str) -> str:
        """A text of 256 bits that belongs to this challenge and browser and that only we can work out."""
        return _encode(self._proof(challenge.encode("ascii", "replace"), f"derived {purpose}", browser))

    def _proof(self, body: bytes, purpose: str, browser: str) -> bytes:
        parts = (purpose.encode(), browser.encode("utf-8", "replace"), body)
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.new(self._key, framed, hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        whole = urlsafe_b64decode(text + "=" * (-len(text) % 4)) if text.isascii() else b""
    except ValueError:
        return b""
    return whole if _encode(whole) == text else b""


def _refused() -> NotAuthenticated:
    return NotAuthenticated(
        "This attempt was begun too long ago, in another browser, or was finished before.",
        code="challenge_refused",
        hint="Try again on this page.",
    )
