"""Client authentication at the token endpoint (RFC 6749 §2.3): a registry of small functions by name.

A further method (`private_key_jwt`, `tls`) is one more function here or in a file of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote_plus

from isthmus.errors import InputError
from isthmus.expressions import Moment
from isthmus.protocols.jwt import signed_jwt
from isthmus.protocols.text import check_plain
from isthmus.records import ClientCredentials, Headers, Jwt, Service

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 120


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """What a method adds to a token request."""

    headers: Headers = field(default=(), repr=False)
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def authenticate(
    service: Service, client: ClientCredentials, *, method: str = "", moment: Moment | None = None, audience: str = ""
) -> ClientAuthentication:
    """Headers and parameters that show who we are, as `method` or else `service.client_authentication` says.

    Where the service declares a `client_jwt`, what is sent for the secret is a JWT signed with it; `client_secret` is
    then the key. `private_key_jwt` (RFC 7523 §2.2) signs one for `audience`, the endpoint. Both need a `moment`.
    Raises InputError if the method is not supported yet, or the client id or secret that it needs is missing.
    """
    named = method or service.client_authentication
    known = METHODS.get(named)
    _require(client.client_id, "client_id", service)
    check_plain(client.client_id, field="client_id")
    if named == "private_key_jwt":
        return _private_key_jwt(service, client, moment, audience)
    if known is None:
        raise InputError(
            f"Client authentication by {named} is not yet supported.",
            code="not_supported",
            field="client_authentication",
            hint=f"Use one of {', '.join([*METHODS, 'private_key_jwt'])}.",
        )
    client = sent_client(service, client, moment)
    check_plain(client.client_secret, field="client_secret")
    return known(service, client)


def sent_client(service: Service, client: ClientCredentials, moment: Moment | None) -> ClientCredentials:
    """The client as it shows itself: with a JWT in place of the secret where the service declares one."""
    if service.client_jwt is None or moment is None:
        return client
    values = {"client_id": client.client_id, "client_secret": client.client_secret}
    return replace(client, client_secret=signed_jwt(service.client_jwt, values, moment))


def _private_key_jwt(
    service: Service, client: ClientCredentials, moment: Moment | None, audience: str
) -> ClientAuthentication:
    _require(client.client_secret, "client_secret", service)
    if moment is None:
        raise InputError("This request cannot be signed here.", code="not_supported", field="client_authentication")
    claims = {"iss": "${client_id}", "sub": "${client_id}", "aud": audience, "jti": "${random(16)}"}
    jwt = service.client_jwt or Jwt("", "${client_secret}", claims=claims, seconds=_ASSERTION_SECONDS)
    values = {"client_id": client.client_id, "client_secret": client.client_secret}
    return ClientAuthentication(
        parameters=(
            (service.client_id_parameter, client.client_id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", signed_jwt(jwt, values, moment)),
        )
    )


def _basic(service: Service, client: ClientCredentials) -> ClientAuthentication:
    # RFC 6749 §2.3.1: each half is form-encoded first, so that a colon in the id is not the separator.
    _require(client.client_secret, "client_secret", service)
    return _basic_header(quote_plus(client.client_id), quote_plus(client.client_secret))


def _basic_raw(service: Service, client: ClientCredentials) -> ClientAuthentication:
    if ":" in client.client_id:
        raise InputError(
            "A client id with a colon cannot be sent raw.",
            field="client_id",
            hint="Set client authentication to basic, which encodes it.",
        )
    return _basic_header(client.client_id, client.client_secret)


def _post(service: Service, client: ClientCredentials) -> ClientAuthentication:
    _require(client.client_secret, "client_secret", service)
    return ClientAuthentication(
        parameters=(
            (service.client_id_parameter, client.client_id),
            (service.client_secret_parameter, client.client_secret),
        )
    )


def _declared(service: Service, client: ClientCredentials) -> ClientAuthentication:
    return ClientAuthentication()


def _none(service: Service, client: ClientCredentials) -> ClientAuthentication:
    return ClientAuthentication(parameters=((service.client_id_parameter, client.client_id),))


def _basic_header(user: str, password: str) -> ClientAuthentication:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return ClientAuthentication(headers=(("Authorization", f"Basic {pair}"),))


def _require(value: str, name: str, service: Service) -> None:
    if not value:
        raise InputError(
            f"The service {service.link_name} has no {name.replace('_', ' ')}.",
            field=name,
            hint="Register at the provider and enter what it gave; for a client without a secret set client"
            " authentication to none.",
        )


METHODS: dict[str, Callable[[Service, ClientCredentials], ClientAuthentication]] = {
    "basic": _basic,
    "basic_raw": _basic_raw,
    "post": _post,
    "none": _none,
    "declared": _declared,
}
