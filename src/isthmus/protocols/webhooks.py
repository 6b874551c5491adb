"""Signed webhooks, judged: is this delivery from whoever knows the secret, and is it fresh?

Four vendors' styles, which most others copy; each is one HMAC-SHA-256 over the body as it came, byte for byte. A
style that signs a timestamp refuses what is older or newer than five minutes.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

TOLERANCE_SECONDS = 300
_MOST_SIGNATURES = 20
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Signed:
    """A delivery whose signature holds. `signed_at` and `mark` are set where the style signs a timestamp: the same
    mark once more is the same delivery once more, since each attempt of such a sender is signed anew."""

    signed_at: datetime | None = None
    mark: str = ""


def judge_signature(
    style: str, secret: bytes, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> Signed | None:
    """What the signature says; None where it is missing, wrong, or too old. `headers` have lower-case names.

    Why it is None is not told: the sender would learn from it. Raises KeyError for a style that is not in STYLES.
    """
    return STYLES[style](secret, headers, body, now)


def _github(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> Signed | None:
    given = headers.get("x-hub-signature-256", "")
    return Signed() if _equal("sha256=" + _hex(secret, body), given) else None


def _slack(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> Signed | None:
    stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    expected = "v0=" + _hex(secret, b"v0:" + _octets(stamp) + b":" + body)
    signed_at = _fresh(stamp, now)
    return Signed(signed_at, expected) if _equal(expected, given) and signed_at else None


def _stripe(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> Signed | None:
    """`t=...,v1=...,v1=...`: one signature per secret while a secret is being replaced; other schemes are ignored."""
    pairs = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(stamps) != 1 or len(signatures) > _MOST_SIGNATURES:
        return None
    expected = _hex(secret, _octets(stamps[0]) + b"." + body)
    matching = [given for given in signatures if _equal(expected, given)]
    signed_at = _fresh(stamps[0], now)
    return Signed(signed_at, expected) if matching and signed_at else None


def _shopify(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> Signed | None:
    expected = b64encode(hmac.digest(secret, body, sha256)).decode()
    return Signed() if _equal(expected, headers.get("x-shopify-hmac-sha256", "")) else None


def _none(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> Signed | None:
    return Signed()


STYLES: Mapping[str, Callable[[bytes, Mapping[str, str], bytes, datetime], Signed | None]] = {
    "none": _none,
    "github": _github,
    "slack": _slack,
    "stripe": _stripe,
    "shopify": _shopify,
}


def _hex(secret: bytes, message: bytes) -> str:
    return hmac.digest(secret, message, sha256).hex()


def _equal(expected: str, given: str) -> bool:
    # As bytes: compare_digest refuses text beyond ASCII, which a sender may well send.
    return hmac.compare_digest(expected.encode(), _octets(given))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _fresh(stamp: str, now: datetime) -> datetime | None:
    """The time that a stamp of seconds since 1970 names, if it is near enough to now."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _MOST_DIGITS):
        return None
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        return None
    return datetime.fromtimestamp(int(stamp), UTC)
