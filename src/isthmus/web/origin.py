"""Whether a request that changes something comes from our own pages.

`SameSite` cookies are the first line; this is the second. With `Referrer-Policy: no-referrer` browsers send
`Origin: null` with our own forms, and tell `Sec-Fetch-Site` only over https and on loopback, so a form on a plain
http address proves itself by a value that only our page and our cookie share.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from isthmus.errors import NotAuthenticated
from isthmus.web.asgi import Scope, all_values
from isthmus.web.errors import Refusal
from isthmus.web.site import Site

FORM_FIELD = "form_token"


def require_same_site(scope: Scope, site: Site, *, form_proof: bool = False) -> None:
    """Raise Refusal 403 (`cross_site`) unless the request is known to come from our own origin.

    One contradiction refuses; otherwise one proof suffices: our `Origin`, `Sec-Fetch-Site: same-origin`, or
    `form_proof`.
    """
    origins = all_values(scope, b"origin")
    fetch_sites = all_values(scope, b"sec-fetch-site")
    foreign = any(origin not in (site.origin, "null") for origin in origins)
    foreign = foreign or any(fetch_site not in ("same-origin", "none") for fetch_site in fetch_sites)
    proven = site.origin in origins or "same-origin" in fetch_sites or form_proof
    if foreign or not proven:
        raise Refusal(
            403,
            code="cross_site",
            detail="The request does not come from a page of this server.",
            hint=f"Open {site.public_url} and start there; programs use an API key instead of a session.",
        )


def draw_form_secret() -> str:
    """A value for the form cookie."""
    return secrets.token_urlsafe(24)


def form_token(secret: str, path: str) -> str:
    """The value of the hidden field of the form that posts to `path`.

    Another text each time: in a compressed page, the size would otherwise tell a guess at it from a miss.
    """
    pad = secrets.token_bytes(32)
    return (pad + _xor(pad, _proof(secret, path))).hex()


def is_form_token(given: str, secret: str, path: str) -> bool:
    """Whether this form was made by us for this browser."""
    try:
        masked = bytes.fromhex(given)
    except ValueError:
        return False
    return (
        bool(secret) and len(masked) == 64 and hmac.compare_digest(_xor(masked[:32], masked[32:]), _proof(secret, path))
    )


def _proof(secret: str, path: str) -> bytes:
    return hmac.new(secret.encode("utf-8", "replace"), path.encode(), hashlib.sha256).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def is_prefetch(scope: Scope) -> bool:
    """Whether a browser only fetches in advance, without anybody having asked."""
    names = (b"sec-purpose", b"purpose", b"x-moz")
    return any("prefetch" in value.lower() for name in names for value in all_values(scope, name))


def unauthenticated() -> NotAuthenticated:
    """For a request that shows no credential at all."""
    return NotAuthenticated("The request shows no credential.")
