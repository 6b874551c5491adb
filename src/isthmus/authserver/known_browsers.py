"""Browsers in which somebody signed in before: a mark in a cookie, bound to the account, which opens nothing.

Whoever shows it is counted apart from strangers, so that a flood of wrong passwords, even from the owner's own address or
through the one reverse proxy that all come from, does not keep the owner out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from isthmus.authserver.attempts import account_key

KNOWN_FOR = timedelta(days=180)
_LONGEST = 200


class KnownBrowsers:
    """Makes and judges marks. `key` is the same in every process of an installation."""

    def __init__(self, *, key: str, clock: Callable[[], datetime]) -> None:
        self._key = key.encode()
        self._clock = clock

    def mark(self, account: str) -> str:
        """A new mark for a browser in which this account's person has just signed in."""
        until = int((self._clock() + KNOWN_FOR).timestamp())
        body = f"{secrets.token_hex(16)}.{until}"
        return f"{body}.{self._proof(account, body)}"

    def recognise(self, mark: str, account: str) -> str:
        """What tells this browser from others, if it is known for this account; else empty."""
        body, _, proof = mark.rpartition(".")
        name, _, until = body.partition(".")
        if len(mark) > _LONGEST or not mark.isascii() or not until.isdigit():
            return ""
        if not hmac.compare_digest(proof, self._proof(account, body)):
            return ""
        return name if int(until) > self._clock().timestamp() else ""

    def _proof(self, account: str, body: str) -> str:
        return hmac.new(self._key, f"{account_key(account)} {body}".encode(), hashlib.sha256).hexdigest()
