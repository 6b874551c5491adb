"""Attaching a credential to an API request: one function for all authentication types."""

from __future__ import annotations

from isthmus.errors import InputError
from isthmus.expressions import Moment, is_dynamic
from isthmus.protocols.api_key import header_pairs, parameters_request, travels_in_headers
from isthmus.protocols.basic import basic_headers
from isthmus.protocols.bearer import bearer_header, bearer_request
from isthmus.protocols.oauth1 import sign
from isthmus.protocols.placement import place, with_checked_headers, with_headers
from isthmus.records import (
    ApiKeyCredential,
    BasicCredential,
    ClientCredentials,
    Credential,
    Headers,
    HttpRequest,
    LoginCredential,
    OAuth1Credential,
    OAuth2Credential,
    Service,
)


def attach(
    service: Service,
    client: ClientCredentials,
    credential: Credential,
    request: HttpRequest,
    *,
    nonce: str,
    timestamp: int,
) -> HttpRequest:
    """The request with the credential at the place the service declares; the rest of it is left as it was.

    What the caller gave under the same name (header, query or form parameter, in any case) is replaced. `nonce`
    and `timestamp` (seconds) matter where `needs_moment`: attach last, and again for every attempt.

    Raises InputError if a value is missing or cannot stand in its place, or if the request has no form to put it in.
    """
    moment = Moment(timestamp, nonce)
    if service.parameters:
        request = parameters_request(service, credential.values, request, moment)
    elif isinstance(credential, ApiKeyCredential):
        raise _no_parameters()
    if isinstance(credential, OAuth2Credential | LoginCredential):
        return bearer_request(service, credential, request)
    if isinstance(credential, BasicCredential):
        return place(request, "header", basic_headers(service, credential, moment))
    if isinstance(credential, ApiKeyCredential):
        return request
    signer = credential if credential.token else None
    hashed = service.signature_body_hash
    return sign(service, client, signer, request, nonce=nonce, timestamp=timestamp, body_hash=hashed)


def attach_ready(request: HttpRequest, headers: Headers) -> HttpRequest:
    """The request with these `ready_headers`: what `attach` makes of it, without working the headers out again."""
    given = with_checked_headers(request.headers, headers)
    return HttpRequest(request.method, request.url, given, request.body, request.form)


def needs_moment(service: Service, credential: Credential) -> bool:
    """Whether attaching wants a fresh nonce and the time: a signature, or a template with `now` or `random`."""
    if isinstance(credential, OAuth1Credential):
        return True
    halves = (service.username_template, service.password_template) if isinstance(credential, BasicCredential) else ()
    return any(map(is_dynamic, (*halves, *(parameter.template for parameter in service.parameters))))


def ready_headers(service: Service, credential: Credential) -> Headers | None:
    """The headers that carry the credential whatever the request, or None if headers alone cannot.

    None where each request is signed or dated, and where something goes elsewhere than into a header. Raises
    InputError if a value is missing or cannot stand in a header.
    """
    if needs_moment(service, credential) or not travels_in_headers(service):
        return None
    headers = with_headers((), header_pairs(service, credential.values))
    if isinstance(credential, BasicCredential):
        return with_headers(headers, basic_headers(service, credential))
    if isinstance(credential, OAuth2Credential | LoginCredential):
        if service.param_type != "header":
            return None
        return with_headers(headers, (bearer_header(service, credential),))
    if not service.parameters:
        raise _no_parameters()
    return headers


def _no_parameters() -> InputError:
    return InputError("The service declares no parameters.", field="parameters", hint="Complete the service.")
