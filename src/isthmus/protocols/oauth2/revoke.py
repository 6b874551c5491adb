"""Token revocation (RFC 7009)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from isthmus.errors import InputError, ProtocolError
from isthmus.expressions import Moment
from isthmus.protocols.answers import error_text, error_word, read_answer, value_at
from isthmus.protocols.oauth2.clients import authenticate
from isthmus.protocols.placement import with_headers
from isthmus.records import ClientCredentials, HttpRequest, HttpResponse, Service

TokenHint = Literal["access_token", "refresh_token"]


def revocation_request(
    service: Service,
    client: ClientCredentials,
    token: str,
    *,
    hint: TokenHint | None = None,
    moment: Moment | None = None,
) -> HttpRequest:
    """The request that asks the provider to end a token (RFC 7009 §2.1): always POST with a form.

    Raises InputError if the service has no revoke URL, or a client id or secret is missing.
    """
    if not service.revoke_token_url:
        raise InputError(
            f"The service {service.link_name} has no URL to revoke tokens at.",
            field="revoke_token_url",
            hint="Remove the access at the provider's own pages.",
        )
    shown = authenticate(service, client, moment=moment, audience=service.revoke_token_url)
    hints = [("token_type_hint", hint)] if hint else []
    return HttpRequest(
        "POST",
        service.revoke_token_url,
        with_headers((("Accept", "application/json"),), shown.headers),
        form=(("token", token), *hints, *shown.parameters),
    )


def judge_revocation(response: HttpResponse, service: Service | None = None) -> bool:
    """True if the token is dead; False if the provider cannot revoke this kind of token (`unsupported_token_type`).

    A token that the provider does not know (any more) counts as dead. With `service`, an error inside HTTP 200 is
    looked for at the service's paths. Raises ProtocolError otherwise: it may be tried again.
    """
    answer = _read(response)
    word = error_word(answer.get("error"))
    if service is not None:
        rules = service.token_response
        word = word or error_word(value_at(answer, rules.error))
        if word is None and rules.ok is not None and value_at(answer, rules.ok) is False:
            word = "error"
    if word == "invalid_token" or (word is None and 200 <= response.status < 300):
        return True
    if word == "unsupported_token_type":
        return False
    raise ProtocolError(
        f"The provider did not revoke the token (HTTP {response.status}).",
        code="provider_refused" if word else None,
        error=word,
        description=error_text(answer.get("error_description")),
        status=response.status,
        hint="Try again, or remove the access at the provider's own pages.",
    )


def _read(response: HttpResponse) -> Mapping[str, Any]:
    # RFC 7009 §2.2: the body of a good answer means nothing, and most send none.
    try:
        return read_answer(response)
    except ProtocolError:
        return {}
