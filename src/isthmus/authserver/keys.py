"""API keys, tokens, codes and client secrets: how they look, how they are drawn, what is kept of them.

Each is a prefix that tells its kind, 43 random characters of base 62 (256 bits), `_` and 6 characters of checksum. The
checksum is no protection: it lets a mistyped key, and a string that never was one, be refused without asking the
database, and lets secret scanners recognise a leaked key.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib

API_KEY = "isk_"
ACCESS_TOKEN = "iat_"
REFRESH_TOKEN = "irt_"
AUTHORIZATION_CODE = "iac_"
DEVICE_CODE = "idc_"
REQUEST = "iar_"
CLIENT_SECRET = "ics_"
_PREFIX_LENGTH = 4
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS = frozenset(_ALPHABET)
_RANDOM_LENGTH = 43
_CHECKSUM_LENGTH = 6
_LENGTH = _PREFIX_LENGTH + _RANDOM_LENGTH + 1 + _CHECKSUM_LENGTH


def draw_key(prefix: str = API_KEY) -> str:
    """A new API key, or another secret of ours of the kind that `prefix` tells."""
    body = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{body}_{_checksum(body)}"


def is_well_formed(key: str, prefix: str = API_KEY) -> bool:
    """Whether this could be a secret of that kind at all: its shape and its checksum are right."""
    if len(key) != _LENGTH or not key.startswith(prefix) or key[-7] != "_":
        return False
    body = key[:-7]
    return _LETTERS.issuperset(body[_PREFIX_LENGTH:]) and key[-6:] == _checksum(body)


def draw_session_token() -> str:
    """256 random bits for a cookie, URL-safe."""
    return secrets.token_urlsafe(32)


def draw_id() -> str:
    """An identifier of 128 random bits; no secret."""
    return secrets.token_hex(16)


def secret_hash(token: str) -> str:
    """What is stored of a key or session token. Plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(body: str) -> str:
    rest = zlib.crc32(body.encode())
    letters = []
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, 62)
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))
