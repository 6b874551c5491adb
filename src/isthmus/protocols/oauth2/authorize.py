"""The authorization request and response (RFC 6749 §4.1.1 and §4.1.2, RFC 7636 §4.3, RFC 9207)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from urllib.parse import urlencode

from isthmus.errors import ConnectError, InputError
from isthmus.expressions import Moment
from isthmus.protocols import callbacks
from isthmus.protocols.oauth2.parameters import declared, merge, scope_parameters
from isthmus.protocols.oauth2.pkce import challenge
from isthmus.protocols.text import has_control
from isthmus.protocols.urls import add_to_query
from isthmus.records import CallbackSignature, Service

_JUDGED = object()


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """A callback that passed `judge_callback`, the only maker of this record and the only way to a token request.

    `variables` are the callback parameters that the service wants kept (`Service.callback_copy`).
    """

    code: str = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    judged_by: InitVar[object] = None

    def __post_init__(self, judged_by: object) -> None:
        if judged_by is not _JUDGED:
            raise TypeError("Only judge_callback makes an AuthorizationResponse.")


def authorization_url(
    service: Service,
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    verifier: str | None,
    scopes: Sequence[str] = (),
    moment: Moment | None = None,
) -> str:
    """Where to send the person's browser (RFC 6749 §4.1.1).

    A query or fragment that the authorize URL already has is kept; the fragment stays last. `verifier` is needed
    unless the service says `pkce: none`, and is then not used.

    Raises InputError if something is missing or malformed, or if the service's authorize parameters would change
    one that the protocol sets.
    """
    for name, value in (("authorize_url", service.authorize_url), ("client_id", client_id), ("state", state)):
        if not value:
            raise InputError(
                f"There is no {name} for the service {service.link_name}.", field=name, hint="Complete the service."
            )
    core = [
        ("response_type", "code"),
        (service.client_id_parameter, client_id),
        (service.redirect_uri_parameter, redirect_uri),
        ("state", state),
        *scope_parameters(service, scopes),
        *_challenge_parameters(service, verifier),
    ]
    values = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": service.scope_delimiter.join(scopes),
    }
    extra = declared(service.authorize_parameters, values, moment)
    overridable = ("response_type", service.redirect_uri_parameter)
    parameters = merge(core, extra, field="authorize_parameters", overridable=overridable)
    return add_to_query(service.authorize_url, parameters, replacing=[name for name, _ in parameters])


def judge_callback(
    service: Service, parameters: Sequence[tuple[str, str]], *, state: str, client_secret: str = ""
) -> AuthorizationResponse:
    """The code out of the raw callback parameters, if they are the answer to the request with this `state`.

    State, issuer and signature are checked before an `error` is believed, so that nobody else can end the attempt.

    Raises ConnectError: `repeated_parameter`, `state_mismatch`, `issuer_mismatch`, `callback_signature_wrong`, `user_denied`,
    `authorization_refused` (the last two with `details` error and description, to be shown as text only) or
    `code_missing`. In each case the person starts the connection again.
    """
    given = callbacks.once(parameters)
    if not callbacks.same(given.get("state", ""), state):
        raise ConnectError(
            "The callback does not belong to an authorization that was started here.", code="state_mismatch"
        )
    _check_issuer(service, given.get("iss"))
    if service.callback_signature is not None:
        _check_signature(service.callback_signature, given, client_secret)
    if "error" in given:
        raise callbacks.refusal(given["error"], given.get("error_description", ""), denied=("access_denied",))
    code = given.get(service.callback_code, "")
    if not code or has_control(code):
        raise ConnectError("The provider sent no authorization code.", code="code_missing")
    variables = {
        variable: given[parameter] for variable, parameter in service.callback_copy.items() if given.get(parameter)
    }
    return AuthorizationResponse(code=code, variables=variables, judged_by=_JUDGED)


def _challenge_parameters(service: Service, verifier: str | None) -> list[tuple[str, str]]:
    if service.pkce == "none":
        return []
    if verifier is None:
        raise InputError("The service uses PKCE, and no verifier was given.", field="verifier")
    return [("code_challenge", challenge(verifier)), ("code_challenge_method", "S256")]


def _check_issuer(service: Service, issuer: str | None) -> None:
    # RFC 9207 §2.4: simple string comparison, no normalization.
    if issuer is None and service.issuer_in_response:
        raise ConnectError("The provider promises to name itself in the callback and did not.", code="issuer_mismatch")
    if issuer is not None and service.issuer and issuer != service.issuer:
        raise ConnectError("The callback was made by another provider than the one asked.", code="issuer_mismatch")


def _check_signature(rule: CallbackSignature, given: Mapping[str, str], secret: str) -> None:
    left_out = {rule.parameter, *rule.without}
    signed = urlencode(sorted((name, value) for name, value in given.items() if name not in left_out))
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    expected = digest.hex() if rule.encoding == "hex" else base64.b64encode(digest).decode()
    if not secret or not callbacks.same(given.get(rule.parameter, ""), expected):
        raise ConnectError(
            "The callback is not signed with the client secret of this service.",
            code="callback_signature_wrong",
            hint="Compare the client secret with the registration at the provider, and start the connection again.",
        )
