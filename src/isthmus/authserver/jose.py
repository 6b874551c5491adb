"""Signed JSON of clients: explicit algorithms, and only keys that we already hold or that the proof itself is about."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from isthmus.errors import InputError

ALGORITHMS: dict[str, tuple[str, ...]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "RS256": ("RSA",),
    "PS256": ("RSA",),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Algorithm -> the kind of key it goes with. Nothing symmetric, and never `none`."""

_KINDS: dict[str, type[ECKey] | type[RSAKey] | type[OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
_PUBLIC = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LONGEST = 16_000
_LEAST_RSA_BITS = 2048


class Unverified(Exception):
    """The token does not verify; the text says why, and holds nothing of the token."""


def read_header(token: str) -> Mapping[str, Any]:
    """The protected header of a compact JWS, judged but not verified: an allowed algorithm, no critical extension.

    Raises Unverified.
    """
    if len(token) > _LONGEST or token.count(".") != 2 or not token.isascii():
        raise Unverified("it is no signed JWT")
    try:
        encoded = token.partition(".")[0]
        header = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError:
        raise Unverified("its header cannot be read") from None
    if not isinstance(header, dict) or header.get("alg") not in ALGORITHMS:
        raise Unverified("its algorithm is not allowed")
    if "crit" in header or "b64" in header:
        raise Unverified("it asks for an extension that is not known")
    return header


def verify(token: str, header: Mapping[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a token whose signature holds under this public key. Raises Unverified."""
    algorithm = header["alg"]
    if not fits(algorithm, key):
        raise Unverified("its key is not for its algorithm")
    try:
        found = jws.deserialize_compact(token, public_key(key), algorithms=[algorithm])
        claims = json.loads(found.payload)
    except (JoseError, ValueError, TypeError):
        raise Unverified("its signature does not hold") from None
    if not isinstance(claims, dict):
        raise Unverified("it holds no claims")
    return claims


def public_key(key: Mapping[str, Any]) -> ECKey | RSAKey | OKPKey:
    """The key of a JWK. Raises Unverified where it is none of ours, holds a private part or is too short."""
    kind = key.get("kty")
    if kind not in _KINDS or _PRIVATE & key.keys() or not all(isinstance(key.get(name), str) for name in _PUBLIC[kind]):
        raise Unverified("its key is no public key of an allowed kind")
    try:
        made = _KINDS[kind].import_key({"kty": kind, **{name: key[name] for name in _PUBLIC[kind]}})
        if isinstance(made, RSAKey) and made.public_key.key_size < _LEAST_RSA_BITS:
            raise Unverified("its key is too short")
        return made
    except (JoseError, ValueError, TypeError):
        raise Unverified("its key cannot be read") from None


def thumbprint(key: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a public key (RFC 7638)."""
    return public_key(key).thumbprint()


def read_key_set(value: object) -> dict[str, Any] | None:
    """A JWK set as a client registers it: public keys only, at most ten; None stays None.

    Raises InputError (field `keys`).
    """
    if value is None:
        return None
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= 10:
        raise _wrong("This takes a JWK set with one to ten keys.")
    kept = []
    for key in keys:
        if not isinstance(key, Mapping) or not any(fits(algorithm, key) for algorithm in ALGORITHMS):
            raise _wrong("A key is of a kind that cannot be used.")
        if _PRIVATE & key.keys():
            raise _wrong("A key holds its private part, which nobody else should have.")
        try:
            public_key(key)
        except Unverified:
            raise _wrong("A key cannot be read.") from None
        named = {name: str(key[name])[:200] for name in ("kid", "alg") if name in key}
        kept.append({"kty": key["kty"], **{name: key[name] for name in _PUBLIC[key["kty"]]}, **named})
    return {"keys": kept}


def fits(algorithm: str, key: Mapping[str, Any]) -> bool:
    """Whether this key is one for that algorithm."""
    kind, *curves = ALGORITHMS[algorithm]
    return key.get("kty") == kind and (not curves or key.get("crv") in curves) and key.get("alg") in (None, algorithm)


def _wrong(message: str) -> InputError:
    return InputError(
        message, code="keys_malformed", field="keys", hint='Send {"keys": [...]} with public EC, RSA or Ed25519 keys.'
    )
