"""Refreshing an access token (RFC 6749 §6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isthmus.errors import InputError
from isthmus.expressions import Moment
from isthmus.protocols.oauth2.clients import sent_client
from isthmus.protocols.oauth2.parameters import declared, merge, scope_parameters
from isthmus.protocols.oauth2.token import token_request
from isthmus.records import ClientCredentials, HttpRequest, Service


def refresh_request(
    service: Service,
    client: ClientCredentials,
    *,
    refresh_token: str,
    scopes: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
    moment: Moment | None = None,
) -> HttpRequest:
    """The request that spends a refresh token, at the refresh URL or else the token URL.

    Without `scopes` the provider keeps those it granted, which is what most want; `values` fill further slots of the
    service's refresh parameters. Raises InputError as `token_request` does.
    """
    if not refresh_token:
        raise InputError("There is no refresh token to spend.", field="refresh_token", hint="Connect again.")
    core = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), *scope_parameters(service, scopes)]
    known = {
        **(values or {}),
        "client_id": client.client_id,
        "client_secret": sent_client(service, client, moment).client_secret,
        "refresh_token": refresh_token,
    }
    extra = declared(service.refresh_parameters, known, moment)
    overridable = ("grant_type",)
    parameters = merge(core, extra, field="refresh_parameters", overridable=overridable)
    endpoint = service.refresh_token_url or service.access_token_url
    authentication = service.refresh_client_authentication or ""
    return token_request(service, client, parameters, endpoint=endpoint, authentication=authentication, moment=moment)
