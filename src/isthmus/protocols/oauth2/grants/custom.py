"""Grant types of a provider's own (RFC 6749 §4.5): the service declares the name and the parameters."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.expressions import Moment
from isthmus.protocols.oauth2.clients import sent_client
from isthmus.protocols.oauth2.parameters import declared, merge, scope_parameters
from isthmus.protocols.oauth2.token import token_request
from isthmus.records import ClientCredentials, HttpRequest, Service


def custom_grant_request(
    service: Service, client: ClientCredentials, *, scopes: Sequence[str] = (), moment: Moment | None = None
) -> HttpRequest:
    """The request with `service.grant_type` and `service.token_parameters`. Raises InputError as `token_request` does."""
    core = [("grant_type", service.grant_type), *scope_parameters(service, scopes)]
    values = {
        "client_id": client.client_id,
        "client_secret": sent_client(service, client, moment).client_secret,
        "scope": service.scope_delimiter.join(scopes),
    }
    extra = declared(service.token_parameters, values, moment)
    parameters = merge(core, extra, field="token_parameters")
    return token_request(service, client, parameters, endpoint=service.access_token_url, moment=moment)
