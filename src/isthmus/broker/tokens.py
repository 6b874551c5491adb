"""Random values and their fingerprints. Everything random in the broker is drawn here."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import datetime

from isthmus.expressions import Moment


def draw_token() -> str:
    """256 random bits, URL-safe (43 characters); also a valid PKCE verifier (RFC 7636 §4.1)."""
    return secrets.token_urlsafe(32)


def draw_nonce() -> str:
    """128 random bits in hex, for OAuth 1.0a (RFC 5849 §3.3)."""
    return secrets.token_hex(16)


def draw_moment(now: datetime) -> Moment:
    """What a message built now may use: the time, and 128 random bits of its own."""
    return Moment(now.timestamp(), draw_nonce())


def draw_id() -> str:
    """A time-ordered unique id: 48 bits of milliseconds, then 80 random bits, in hex."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def draw_fraction() -> float:
    """Uniform in [0, 1), for jitter."""
    return secrets.randbits(53) / (1 << 53)


def fingerprint(*parts: str) -> str:
    """SHA-256 in hex over the length-prefixed parts, so that no two lists of parts share one."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def spread(key: str) -> float:
    """A stable fraction in [0, 1) for this key: spreads what would otherwise happen all at once."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / (1 << 48)
