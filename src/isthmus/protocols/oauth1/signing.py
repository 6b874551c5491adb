"""A request signed and the protocol parameters put in their place (RFC 5849 §3.1, §3.5)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from isthmus.errors import InputError
from isthmus.protocols.oauth1.signature import base_string, signature
from isthmus.protocols.placement import form_octets, place, with_headers
from isthmus.protocols.text import check_plain
from isthmus.protocols.urls import Pairs, encode, query_octets, split, without
from isthmus.records import ClientCredentials, HttpRequest, OAuth1Credential, Service

_PROTOCOL_PARAMETERS = (
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_version",
    "oauth_callback",
    "oauth_verifier",
    "oauth_body_hash",
)
_HASHES = {"HMAC-SHA256": hashlib.sha256}


def sign(
    service: Service,
    client: ClientCredentials,
    credential: OAuth1Credential | None,
    request: HttpRequest,
    *,
    nonce: str,
    timestamp: int,
    body_hash: bool = False,
) -> HttpRequest:
    """The request with its signature in header, query or form, as `service.param_type` says.

    Signed are the query and a form body, whether it comes as `form` or as bytes under a form content type; other
    bodies are not, unless `body_hash` asks for the `oauth_body_hash` extension. Protocol parameters that the
    request already carries are replaced. Every attempt, a retry too, needs a fresh nonce (§3.3).

    Raises InputError for PLAINTEXT without TLS, a missing client id, an unreadable key, or a form placement in a
    request that has no form.
    """
    extra: Pairs = ()
    if body_hash and form_octets(request) is None:
        digest = _HASHES.get(service.signature_method, hashlib.sha1)(request.body).digest()
        extra = (("oauth_body_hash", base64.b64encode(digest).decode("ascii")),)
    return sign_with(service, client, credential, request, nonce=nonce, timestamp=timestamp, extra=extra)


def sign_with(
    service: Service,
    client: ClientCredentials,
    credential: OAuth1Credential | None,
    request: HttpRequest,
    *,
    nonce: str,
    timestamp: int,
    extra: Sequence[tuple[str, str]] = (),
) -> HttpRequest:
    """As `sign`, with further protocol parameters (`oauth_callback`, `oauth_verifier`)."""
    _check(service, client, request, nonce)
    bare = _without_protocol_parameters(request)
    own = [
        ("oauth_consumer_key", client.client_id),
        *([("oauth_token", credential.token)] if credential else []),
        ("oauth_signature_method", service.signature_method),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_nonce", nonce),
        ("oauth_version", "1.0"),
        *extra,
    ]
    query = split(bare.url)[1] or ""
    signed = [*query_octets(query), *(form_octets(bare) or ()), *((n.encode(), v.encode()) for n, v in own)]
    text = base_string(bare.method, bare.url, signed)
    secret = credential.token_secret if credential else ""
    own.append(("oauth_signature", signature(service.signature_method, text, client.client_secret, secret)))
    if service.param_type == "header":
        return replace(bare, headers=with_headers(bare.headers, [("Authorization", _header(service.realm, own))]))
    return place(bare, service.param_type, own)


def _check(service: Service, client: ClientCredentials, request: HttpRequest, nonce: str) -> None:
    if not client.client_id:
        raise InputError(
            f"The service {service.link_name} has no client id (consumer key).",
            field="client_id",
            hint="Register at the provider and enter the key it gave.",
        )
    check_plain(client.client_id, field="client_id")
    check_plain(service.realm, field="realm")
    check_plain(request.url, field="url")
    if not nonce:
        raise InputError("No nonce was given.", field="nonce", hint="Draw a fresh one for each attempt.")
    if service.signature_method == "PLAINTEXT" and not request.url.lower().startswith("https://"):
        # RFC 5849 §3.4.4: the "signature" is the secrets themselves.
        raise InputError(
            "The signature method PLAINTEXT would send the secrets in the clear over http.",
            field="signature_method",
            hint="Use https, or an HMAC method.",
        )


def _without_protocol_parameters(request: HttpRequest) -> HttpRequest:
    address, query, fragment = split(request.url)
    headers = tuple(header for header in request.headers if header[0].lower() != "authorization")
    url = request.url
    if query is not None:
        url = f"{address}?{without(query, _PROTOCOL_PARAMETERS)}{fragment}"
    form, body = request.form, request.body
    if form is not None:
        form = tuple(pair for pair in form if pair[0].lower() not in _PROTOCOL_PARAMETERS)
    elif form_octets(request):
        text = body.decode("utf-8", "surrogateescape")
        body = without(text, _PROTOCOL_PARAMETERS).encode("utf-8", "surrogateescape")
    return replace(request, url=url, headers=headers, form=form, body=body)


def _header(realm: str, parameters: Pairs) -> str:
    # RFC 5849 §3.5.1; the realm is a quoted string and is not signed.
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    shown = [f'realm="{quoted}"'] if realm else []
    return "OAuth " + ", ".join([*shown, *(f'{encode(name)}="{encode(value)}"' for name, value in parameters)])
