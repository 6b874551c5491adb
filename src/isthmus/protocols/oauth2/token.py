"""The token request and its answer (RFC 6749 §4.1.3, §5.1, §5.2, §6), and the many ways providers vary them.

A grant is a file in `grants/`: it builds a parameter list, and `token_request` turns that into a message. One
judge, `judge_token_answer`, serves them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.errors import InputError, ProtocolError
from isthmus.expressions import Moment, fill
from isthmus.protocols.answers import AnswerParts, error_text, error_word, read_answer, read_parts
from isthmus.protocols.oauth2.clients import authenticate
from isthmus.protocols.oauth2.expiry import read_expiry
from isthmus.protocols.placement import with_headers
from isthmus.protocols.text import clean, has_control
from isthmus.protocols.urls import Pairs, add_to_query
from isthmus.protocols.xml import write_xml
from isthmus.records import ClientCredentials, HttpRequest, HttpResponse, OAuth2Credential, Service, TokenResponse

TOKEN_CHARACTERS = 65_536
_TOKEN = re.compile(r"[\x21-\x7e]+")
_NO = ("false", "0", "no")
_GONE = frozenset({"invalid_grant"})


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A token endpoint's good answer.

    `expires_at` None means unknown, not for ever; `granted_scopes` None means that the provider did not say;
    `rotated` says that a refresh token came which is another than the previous one.
    """

    credential: OAuth2Credential
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    granted_scopes: tuple[str, ...] | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    rotated: bool = False
    identity: str = ""


def token_request(
    service: Service,
    client: ClientCredentials,
    parameters: Pairs,
    *,
    endpoint: str,
    authentication: str = "",
    moment: Moment | None = None,
) -> HttpRequest:
    """The request to a token-like endpoint: the grant's parameters, our authentication, the declared format.

    `authentication` is another method than the service's; `moment` is needed where something is signed or dated. GET always travels as a query. Raises InputError if the endpoint, client id or secret is missing, or a declared
    header is malformed.
    """
    if not endpoint:
        raise InputError(
            f"The service {service.link_name} has no URL for this request.",
            field="access_token_url",
            hint="Complete the service.",
        )
    shown = authenticate(service, client, method=authentication, moment=moment, audience=endpoint)
    ours = [name for name, _ in shown.parameters]
    fields = (*(pair for pair in parameters if pair[0] not in ours), *shown.parameters)
    values = {"client_id": client.client_id, "client_secret": client.client_secret}
    own = tuple((name, fill(text, values, moment=moment)) for name, text in service.token_request_headers.items())
    headers = with_headers((("Accept", "application/json"),), own)
    headers = with_headers(headers, shown.headers)
    method = service.token_request_method
    if method == "GET" or service.token_request_format == "query":
        return HttpRequest(method, add_to_query(endpoint, fields, replacing=[name for name, _ in fields]), headers)
    if service.token_request_format == "json":
        headers = with_headers((("Content-Type", "application/json"),), headers)
        return HttpRequest(method, endpoint, headers, json.dumps(dict(fields)).encode())
    if service.token_request_format == "xml":
        headers = with_headers((("Content-Type", "application/xml"),), headers)
        return HttpRequest(method, endpoint, headers, write_xml(service.token_request_root, list(fields)))
    return HttpRequest(method, endpoint, headers, form=fields)


def judge_token_answer(
    service: Service,
    response: HttpResponse,
    *,
    received_at: datetime,
    requested_scopes: Sequence[str] = (),
    previous_refresh_token: str | None = None,
) -> TokenAnswer:
    """The credential out of a token endpoint's answer, JSON, form or XML, at the paths that the service declares; a
    path such as `header:x-session` reads the answer's other parts.

    Without a refresh token in the answer the previous one is kept. `requested_scopes` only help to tell how the
    granted ones are separated.

    Raises ProtocolError: `provider_refused` where the provider gave an error (also inside HTTP 200), with `error`
    and `description`; `provider_answer_not_understood` for everything else. Nothing may be stored then.
    """
    rules = service.token_response
    elsewhere = any(part in rules.access_token for part in ("header:", "cookie:", "body:"))
    answer = read_parts(response) if elsewhere else AnswerParts(response, read_answer(response), "")
    refusal = _find_refusal(service, answer, response.status, previous_refresh_token)
    if refusal is not None:
        raise refusal
    access_token = answer.value(rules.access_token)
    if not _is_token(access_token):
        raise ProtocolError("The provider's answer holds no usable access token.", status=response.status)
    refresh_token = _read_refresh_token(answer.value(rules.refresh_token), response.status)
    expires_at = read_expiry(answer.value(rules.expires_in), rules, received_at)
    if expires_at is None and rules.default_expires_in is not None:
        expires_at = received_at + timedelta(seconds=rules.default_expires_in)
    return TokenAnswer(
        credential=OAuth2Credential(
            access_token=access_token,
            token_type=_read_token_type(answer.value(rules.token_type)),
            refresh_token=refresh_token or previous_refresh_token,
        ),
        expires_at=expires_at,
        refresh_expires_at=read_expiry(answer.value(rules.refresh_expires_in), _for_refresh_token(rules), received_at),
        granted_scopes=_read_scopes(service, answer.value(rules.scope), requested_scopes),
        variables=_copy(answer, rules.copy),
        rotated=refresh_token is not None and refresh_token != previous_refresh_token,
        identity=clean(answer.text(rules.identity) or "", limit=200),
    )


def judge_exchange(
    service: Service, rules: TokenResponse, response: HttpResponse, *, held: TokenAnswer, received_at: datetime
) -> TokenAnswer:
    """The answer `held` with what a further answer, read by `rules`, names in place of what it had.

    With an empty path for the access token only the rest is replaced. Raises ProtocolError as `judge_token_answer`.
    """
    if rules.access_token:
        answer = judge_token_answer(
            replace(service, token_response=rules),
            response,
            received_at=received_at,
            previous_refresh_token=held.credential.refresh_token,
        )
        told = answer.granted_scopes if answer.granted_scopes is not None else held.granted_scopes
        variables = {**held.variables, **answer.variables}
        return replace(answer, granted_scopes=told, variables=variables, identity=answer.identity or held.identity)
    parts = read_parts(response)
    expires_at = read_expiry(parts.value(rules.expires_in), rules, received_at)
    granted = _read_scopes(service, parts.value(rules.scope), ())
    return replace(
        held,
        expires_at=expires_at or held.expires_at,
        granted_scopes=granted if granted is not None else held.granted_scopes,
        variables={**held.variables, **_copy(parts, rules.copy)},
        identity=clean(parts.text(rules.identity) or "", limit=200) or held.identity,
    )


def is_grant_dead(error: ProtocolError, service: Service | None = None) -> bool:
    """True if the answer to a refresh says that the grant is gone, so that only the resource owner can help.

    That is `invalid_grant` (RFC 6749 §5.2) and the words in the service's `token_response.grant_gone`. A server
    that is failing or limiting (5xx, 429) is not believed.
    """
    status = error.status or 0
    if error.error is None or status >= 500 or status == 429:
        return False
    own = service.token_response.grant_gone if service is not None else ()
    return error.error in _GONE or error.error in own


def _find_refusal(service: Service, answer: AnswerParts, status: int, spent: str | None) -> ProtocolError | None:
    rules = service.token_response
    word = error_word(answer.value(rules.error))
    good = 200 <= status < 300
    if word is None and (not good or answer.value(rules.access_token) is None):
        word = error_word(answer.value("error"))
    if word is None and rules.ok is not None and _is_no(answer.value(rules.ok)):
        word = "error"
    if word is None and good:
        return None
    if word is None:
        return ProtocolError(f"The provider answered HTTP {status} without saying why.", status=status)
    described = (answer.value(rules.error_description), answer.value(rules.error), answer.value("message"))
    text = next((found for found in map(error_text, described) if found and found != word), None)
    # Some providers quote the token they refuse.
    if text and spent and len(spent) > 3:
        text = text.replace(spent, "…")
    return ProtocolError(
        "The provider refused the request for a token.",
        code="provider_refused",
        error=word,
        description=text,
        status=status,
        hint="See the provider's own words; client id, secret, redirect URL and scopes must match its registration.",
    )


def _for_refresh_token(rules: TokenResponse) -> TokenResponse:
    return rules if rules.refresh_expires_unit is None else replace(rules, expires_unit=rules.refresh_expires_unit)


def _is_no(value: Any) -> bool:
    return value is False or value == 0 or (isinstance(value, str) and value.lower() in _NO)


def _is_token(value: Any) -> bool:
    # RFC 6749 A.12 (VSCHAR), less the blank: it would end the token in a header.
    return isinstance(value, str) and len(value) <= TOKEN_CHARACTERS and _TOKEN.fullmatch(value) is not None


def _copy(answer: AnswerParts, paths: Mapping[str, str]) -> dict[str, str]:
    found = ((variable, answer.text(path)) for variable, path in paths.items())
    return {variable: value for variable, value in found if value is not None}


def _read_refresh_token(value: Any, status: int) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or has_control(value) or len(value) > TOKEN_CHARACTERS:
        raise ProtocolError("The provider's answer holds a refresh token that is not text.", status=status)
    return value


def _read_token_type(value: Any) -> str:
    return (clean(value, limit=40) or "Bearer") if isinstance(value, str) else "Bearer"


def _read_scopes(service: Service, value: Any, requested: Sequence[str]) -> tuple[str, ...] | None:
    if isinstance(value, list):
        names = [clean(name, limit=200) for name in value if isinstance(name, str)]
        return tuple(dict.fromkeys(name for name in names if name)) if len(names) == len(value) else None
    if not isinstance(value, str):
        return None
    declared = service.token_response.scope_delimiter
    delimiters = [declared] if declared else [service.scope_delimiter, " ", ","]
    # The declared delimiter of the request is often not that of the answer: the split that finds most of what was
    # asked for is right; the first wins a tie.
    splits = [_split(value, delimiter) for delimiter in delimiters]
    return max(splits, key=lambda names: len(set(names) & set(requested)))


def _split(value: str, delimiter: str) -> tuple[str, ...]:
    parts = value.split() if delimiter.isspace() else value.split(delimiter or None)
    names = (clean(part, limit=200) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name))
