"""Proof Key for Code Exchange, S256 (RFC 7636). `plain` does not exist here."""

from __future__ import annotations

import base64
import hashlib
import re

from isthmus.errors import InputError

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def check_verifier(verifier: str) -> None:
    """Raise InputError unless the verifier is 43 to 128 unreserved characters (RFC 7636 §4.1)."""
    if not _VERIFIER.fullmatch(verifier):
        raise InputError(
            "The PKCE verifier is not usable.",
            field="verifier",
            hint="Draw 43 to 128 random characters out of letters, digits, `-`, `.`, `_` and `~`.",
        )


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2). Raises InputError like `check_verifier`."""
    check_verifier(verifier)
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
