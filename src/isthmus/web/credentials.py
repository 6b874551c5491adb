"""What a request shows to say who it is: an API key in one of its places, or a session cookie; never two.

RFC 6750 §2: a token in the query is not accepted, and two ways in one request are refused.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Literal

from isthmus.authserver.keys import ACCESS_TOKEN, API_KEY
from isthmus.errors import NotAuthenticated
from isthmus.web.asgi import RawHeaders
from isthmus.web.errors import Refusal


@dataclass(frozen=True, slots=True)
class Shown:
    """A credential as it was shown."""

    kind: Literal["key", "bound", "session"]
    value: str = field(repr=False)
    proof: str = field(default="", repr=False)


def read_authorization(value: bytes, *, basic: bool = False) -> str:
    """The API key in an `Authorization` value: `Bearer KEY`, `token KEY`, and with `basic` also HTTP Basic with the
    key as user name or password, which is what some SDKs can send.

    Raises NotAuthenticated where there is none.
    """
    scheme, _, rest = value.partition(b" ")
    scheme = scheme.lower()
    if scheme in (b"bearer", b"token"):
        return rest.strip().decode("latin-1")
    if basic and scheme == b"basic":
        return _key_in_basic(rest.strip())
    raise NotAuthenticated("The Authorization header holds no API key.", code="authorization_scheme_unknown")


def find_credential(headers: RawHeaders, session_cookie: str) -> Shown | None:
    """The one credential of a request to our API.

    Raises Refusal 400 (`two_credentials`) for more than one, NotAuthenticated for one that cannot be read.
    """
    shown: list[Shown] = []
    for name, value in headers:
        if name == b"authorization":
            bound = read_bound(value, headers)
            shown.append(bound or Shown("key", read_authorization(value)))
        elif name == b"isthmus-key":
            shown.append(Shown("key", value.strip().decode("latin-1")))
    cookie = read_cookies(headers).get(session_cookie)
    if cookie:
        shown.append(Shown("session", cookie))
    if len(shown) > 1:
        raise two_credentials()
    return shown[0] if shown else None


def read_bound(value: bytes, headers: RawHeaders) -> Shown | None:
    """An access token with the proof that goes with it (RFC 9449 §7.1); None for every other scheme.

    Raises NotAuthenticated (`invalid_dpop_proof`) unless there is exactly one proof.
    """
    scheme, _, token = value.partition(b" ")
    if scheme.lower() != b"dpop":
        return None
    proofs = [content for name, content in headers if name == b"dpop"]
    if len(proofs) != 1:
        raise NotAuthenticated("The request has no DPoP proof, or several.", code="invalid_dpop_proof")
    return Shown("bound", token.strip().decode("latin-1"), proofs[0].decode("latin-1"))


def read_cookies(headers: RawHeaders) -> dict[str, str]:
    """The cookies by name. A name that came twice is left out: one of the two was planted by somebody else."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in headers:
        if name != b"cookie":
            continue
        for pair in value.decode("latin-1").split(";"):
            key, equals, content = pair.strip().partition("=")
            if not equals:
                continue
            if key in found:
                twice.add(key)
            found[key] = content.strip('"')
    return {key: content for key, content in found.items() if key not in twice}


def two_credentials() -> Refusal:
    """For a request that shows more than one credential."""
    return Refusal(
        400,
        code="two_credentials",
        detail="The request shows more than one credential.",
        hint="Send the API key in one place only, and not together with a session cookie.",
        headers={"WWW-Authenticate": 'Bearer realm="isthmus", error="invalid_request"'},
    )


def _key_in_basic(encoded: bytes) -> str:
    try:
        username, _, password = b64decode(encoded, validate=True).decode("latin-1").partition(":")
    except (binascii.Error, ValueError):
        username = password = ""
    for candidate in (username, password):
        if candidate.startswith((API_KEY, ACCESS_TOKEN)):
            return candidate
    raise NotAuthenticated("The Authorization header holds no API key.", code="authorization_scheme_unknown")
