"""Proofs of possession: DPoP (RFC 9449) and client assertions (RFC 7523), each accepted once over all processes."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeGuard
from urllib.parse import urlsplit, urlunsplit

from isthmus.authserver.jose import Unverified, read_header, thumbprint, verify
from isthmus.errors import OAuthError, SealBroken
from isthmus.records import Client
from isthmus.storage.contract import Storage
from isthmus.vault import Vault

PROOF_SECONDS = 60
ASSERTION_SECONDS = 300
NONCE_SECONDS = 300
_SKEW = timedelta(seconds=10)
_NONCE_PLACE = {"table": "proofs", "row": "dpop", "field": "nonce"}
_LONGEST_ID = 500


class NonceNeeded(OAuthError):
    """The proof has to be made again with the nonce given here (RFC 9449 §8)."""

    def __init__(self, nonce: str) -> None:
        super().__init__(
            "The DPoP proof must carry the nonce of this answer.",
            code="use_dpop_nonce",
            hint="Make the proof again, with the nonce of the header DPoP-Nonce.",
        )
        self.nonce = nonce


class Proofs:
    """Judges proofs. Nonces are the time, sealed: every process can tell which are recent, and keeps none."""

    def __init__(self, *, storage: Storage, vault: Vault, clock: Callable[[], datetime], issuer: str) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._issuer = issuer

    def draw_nonce(self) -> str:
        at = int(self._clock().timestamp()).to_bytes(8, "big")
        return urlsafe_b64encode(self._vault.seal(at, **_NONCE_PLACE)).decode().rstrip("=")

    async def dpop_thumbprint(self, proof: str, *, method: str, url: str, access_token: str | None = None) -> str:
        """The thumbprint of the key that made this proof for this very request (RFC 9449 §4.3).

        Raises OAuthError `invalid_dpop_proof`, and NonceNeeded where the proof lacks a recent nonce of ours.
        """
        try:
            header, claims = _read_dpop(proof)
            _check_dpop(claims, method, url, access_token, self._clock())
        except Unverified as problem:
            raise OAuthError(f"The DPoP proof is refused: {problem}.", code="invalid_dpop_proof") from None
        if not self._is_recent(claims.get("nonce")):
            raise NonceNeeded(self.draw_nonce())
        mark = f"dpop {thumbprint(header['jwk'])} {claims['jti']}"
        if not await self._is_new(mark, timedelta(seconds=2 * PROOF_SECONDS)):
            raise OAuthError("The DPoP proof was used before.", code="invalid_dpop_proof")
        return thumbprint(header["jwk"])

    async def check_assertion(self, client: Client, assertion: str) -> None:
        """Raise OAuthError `invalid_client` unless this client signed the assertion, for us, and shows it first."""
        try:
            claims = _verify_any(assertion, client)
            _check_assertion(claims, client.client_id, self._issuer, self._clock())
        except Unverified as problem:
            raise OAuthError(f"The client assertion is refused: {problem}.", code="invalid_client") from None
        mark = f"assertion {client.client_id} {claims['jti']}"
        if not await self._is_new(mark, timedelta(seconds=ASSERTION_SECONDS) + 2 * _SKEW):
            raise OAuthError("The client assertion was used before.", code="invalid_client")

    async def _is_new(self, mark: str, kept: timedelta) -> bool:
        digest = hashlib.sha256(mark.encode("utf-8", "surrogatepass")).hexdigest()
        return await self._storage.note_proof(digest, expires_at=self._clock() + kept)

    def _is_recent(self, nonce: object) -> bool:
        if not isinstance(nonce, str) or len(nonce) > 200:
            return False
        try:
            sealed = urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
            made_at = int.from_bytes(self._vault.open(sealed, **_NONCE_PLACE), "big")
        except (ValueError, SealBroken):
            return False
        return abs(self._clock().timestamp() - made_at) <= NONCE_SECONDS


def _read_dpop(proof: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    header = read_header(proof)
    if header.get("typ") != "dpop+jwt":
        raise Unverified("its type is not dpop+jwt")
    if not isinstance(header.get("jwk"), dict):
        raise Unverified("it holds no key")
    return header, verify(proof, header, header["jwk"])


def _check_dpop(claims: Mapping[str, Any], method: str, url: str, access_token: str | None, now: datetime) -> None:
    if claims.get("htm") != method:
        raise Unverified("it is for another method")
    if _normal(claims.get("htu")) != _normal(url):
        raise Unverified("it is for another address")
    if not _is_id(claims.get("jti")):
        raise Unverified("it has no identifier")
    made_at = claims.get("iat")
    if not _is_time(made_at) or abs(now.timestamp() - made_at) > PROOF_SECONDS:
        raise Unverified("it was not made just now")
    if access_token is not None:
        digest = hashlib.sha256(access_token.encode()).digest()
        wanted = urlsafe_b64encode(digest).decode().rstrip("=")
        given = claims.get("ath")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Unverified("it is for another access token")


def _verify_any(assertion: str, client: Client) -> dict[str, Any]:
    """The claims, under whichever of the client's own keys fits. The header may choose by `kid`, never bring a key."""
    header = read_header(assertion)
    if header.keys() & {"jwk", "jku", "x5u", "x5c"}:
        raise Unverified("it brings a key of its own")
    keys = (client.keys or {}).get("keys", [])
    chosen = [key for key in keys if "kid" not in header or key.get("kid") in (None, header["kid"])]
    for key in chosen:
        try:
            return verify(assertion, header, key)
        except Unverified:
            continue
    raise Unverified("no registered key fits its signature")


def _check_assertion(claims: Mapping[str, Any], client_id: str, issuer: str, now: datetime) -> None:
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise Unverified("issuer and subject are not the client")
    if claims.get("aud") != issuer:
        raise Unverified("its audience must be our issuer, alone and as text")
    ends, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    if not _is_time(ends) or ends <= now.timestamp() - _SKEW.total_seconds():
        raise Unverified("it has expired")
    if ends > (now + timedelta(seconds=ASSERTION_SECONDS) + _SKEW).timestamp():
        raise Unverified(f"it lives longer than {ASSERTION_SECONDS} s")
    if not _is_time(begins) or begins > (now + _SKEW).timestamp():
        raise Unverified("it is not valid yet")
    if not _is_id(claims.get("jti")):
        raise Unverified("it has no identifier")


def _normal(url: object) -> str | None:
    """The address without query and fragment, scheme and host in lower case, without the scheme's own port."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    shown = "" if port in (None, standard) else f":{port}"
    return urlunsplit((parts.scheme, f"{host}{shown}", parts.path or "/", "", ""))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST_ID


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11
