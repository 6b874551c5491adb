"""What the two callback judges share: parameters given once, and a provider's refusal in its own words."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence

from isthmus.errors import ConnectError
from isthmus.protocols.text import clean


def once(parameters: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The callback's parameters by name. Raises ConnectError if one is repeated (RFC 6749 §3.1)."""
    named = dict(parameters)
    if len(named) != len(parameters):
        raise ConnectError(
            "The callback gives a parameter more than once, which an honest provider does not do.",
            code="repeated_parameter",
        )
    return named


def same(given: str, expected: str) -> bool:
    """Equality in constant time; an empty expectation matches nothing."""
    # surrogatepass: a callback may hold anything, and an encoding fault would be an unexpected error.
    return bool(expected) and hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )


def refusal(error: str, description: str, *, denied: Iterable[str]) -> ConnectError:
    """The provider's `error` as a ConnectError: `user_denied` for the words in `denied`, else `authorization_refused`."""
    details = {"error": clean(error, limit=100), "description": clean(description)}
    if error in set(denied):
        return ConnectError(
            "The person, or the provider on their behalf, declined the authorization.",
            code="user_denied",
            hint="Start the connection again and agree to the request.",
            details=details,
        )
    return ConnectError(
        "The provider refused the authorization.",
        code="authorization_refused",
        hint="Compare the client id, scopes and redirect URL with the registration at the provider.",
        details=details,
    )
