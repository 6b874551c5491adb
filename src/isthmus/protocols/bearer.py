"""An OAuth 2 access token in a request (RFC 6750 §2), at the place and under the name the service declares."""

from __future__ import annotations

from isthmus.protocols.placement import place
from isthmus.records import HttpRequest, LoginCredential, OAuth2Credential, Service


def bearer_request(
    service: Service, credential: OAuth2Credential | LoginCredential, request: HttpRequest
) -> HttpRequest:
    """The request with the token. Raises InputError if the request has no form for a form placement."""
    if service.param_type == "header":
        return place(request, "header", (bearer_header(service, credential),))
    # "Authorization" is the default of another placement; RFC 6750 §2.2 and §2.3 call the parameter access_token.
    name = "access_token" if service.param_name == "Authorization" else service.param_name
    return place(request, service.param_type, ((name, credential.access_token),))


def bearer_header(service: Service, credential: OAuth2Credential | LoginCredential) -> tuple[str, str]:
    """Header name and value. A prefix that ends in a letter or digit is set off by a blank (`Bearer x`, but `token=x`)."""
    prefix = service.param_prefix
    blank = " " if prefix and prefix[-1].isalnum() else ""
    return service.param_name, f"{prefix}{blank}{credential.access_token}"
