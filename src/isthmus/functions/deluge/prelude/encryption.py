"""Digests, and texts encoded for URLs and Base64."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from isthmus.functions.deluge.prelude.files import content_text
from isthmus.functions.deluge.prelude.host import ask
from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.texts import part_of
from isthmus.functions.deluge.prelude.values import File, unfit

MAX_DIGESTED = 1024 * 1024
HEX = "0123456789ABCDEF"
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"


def bytes_of(value: Any, name: str) -> bytes:
    """What a digest is made of."""
    if type(value) is File:
        return bytes(value.content)
    if value is None:
        unfit(name, value)
    return text(value).encode("utf-8")


def as_asked(digest: bytes, encoding: Any, name: str) -> str:
    """A digest in hexadecimal digits, or raw: a character for each byte."""
    if encoding in (None, "hex"):
        return digest.hex()
    if encoding == "binary":
        return "".join([chr(byte) for byte in digest])
    if encoding == "base64":
        return base64.b64encode(digest).decode("utf-8")
    raise ValueError("'" + name + "' function: the encoding is hex, base64 or binary.")


def digested(function: Any, x: Any, encoding: Any, name: str) -> str:
    """A digest of a text or file."""
    content = bytes_of(x, name)
    if encoding == "binary" and len(content) > MAX_DIGESTED:
        raise ValueError("'" + name + "' function: the input is over the limit of 1 MB.")
    return as_asked(function(content).digest(), encoding, name)


def f_zoho_encryption_md5(x: Any, encoding: Any = None) -> str:
    return digested(hashlib.md5, x, encoding, "md5")


def f_zoho_encryption_sha1(x: Any, encoding: Any = None) -> str:
    return digested(hashlib.sha1, x, encoding, "sha1")


def f_zoho_encryption_sha256(x: Any, encoding: Any = None) -> str:
    return digested(hashlib.sha256, x, encoding, "sha256")


def f_zoho_encryption_sha512(x: Any, encoding: Any = None) -> str:
    return digested(hashlib.sha512, x, encoding, "sha512")


def keyed_digest(algorithm: str, key: Any, x: Any, encoding: Any) -> str:
    """An HMAC: the key first, then what is signed."""
    name = "hmac" + algorithm
    return as_asked(ask("hmac", algorithm, bytes_of(key, name), bytes_of(x, name)), encoding, name)


def f_zoho_encryption_hmacmd5(key: Any, x: Any, encoding: Any = None) -> str:
    return keyed_digest("md5", key, x, encoding)


def f_zoho_encryption_hmacsha1(key: Any, x: Any, encoding: Any = None) -> str:
    return keyed_digest("sha1", key, x, encoding)


def f_zoho_encryption_hmacsha256(key: Any, x: Any, encoding: Any = None) -> str:
    return keyed_digest("sha256", key, x, encoding)


def f_zoho_encryption_hmacsha512(key: Any, x: Any, encoding: Any = None) -> str:
    return keyed_digest("sha512", key, x, encoding)


def percent_encoded(value: str, space: str) -> str:
    """A text as a URL carries it."""
    if all([c in UNRESERVED for c in value]):
        return value
    parts = []
    for byte in value.encode("utf-8"):
        sign = chr(byte)
        if sign in UNRESERVED:
            parts.append(sign)
        elif byte == 32:
            parts.append(space)
        else:
            parts.append("%" + HEX[byte >> 4] + HEX[byte & 15])
    return "".join(parts)


def f_encodeurl(x: Any) -> str:
    return percent_encoded(part_of(x, "encodeUrl"), "+")


def f_zoho_encryption_urlencode(x: Any) -> Any:
    return percent_encoded(x, "%20") if type(x) is str else None


def f_zoho_encryption_urldecode(x: Any) -> Any:
    if type(x) is not str:
        return None
    parts = x.replace("+", " ").split("%")
    shown = [parts[0].encode("utf-8")]
    for part in parts[1:]:
        try:
            shown.append(bytes.fromhex(part[:2]) + part[2:].encode("utf-8"))
        except ValueError:
            shown.append(("%" + part).encode("utf-8"))
    return b"".join(shown).decode("utf-8", "replace")


def f_zoho_encryption_base64encode(x: Any) -> str:
    return base64.b64encode(bytes_of(x, "base64Encode")).decode("utf-8")


def f_zoho_encryption_base64decode(x: Any) -> str:
    written = content_text(x) if type(x) is File else part_of(x, "base64Decode")
    try:
        return base64.b64decode(written).decode("utf-8", "replace")
    except Exception:
        raise ValueError("'base64Decode' function: the text is not Base64.")


def f_zoho_encryption_aesencode(key: Any, x: Any) -> Any:
    raise ValueError("'aesEncode' function is not available: how it makes its key is not documented.")


def f_zoho_encryption_aesdecode(key: Any, x: Any) -> Any:
    raise ValueError("'aesDecode' function is not available: how it makes its key is not documented.")


def f_zoho_encryption_generaterandomuuid() -> str:
    drawn = [byte for byte in ask("random", 16)]
    drawn[6] = drawn[6] % 16 + 64
    drawn[8] = drawn[8] % 64 + 128
    digits = "".join([HEX[byte >> 4].lower() + HEX[byte & 15].lower() for byte in drawn])
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
