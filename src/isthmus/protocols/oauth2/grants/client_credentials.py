"""The client credentials grant (RFC 6749 §4.4)."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.expressions import Moment
from isthmus.protocols.oauth2.clients import sent_client
from isthmus.protocols.oauth2.parameters import declared, merge, scope_parameters
from isthmus.protocols.oauth2.token import token_request
from isthmus.records import ClientCredentials, HttpRequest, Service


def client_credentials_request(
    service: Service, client: ClientCredentials, *, scopes: Sequence[str] = (), moment: Moment | None = None
) -> HttpRequest:
    """The request for a token of our own. Raises InputError as `token_request` does."""
    core = [("grant_type", "client_credentials"), *scope_parameters(service, scopes)]
    values = {
        "client_id": client.client_id,
        "client_secret": sent_client(service, client, moment).client_secret,
        "scope": service.scope_delimiter.join(scopes),
    }
    extra = declared(service.token_parameters, values, moment)
    parameters = merge(core, extra, field="token_parameters", overridable=("grant_type",))
    return token_request(service, client, parameters, endpoint=service.access_token_url, moment=moment)
