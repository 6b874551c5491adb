"""One file per grant type: each builds a parameter list and hands it to `token_request`.

`grant_request` serves the grants that need no person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from isthmus.errors import InputError
from isthmus.expressions import Moment
from isthmus.protocols.oauth2.grants.authorization_code import authorization_code_request
from isthmus.protocols.oauth2.grants.client_credentials import client_credentials_request
from isthmus.protocols.oauth2.grants.custom import custom_grant_request
from isthmus.protocols.oauth2.grants.refresh import refresh_request
from isthmus.records import ClientCredentials, HttpRequest, Service

__all__ = [
    "PERSON_GRANTS",
    "authorization_code_request",
    "client_credentials_request",
    "custom_grant_request",
    "grant_request",
    "refresh_request",
]

PERSON_GRANTS = frozenset({"authorization_code", "urn:ietf:params:oauth:grant-type:device_code"})
"""Grant types for which a person has to consent first."""

_NOT_HERE = frozenset({"refresh_token", "implicit", "password"})
_REQUESTS: dict[str, Callable[..., HttpRequest]] = {"client_credentials": client_credentials_request}


def grant_request(
    service: Service, client: ClientCredentials, *, scopes: Sequence[str] = (), moment: Moment | None = None
) -> HttpRequest:
    """The token request of a service whose grant type needs no person; unknown grant types go by their parameters.

    Raises InputError for a grant type that needs a person or cannot begin a connection, or if something is missing.
    """
    if service.grant_type in PERSON_GRANTS or service.grant_type in _NOT_HERE or not service.grant_type:
        raise InputError(
            f"The grant type {service.grant_type or '(none)'} does not give a token without a person.",
            field="grant_type",
            hint="Connect by the authorize URL, or declare another grant type.",
        )
    build = _REQUESTS.get(service.grant_type, custom_grant_request)
    return build(service, client, scopes=scopes, moment=moment)
