"""The three legs of OAuth 1.0a (RFC 5849 §2): temporary credentials, the person's consent, token credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any

from isthmus.errors import ConnectError, InputError, ProtocolError
from isthmus.expressions import fill
from isthmus.protocols import callbacks
from isthmus.protocols.answers import error_text, error_word, read_answer, text_at
from isthmus.protocols.oauth1.signing import sign_with
from isthmus.protocols.placement import with_headers
from isthmus.protocols.text import has_control
from isthmus.protocols.urls import Pairs, add_to_query, decode
from isthmus.records import ClientCredentials, HttpRequest, HttpResponse, OAuth1Credential, Service

_JUDGED = object()
_DENIED = ("access_denied", "user_denied", "user_refused", "permission_denied")
_PROBLEM = re.compile(r'\boauth_problem=(?:"([^"]{1,200})"|([^\s,"]{1,200}))')


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """What the provider gave for one attempt (§2.1); kept sealed until the callback."""

    token: str = field(repr=False)
    token_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedCallback:
    """A callback that passed `judge_callback`, the only maker of this record and the only way to token credentials."""

    token: str = field(repr=False)
    verifier: str = field(repr=False)
    judged_by: InitVar[object] = None

    def __post_init__(self, judged_by: object) -> None:
        if judged_by is not _JUDGED:
            raise TypeError("Only judge_callback makes a VerifiedCallback.")


def temporary_credentials_request(
    service: Service,
    client: ClientCredentials,
    *,
    callback: str,
    nonce: str,
    timestamp: int,
    scopes: Sequence[str] = (),
) -> HttpRequest:
    """The signed request for temporary credentials; `oauth_callback` is always sent (§2.1). `scopes` only fill a slot
    of the service's `request_token_parameters`, which go into the form, or into the query of a GET.

    Raises InputError if the service has no request token URL, or as `sign` does.
    """
    request = _endpoint_request(service, service.request_token_url, "request_token_url")
    if service.request_token_parameters:
        values = {"client_id": client.client_id, "scope": service.scope_delimiter.join(scopes)}
        filled = tuple((name, fill(text, values)) for name, text in service.request_token_parameters.items())
        if request.method == "GET":
            url = add_to_query(request.url, filled, replacing=[name for name, _ in filled])
            request = replace(request, url=url)
        else:
            request = replace(request, form=filled)
    extra = (("oauth_callback", callback),)
    return sign_with(service, client, None, request, nonce=nonce, timestamp=timestamp, extra=extra)


def judge_temporary_credentials(response: HttpResponse) -> TemporaryCredentials:
    """The temporary credentials out of the answer.

    Raises ProtocolError: `provider_refused` with the provider's `oauth_problem`; `provider_answer_not_understood`
    otherwise, also without `oauth_callback_confirmed=true`: such a server speaks 1.0, whose hole 1.0a closed.
    """
    answer = _read(response)
    token, secret = _token_pair(answer, response.status)
    if str(answer.get("oauth_callback_confirmed", "")).lower() != "true":
        raise ProtocolError(
            "The provider did not confirm the callback (oauth_callback_confirmed), as OAuth 1.0a requires.",
            status=response.status,
        )
    return TemporaryCredentials(token, secret)


def authorization_url(
    service: Service,
    temporary: TemporaryCredentials,
    *,
    client_id: str = "",
    redirect_uri: str = "",
    scopes: Sequence[str] = (),
) -> str:
    """Where to send the person's browser (§2.2), with the service's authorize parameters and the scopes, if any.
    `client_id` and `redirect_uri` only fill slots.

    Raises InputError if the service has no authorize URL or its authorize parameters would set `oauth_token`.
    """
    if not service.authorize_url:
        raise _incomplete(service, "authorize_url")
    parameters: dict[str, str] = {}
    values = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": service.scope_delimiter.join(scopes),
    }
    if scopes:
        parameters[service.scope_parameter] = values["scope"]
    for name, text in service.authorize_parameters.items():
        value = fill(text, values)
        if name == "oauth_token" or (name in parameters and parameters[name] != value):
            raise InputError(
                f"The service's authorize_parameters may not set {name}.",
                code="reserved_parameter",
                field="authorize_parameters",
                hint=f"Remove {name} from authorize_parameters.",
            )
        parameters[name] = value
    pairs = [("oauth_token", temporary.token), *parameters.items()]
    return add_to_query(service.authorize_url, pairs, replacing=[name for name, _ in pairs])


def judge_callback(parameters: Sequence[tuple[str, str]], *, token: str) -> VerifiedCallback:
    """The verifier out of the raw callback parameters, if they belong to the temporary credentials `token` (§2.2).

    Raises ConnectError: `repeated_parameter`, `token_mismatch`, `user_denied`, `authorization_refused`,
    `verifier_missing`.
    """
    given = callbacks.once(parameters)
    # Some providers name the token in `denied` when the person declines, and leave `oauth_token` out.
    if not callbacks.same(given.get("oauth_token") or given.get("denied", ""), token):
        raise ConnectError(
            "The callback does not belong to an authorization that was started here.", code="token_mismatch"
        )
    problem = "access_denied" if "denied" in given else given.get("oauth_problem") or given.get("error")
    if problem:
        text = given.get("oauth_problem_advice") or given.get("error_description", "")
        raise callbacks.refusal(problem, text, denied=_DENIED)
    verifier = given.get("oauth_verifier", "")
    if not verifier or has_control(verifier):
        raise ConnectError("The provider sent no verifier (oauth_verifier).", code="verifier_missing")
    return VerifiedCallback(token=token, verifier=verifier, judged_by=_JUDGED)


def token_credentials_request(
    service: Service,
    client: ClientCredentials,
    temporary: TemporaryCredentials,
    verified: VerifiedCallback,
    *,
    nonce: str,
    timestamp: int,
) -> HttpRequest:
    """The signed request that turns a verified callback into token credentials (§2.3).

    Raises ConnectError (`token_mismatch`) if the callback belongs to other temporary credentials, InputError as
    `sign` does.
    """
    if not callbacks.same(verified.token, temporary.token):
        raise ConnectError("The callback belongs to another attempt.", code="token_mismatch")
    request = _endpoint_request(service, service.access_token_url, "access_token_url")
    credential = OAuth1Credential(temporary.token, temporary.token_secret)
    extra = (("oauth_verifier", verified.verifier),)
    return sign_with(service, client, credential, request, nonce=nonce, timestamp=timestamp, extra=extra)


def judge_token_credentials(response: HttpResponse) -> tuple[OAuth1Credential, Mapping[str, str]]:
    """The credential, and what else the answer tells (a user id, a name), less all `oauth_` fields.

    Raises ProtocolError as `judge_temporary_credentials` does.
    """
    answer = _read(response)
    token, secret = _token_pair(answer, response.status)
    told = ((name, text_at({"it": value}, "it")) for name, value in answer.items())
    extra = {name: value for name, value in told if value is not None and not name.startswith("oauth_")}
    return OAuth1Credential(token, secret), extra


def _endpoint_request(service: Service, url: str, field: str) -> HttpRequest:
    if not url:
        raise _incomplete(service, field)
    headers: Pairs = tuple(service.token_request_headers.items())
    method = service.token_request_method
    form = () if service.param_type == "form" else None
    return HttpRequest(method, url, with_headers((), headers), form=form)


def _incomplete(service: Service, field: str) -> InputError:
    return InputError(
        f"The service {service.link_name} has no {field.replace('_', ' ')}.", field=field, hint="Complete the service."
    )


def _read(response: HttpResponse) -> Mapping[str, Any]:
    word, text = None, None
    try:
        answer = read_answer(response)
        word = error_word(answer.get("oauth_problem")) or error_word(answer.get("error"))
        text = error_text(answer.get("oauth_problem_advice")) or error_text(answer.get("error_description"))
    except ProtocolError:
        if 200 <= response.status < 300:
            raise
        answer = {}
    if word is None and not 200 <= response.status < 300:
        word = _problem_in_header(response)
    if word is None and 200 <= response.status < 300:
        return answer
    raise ProtocolError(
        f"The provider refused the request for credentials (HTTP {response.status}).",
        code="provider_refused" if word else None,
        error=word,
        description=text,
        status=response.status,
        hint="Consumer key, secret, signature method and callback URL must match the registration; the clock must be right.",
    )


def _problem_in_header(response: HttpResponse) -> str | None:
    found = _PROBLEM.search(response.header("www-authenticate") or "")
    return error_word(decode(found[1] or found[2]).decode("utf-8", "replace")) if found else None


def _token_pair(answer: Mapping[str, Any], status: int) -> tuple[str, str]:
    token, secret = text_at(answer, "oauth_token"), text_at(answer, "oauth_token_secret")
    # RFC 5849 §3.4.2: the secret may be empty, but it must be there.
    if not token or secret is None:
        raise ProtocolError("The provider's answer holds no oauth_token with an oauth_token_secret.", status=status)
    return token, secret
