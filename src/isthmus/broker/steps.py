"""Requests written as data, carried out: steps after connecting, logins, and refreshes of a service's own kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from isthmus.broker.exchange import Exchange, Failure
from isthmus.broker.services import Registered, Resolved, Services
from isthmus.broker.tokens import draw_moment
from isthmus.catalog.slots import learn
from isthmus.errors import InputError, OutboundError, ProtocolError
from isthmus.expressions import Moment, fill
from isthmus.protocols.attach import attach
from isthmus.protocols.jwt import signed_jwt
from isthmus.protocols.oauth2.token import TokenAnswer, judge_token_answer
from isthmus.protocols.steps import StepAnswer, fill_step, judge_step, step_request
from isthmus.records import (
    BasicCredential,
    Credential,
    HttpRequest,
    HttpResponse,
    LoginCredential,
    OAuth2Credential,
    Step,
)

_NOT_A_REFUSAL = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Held:
    """What the steps of one grant may use: its credential, what was entered, and the scopes that were asked for."""

    credential: Credential | None = field(default=None, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    scopes: Sequence[str] = ()
    redirect_uri: str = ""

    def slots(self, resolved: Resolved) -> dict[str, str]:
        """The names that steps may use, with their values."""
        known = {
            **self.values,
            "client_id": resolved.client.client_id,
            "client_secret": resolved.client.client_secret,
            "scope": resolved.service.scope_delimiter.join(resolved.scopes(self.scopes)),
            "redirect_uri": self.redirect_uri,
        }
        credential = self.credential
        if isinstance(credential, OAuth2Credential | LoginCredential):
            known["access_token"] = credential.access_token
        if isinstance(credential, OAuth2Credential) and credential.refresh_token:
            known["refresh_token"] = credential.refresh_token
        if isinstance(credential, BasicCredential):
            known |= {"username": credential.username, "password": credential.password}
        return known


class Steps:
    """Sends steps to the service's own hosts, and judges what comes back."""

    def __init__(self, *, exchange: Exchange, services: Services, clock: Callable[[], datetime]) -> None:
        self._exchange = exchange
        self._services = services
        self._clock = clock

    async def send(self, resolved: Resolved, step: Step, held: Held) -> HttpResponse:
        """The answer to one step. Raises InputError for a slot without a value, OutboundError."""
        return await self._exchange.send(resolved, self.request(resolved, step, held))

    def request(self, resolved: Resolved, step: Step, held: Held) -> HttpRequest:
        """The request of a step. Raises InputError for a slot without a value."""
        moment = draw_moment(self._clock())
        return self._request(resolved, fill_step(step, held.slots(resolved), moment), held.credential, moment)

    async def login(self, registered: Registered, variables: Mapping[str, str], held: Held) -> TokenAnswer | Failure:
        """The token that a login with these entered values brings; in its `variables` what was learnt on the way.

        A refusal is final (`grant_dead`): a login that is tried again and again locks the account at many places.
        Raises InputError for a value that is missing or a key that cannot sign.
        """
        sent_at = self._clock()
        resolved = self._services.resolve(registered, variables, partial=True)
        login = resolved.service.login
        if login is None:
            raise InputError("The service does not say how to log in.", field="login", hint="Complete the service.")
        known = held.slots(resolved)
        learnt: dict[str, str] = {}
        if login.jwt is not None:
            known["jwt"] = signed_jwt(login.jwt, known, draw_moment(sent_at))
        response: HttpResponse | None = None
        for number in range(len(login.requests)):
            resolved = self._services.resolve(registered, {**variables, **learnt}, partial=True)
            step = (resolved.service.login or login).requests[number]
            outcome = await self._login_request(resolved, step, known)
            if isinstance(outcome, Failure):
                return outcome
            response, answer = outcome
            known |= answer.values
            declared = {variable.name for variable in registered.service.variables}
            learnt |= learn(registered.service, {k: v for k, v in answer.values.items() if k in declared})
        return self._token(resolved, known, learnt, response, sent_at)

    async def _login_request(
        self, resolved: Resolved, step: Step, known: Mapping[str, str]
    ) -> tuple[HttpResponse, StepAnswer] | Failure:
        moment = draw_moment(self._clock())
        try:
            request = self._request(resolved, fill_step(step, known, moment), None, moment)
            response = await self._exchange.send(resolved, request)
        except OutboundError as problem:
            return Failure(problem, None, maybe_spent=False)
        try:
            answer = judge_step(step, response)
            if answer.missing and not step.optional:
                raise _nothing_found(answer.missing, response)
        except ProtocolError as problem:
            return self._failure(resolved, response, problem)
        return response, answer

    def _token(
        self,
        resolved: Resolved,
        known: Mapping[str, str],
        learnt: Mapping[str, str],
        response: HttpResponse | None,
        sent_at: datetime,
    ) -> TokenAnswer | Failure:
        login = resolved.service.login
        assert login is not None
        if response is not None and not login.token:
            try:
                answer = judge_token_answer(resolved.service, response, received_at=sent_at)
            except ProtocolError as problem:
                return self._failure(resolved, response, problem)
            credential = replace(answer.credential, refresh_token=None)
            return replace(answer, credential=credential, variables={**learnt, **answer.variables}, rotated=False)
        token = fill(login.token or "${jwt}", known, moment=draw_moment(sent_at))
        seconds = resolved.service.token_response.default_expires_in
        if seconds is None and login.jwt is not None and not login.requests:
            seconds = login.jwt.seconds
        expires_at = sent_at + timedelta(seconds=seconds) if seconds is not None else None
        return TokenAnswer(OAuth2Credential(token), expires_at=expires_at, variables=learnt)

    def _failure(self, resolved: Resolved, response: HttpResponse, problem: ProtocolError) -> Failure:
        refused = problem.error is not None and response.status < 500 and response.status not in _NOT_A_REFUSAL
        return Failure(
            problem,
            self._exchange.diagnose(resolved, "token", response) if problem.error else None,
            maybe_spent=False,
            retry_after_seconds=self._exchange.asked_to_wait(resolved, response),
            grant_dead=refused,
        )

    def _request(self, resolved: Resolved, step: Step, credential: Credential | None, moment: Moment) -> HttpRequest:
        service = resolved.service
        headers = {name: fill(text, {}, moment=moment, partial=True) for name, text in service.headers.items()}
        # A header that waits for what this very step brings cannot be sent with it.
        request = step_request(step, {name: text for name, text in headers.items() if "${" not in text})
        if step.authenticated and credential is not None:
            attached = service if step.prefix is None else replace(service, param_prefix=step.prefix)
            request = attach(
                attached,
                resolved.client,
                credential,
                request,
                nonce=moment.noise,
                timestamp=int(moment.timestamp),
            )
        return request


def _nothing_found(missing: Sequence[str], response: HttpResponse) -> ProtocolError:
    return ProtocolError(
        f"The login's answer (HTTP {response.status}) does not hold {', '.join(missing)}.", status=response.status
    )
