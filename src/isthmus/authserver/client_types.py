"""What each type of client is and may do: which grants, how it proves itself, which redirect URIs it may have."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from isthmus.errors import InputError
from isthmus.records import ClientType

CODE = "authorization_code"
REFRESH = "refresh_token"
CLIENT_CREDENTIALS = "client_credentials"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = (CODE, REFRESH, CLIENT_CREDENTIALS, DEVICE)

_LONGEST_URI = 2000
_MOST_URIS = 50
_CUSTOM_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one type of client. `confidential` ones keep a secret or a private key; the others prove nothing but PKCE."""

    title: str
    sentence: str
    confidential: bool
    grant_types: tuple[str, ...]
    redirects: bool
    loopback: bool = False
    custom_schemes: bool = False


RULES: dict[ClientType, Rules] = {
    "server_based": Rules(
        "Server-based (Web based)",
        "A web application whose own server keeps the client secret.",
        confidential=True,
        grant_types=(CODE, REFRESH, CLIENT_CREDENTIALS),
        redirects=True,
        loopback=True,
    ),
    "browser": Rules(
        "Client-based",
        "An application that runs entirely in the browser and can keep no secret.",
        confidential=False,
        grant_types=(CODE, REFRESH),
        redirects=True,
        loopback=True,
    ),
    "mobile": Rules(
        "Mobile",
        "An application installed on a phone or desktop.",
        confidential=False,
        grant_types=(CODE, REFRESH),
        redirects=True,
        loopback=True,
        custom_schemes=True,
    ),
    "device": Rules(
        "Non-browser device",
        "A television, printer or terminal without a browser: the person enters a code elsewhere.",
        confidential=False,
        grant_types=(DEVICE, REFRESH),
        redirects=False,
    ),
    "self": Rules(
        "Self client",
        "Your own scripts and jobs: you generate a code here and no redirect is needed.",
        confidential=True,
        grant_types=(CODE, REFRESH, CLIENT_CREDENTIALS),
        redirects=False,
    ),
}


def check_redirect_uris(client_type: ClientType, uris: tuple[str, ...]) -> None:
    """Raise InputError (field `redirect_uris`) unless each is one that this type of client may have (RFC 8252 §7)."""
    rules = RULES[client_type]
    if not rules.redirects and uris:
        raise _wrong("This type of client has no redirect URI.", "Leave the list empty.")
    if rules.redirects and not uris:
        raise _wrong("This type of client needs a redirect URI.", "Give the address people are sent back to.")
    if len(uris) > _MOST_URIS:
        raise _wrong(f"A client has at most {_MOST_URIS} redirect URIs.", "Remove some.")
    for uri in uris:
        _check_redirect_uri(rules, uri)


def is_loopback(uri: str) -> bool:
    """Whether the URI leads to this very machine by address: `http://127.0.0.1...` or `http://[::1]...`."""
    parts = urlsplit(uri)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def matches_redirect(registered: str, given: str) -> bool:
    """Exact equality (RFC 9700 §2.1); only the port of a loopback address may differ (RFC 8252 §7.3)."""
    if registered == given:
        return True
    if not is_loopback(registered) or not given.isascii() or len(given) > _LONGEST_URI:
        return False
    return _without_port(registered) == _without_port(given) is not None


def _without_port(uri: str) -> str | None:
    match = re.fullmatch(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?((?:/[^#\s\\]*)?)", uri)
    return match.group(1) + match.group(2) if match else None


def _check_redirect_uri(rules: Rules, uri: str) -> None:
    if not 1 <= len(uri) <= _LONGEST_URI or not uri.isascii() or not uri.isprintable() or re.search(r"[\s\\<>\"]", uri):
        raise _wrong("A redirect URI is malformed.", "Write it in plain ASCII, like https://example.com/callback.")
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise _wrong(f"The redirect URI {uri} is malformed.", "Write it like https://example.com/callback.") from None
    if "#" in uri:
        raise _wrong(f"The redirect URI {uri} has a fragment.", "Remove the part from # on.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _wrong(f"The redirect URI {uri} holds a user name.", "Remove the part before @.")
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http":
        if rules.loopback and is_loopback(uri) and _without_port(uri):
            return
        raise _wrong(
            f"The redirect URI {uri} must use https.", "Only http://127.0.0.1 and http://[::1] may do without it."
        )
    if rules.custom_schemes and _CUSTOM_SCHEME.fullmatch(parts.scheme):
        return
    hint = "Use https, or a scheme that is a reversed domain name, like com.example.app:/callback."
    raise _wrong(
        f"The redirect URI {uri} has a scheme that is not allowed.", hint if rules.custom_schemes else "Use https."
    )


def _wrong(message: str, hint: str) -> InputError:
    return InputError(message, code="redirect_uri_refused", field="redirect_uris", hint=hint)
