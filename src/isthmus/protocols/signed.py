"""A signed text: one line with an Ed25519 signature (RFC 8032), then the content that it is of.

The signature is judged over bytes, before anybody looks into them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from isthmus.errors import InputError

SEED_BYTES = 32
_HEAD = b"isthmus-signed-1 "
_SIGNATURE_TEXT = 88
_FIRST_LINE = len(_HEAD) + _SIGNATURE_TEXT + 1


def sign(content: bytes, purpose: bytes, key: bytes) -> bytes:
    """`content` with its signature, good for this purpose only. Raises InputError (`key_malformed`)."""
    signature = _private(key).sign(_signed(content, purpose))
    return _HEAD + base64.b64encode(signature) + b"\n" + content


def content_of(signed: bytes, purpose: bytes, keys: Sequence[str]) -> bytes:
    """The content, if one of these public keys signed it for this purpose.

    Raises InputError (`signature_missing`, `signature_wrong`), and nothing of the content was read then.
    """
    line, content = signed[:_FIRST_LINE], signed[_FIRST_LINE:]
    if len(line) != _FIRST_LINE or not line.startswith(_HEAD) or not line.endswith(b"\n"):
        raise InputError(
            "This is not a signed bundle.",
            code="signature_missing",
            hint="Give what `isthmus catalog bundle` wrote, whole.",
        )
    try:
        signature = base64.b64decode(line[len(_HEAD) : -1], validate=True)
    except binascii.Error:
        signature = b""
    whole = _signed(content, purpose)
    if len(signature) != 64 or not any(_holds(public, signature, whole) for public in keys):
        raise InputError(
            "The signature is by none of the keys that are trusted here, or the content was changed.",
            code="signature_wrong",
            hint="Ask the publisher for the bundle and the public key again; nothing of it was used.",
        )
    return content


def new_key(seed: bytes) -> bytes:
    """The private key of 32 random bytes, as PEM."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key(key: bytes) -> str:
    """The public key in base64, as settings take it. Raises InputError (`key_malformed`)."""
    return base64.b64encode(_private(key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _signed(content: bytes, purpose: bytes) -> bytes:
    return purpose + b"\n" + content


def _holds(public: str, signature: bytes, whole: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True)).verify(signature, whole)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _private(key: bytes) -> Ed25519PrivateKey:
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError(
            "The key is not an Ed25519 private key in PEM.",
            code="key_malformed",
            field="key",
            hint="Make one with `isthmus catalog key FILE`; one with a password cannot be used.",
        )
    return private
