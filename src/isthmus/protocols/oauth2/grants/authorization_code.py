"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.5)."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.errors import InputError
from isthmus.expressions import Moment
from isthmus.protocols.oauth2.authorize import AuthorizationResponse
from isthmus.protocols.oauth2.clients import sent_client
from isthmus.protocols.oauth2.parameters import declared, merge
from isthmus.protocols.oauth2.pkce import check_verifier
from isthmus.protocols.oauth2.token import token_request
from isthmus.records import ClientCredentials, HttpRequest, Service


def authorization_code_request(
    service: Service,
    client: ClientCredentials,
    response: AuthorizationResponse,
    *,
    redirect_uri: str,
    verifier: str | None,
    scopes: Sequence[str] = (),
    moment: Moment | None = None,
) -> HttpRequest:
    """The request that turns a judged callback into tokens.

    `redirect_uri` and `verifier` are those of the authorization request. Raises InputError if the verifier is
    missing where the service uses PKCE, or as `token_request` does. `scopes` only fill a slot.
    """
    core = [
        ("grant_type", "authorization_code"),
        (service.code_parameter, response.code),
        (service.redirect_uri_parameter, redirect_uri),
    ]
    if service.pkce != "none":
        if verifier is None:
            raise InputError("The service uses PKCE, and no verifier was given.", field="verifier")
        check_verifier(verifier)
        core.append(("code_verifier", verifier))
    values = {
        "client_id": client.client_id,
        "client_secret": sent_client(service, client, moment).client_secret,
        "redirect_uri": redirect_uri,
        "code": response.code,
        "verifier": verifier or "",
        "scope": service.scope_delimiter.join(scopes),
    }
    extra = declared(service.token_parameters, values, moment)
    overridable = ("grant_type", service.redirect_uri_parameter)
    parameters = merge(core, extra, field="token_parameters", overridable=overridable)
    return token_request(service, client, parameters, endpoint=service.access_token_url, moment=moment)
