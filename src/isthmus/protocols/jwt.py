"""JSON Web Tokens that we sign ourselves (RFC 7515, RFC 7519), in compact form; never one without a signature."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from isthmus.errors import InputError
from isthmus.expressions import Moment, fill, fill_structure
from isthmus.records import Jwt

_HASHES: dict[str, type[hashes.SHA256] | type[hashes.SHA384] | type[hashes.SHA512]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
_SHORTEST_RSA_BITS = 2048


def signed_jwt(jwt: Jwt, values: Mapping[str, str], moment: Moment) -> str:
    """The token, with `iat` and `exp` beside the declared claims (which win). A text of digits as `iat`, `exp` or `nbf`
    becomes the number that RFC 7519 wants.

    Raises InputError (`key_malformed`) for a key that does not fit the algorithm, and as `fill` does.
    """

    def fill_text(text: str) -> str:
        return fill(text, values, moment=moment)

    key = _key(fill_text(jwt.key), jwt.key_encoding)
    issued = int(moment.timestamp)
    claims = {"iat": issued, "exp": issued + jwt.seconds, **fill_structure(dict(jwt.claims), fill_text)}
    for name in ("iat", "exp", "nbf"):
        if isinstance(claims.get(name), str) and claims[name].isdigit():
            claims[name] = int(claims[name])
    algorithm = jwt.algorithm or algorithm_of(key)
    header = {"alg": algorithm, "typ": "JWT", **fill_structure(dict(jwt.header), fill_text)}
    signing_input = f"{_encode_json(header)}.{_encode_json(claims)}"
    return f"{signing_input}.{_encode(_sign(algorithm, key, signing_input.encode()))}"


def algorithm_of(key: bytes) -> str:
    """The usual algorithm for a private key in PEM. Raises InputError (`key_malformed`)."""
    private = _private_key(key, "a JWT")
    if isinstance(private, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    curve = getattr(getattr(private, "curve", None), "name", "")
    found = next((algorithm for algorithm, name in _CURVES.items() if name == curve), None)
    if found is None:
        raise _malformed("The private key is of a kind that JWTs do not use.")
    return found


def claims_of(token: Any) -> Mapping[str, Any] | None:
    """The claims of a JWT, unverified: only for one that came straight from its issuer over TLS. None for anything else."""
    if not isinstance(token, str) or token.count(".") != 2 or len(token) > 100_000:
        return None
    middle = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _sign(algorithm: str, key: bytes, data: bytes) -> bytes:
    if algorithm.startswith("HS"):
        return hmac.digest(key, data, f"sha{algorithm[2:]}")
    private = _private_key(key, algorithm)
    signers: dict[str, Callable[[Any, bytes, str], bytes]] = {
        "RS": _sign_rsa,
        "PS": _sign_rsa,
        "ES": _sign_ec,
        "Ed": _sign_ed25519,
    }
    return signers[algorithm[:2]](private, data, algorithm)


def _sign_rsa(key: Any, data: bytes, algorithm: str) -> bytes:
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _SHORTEST_RSA_BITS:
        raise _malformed(f"{algorithm} needs an RSA private key of at least {_SHORTEST_RSA_BITS} bits.")
    digest = _HASHES[algorithm[2:]]()
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.startswith("PS"):
        scheme = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
    return key.sign(data, scheme, digest)


def _sign_ec(key: Any, data: bytes, algorithm: str) -> bytes:
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != _CURVES[algorithm]:
        raise _malformed(f"{algorithm} needs a private key on the curve {_CURVES[algorithm]}.")
    first, second = decode_dss_signature(key.sign(data, ec.ECDSA(_HASHES[algorithm[2:]]())))
    size = (key.key_size + 7) // 8  # RFC 7518 §3.4: the two numbers, each as long as the curve's order
    return first.to_bytes(size, "big") + second.to_bytes(size, "big")


def _sign_ed25519(key: Any, data: bytes, algorithm: str) -> bytes:
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise _malformed(f"{algorithm} needs an Ed25519 private key.")
    return key.sign(data)


def _private_key(key: bytes, what: str) -> Any:
    try:
        return load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _malformed(f"The key for {what} is not an unencrypted private key in PEM.") from None


def _key(text: str, encoding: str) -> bytes:
    try:
        if encoding == "hex":
            return bytes.fromhex(text)
        if encoding == "base64":
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise _malformed(f"The key is not {encoding}.") from None
    # A key pasted from a JSON file often has its line breaks as two characters each.
    return (text.replace("\\n", "\n") if text.startswith("-----BEGIN") else text).encode()


def _malformed(what: str) -> InputError:
    return InputError(
        f"The signing key does not fit: {what}",
        code="key_malformed",
        field="key",
        hint="Enter the key as the third party gave it.",
    )


def _encode_json(document: Mapping[str, Any]) -> str:
    return _encode(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
