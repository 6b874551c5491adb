"""ID tokens of an OpenID provider, judged: signature, issuer, audience, times and nonce (OpenID Connect Core §3.1.3.7)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from isthmus.authserver.jose import Unverified, fits, read_header, verify

SKEW_SECONDS = 60
LONGEST_SUBJECT = 255
_OLDEST_SECONDS = 600
_TYPES = (None, "JWT", "jwt", "application/jwt")


class UnknownKey(Unverified):
    """The token names a key that the provider did not publish when its keys were read."""


def judge_id_token(
    token: str, keys: Sequence[Mapping[str, Any]], *, issuer: str, client_id: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims of a token that this issuer made for us, for this very attempt. Raises Unverified, which says why."""
    claims = _verified(token, keys)
    if claims.get("iss") != issuer:
        raise Unverified("it is of another issuer")
    _check_audience(claims, client_id)
    _check_times(claims, now.timestamp())
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise Unverified("it belongs to another attempt")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise Unverified("it does not say who it is about")
    return claims


def _verified(token: str, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    header = read_header(token)
    if header.get("typ") not in _TYPES:
        raise Unverified("it is a token of another kind")
    named = header.get("kid")
    candidates = [key for key in keys if key.get("use", "sig") == "sig" and fits(header["alg"], key)]
    if named is not None:
        candidates = [key for key in candidates if key.get("kid") == named]
    if not candidates:
        raise UnknownKey("its key is not among the issuer's")
    for key in candidates[:-1]:
        try:
            return verify(token, header, key)
        except Unverified:
            continue
    return verify(token, header, candidates[-1])


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    given = claims.get("aud")
    audience = given if isinstance(given, list) else [given]
    if client_id not in audience:
        raise Unverified("it is for another client")
    party = claims.get("azp")
    if party is None and len(audience) > 1:
        raise Unverified("it is for several clients and does not say which one asked")
    if party is not None and party != client_id:
        raise Unverified("another client asked for it")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, issued = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    if expires is None or issued is None:
        raise Unverified("it does not say how long it holds")
    if expires + SKEW_SECONDS <= now:
        raise Unverified("it has expired")
    begins = _seconds(claims.get("nbf", issued))
    if begins is None or max(begins, issued) - SKEW_SECONDS > now:
        raise Unverified("it is not valid yet")
    if now - issued > _OLDEST_SECONDS:
        raise Unverified("it was made long before this attempt")


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 else None
