"""OAuth 1.0a signatures (RFC 5849 §3.4): base string and the four methods. Our own, checked against two others.

Works on octets, since a query need not be UTF-8 and the server signs what it received.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterable
from urllib.parse import quote, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from isthmus.errors import InputError
from isthmus.protocols.urls import encode, split

Octets = tuple[bytes, bytes]

_DEFAULT_PORTS = {"http": 80, "https": 443}
# What a sender leaves alone in a path; everything else (blanks, non-ASCII) travels percent-encoded.
_PATH_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))


def base_string(method: str, url: str, parameters: Iterable[Octets]) -> str:
    """The signature base string (RFC 5849 §3.4.1.1). `parameters` are all of them, decoded; the URL's query is not read."""
    return "&".join((encode(method.upper()), encode(base_string_uri(url)), encode(normalize(parameters))))


def base_string_uri(url: str) -> str:
    """The URL without query, default port and userinfo, scheme and host in lower case, the path as sent (§3.4.1.2).

    Raises InputError if it is no absolute http or https URL.
    """
    address, _, _ = split(url)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.netloc.rpartition("@")[2].lower()
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InputError("The URL to sign is not an absolute http or https URL.", field="url")
    # A port that is left empty (`host:`) counts as the default one, too.
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        host = host[: host.rindex("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return f"{parts.scheme}://{host}{quote(parts.path or '/', safe=_PATH_SAFE)}"


def normalize(parameters: Iterable[Octets]) -> str:
    """The parameters encoded, sorted by encoded name, then value, and joined (§3.4.1.3.2)."""
    encoded = sorted((encode(name), encode(value)) for name, value in parameters)
    return "&".join(f"{name}={value}" for name, value in encoded)


def signature(method: str, text: str, client_secret: str, token_secret: str) -> str:
    """The signature of a base string by a signature method.

    For RSA-SHA1 `client_secret` is the PEM private key and the token secret plays no part. Raises InputError for an
    unknown method or a key that cannot be read.
    """
    sign = METHODS.get(method)
    if sign is None:
        raise InputError(
            f"The signature method {method} is unknown.",
            field="signature_method",
            hint=f"Use one of {', '.join(METHODS)}.",
        )
    return sign(text, client_secret, token_secret)


def _shared_key(client_secret: str, token_secret: str) -> str:
    return f"{encode(client_secret)}&{encode(token_secret)}"


def _hmac_sha1(text: str, client_secret: str, token_secret: str) -> str:
    return _hmac("sha1", text, _shared_key(client_secret, token_secret))


def _hmac_sha256(text: str, client_secret: str, token_secret: str) -> str:
    return _hmac("sha256", text, _shared_key(client_secret, token_secret))


def _hmac(digest: str, text: str, key: str) -> str:
    return base64.b64encode(hmac.digest(key.encode("ascii"), text.encode("ascii"), digest)).decode("ascii")


def _rsa_sha1(text: str, client_secret: str, token_secret: str) -> str:
    # SHA-1 is what RFC 5849 §3.4.3 defines; only for services that demand it.
    signed = _private_key(client_secret).sign(text.encode("ascii"), PKCS1v15(), SHA1())  # noqa: S303
    return base64.b64encode(signed).decode("ascii")


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise InputError(
            "The client secret is not an RSA private key without a passphrase.",
            field="client_secret",
            hint="RSA-SHA1 signs with a private key: enter it in PEM form.",
        ) from None
    return key


def _plaintext(text: str, client_secret: str, token_secret: str) -> str:
    return _shared_key(client_secret, token_secret)


METHODS: dict[str, Callable[[str, str, str], str]] = {
    "HMAC-SHA1": _hmac_sha1,
    "HMAC-SHA256": _hmac_sha256,
    "RSA-SHA1": _rsa_sha1,
    "PLAINTEXT": _plaintext,
}
