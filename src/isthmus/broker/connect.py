"""Begin and finish an authorization, by any of the core modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from isthmus.broker.access import require, visible
from isthmus.broker.consent import Consent, Pending, Proceeding
from isthmus.broker.entering import basic_credential, entered_values, strings, token_pair
from isthmus.broker.exchange import Exchange, Failure
from isthmus.broker.keeping import Draft, Keeper, NewGrant
from isthmus.broker.owner import resource_owner
from isthmus.broker.services import Resolved, Services
from isthmus.broker.steps import Held, Steps
from isthmus.broker.tokens import draw_moment
from isthmus.catalog.slots import learn
from isthmus.errors import InputError, IsthmusError, ProtocolError
from isthmus.protocols import oauth1, oauth2
from isthmus.protocols.answers import text_at
from isthmus.records import (
    ActivityEntry,
    Actor,
    ApiKeyCredential,
    Connection,
    HttpRequest,
    LoginCredential,
    OAuth1Credential,
    TimelineEntry,
)
from isthmus.storage.contract import Journal, Storage

_KEYS = frozenset({"username", "password", "parameters", "variables", "user"})


@dataclass(frozen=True, slots=True)
class Finished:
    """A completed authorization, for the page that says so."""

    link_name: str
    name: str
    connected_as: str
    user: str | None
    cookie_name: str


class Connect:
    """The use case "connect", from the request for it to the stored grant."""

    def __init__(
        self,
        *,
        storage: Storage,
        services: Services,
        consent: Consent,
        exchange: Exchange,
        steps: Steps,
        keeper: Keeper,
        clock: Callable[[], datetime],
    ) -> None:
        self._steps = steps
        self._storage = storage
        self._services = services
        self._consent = consent
        self._exchange = exchange
        self._keeper = keeper
        self._clock = clock

    async def begin(self, actor: Actor, link_name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """`{"status": "connected"}`, or `connecting` with the page to open in a browser.

        Raises InputError naming what is missing, ConnectError where the third party refuses what was given; what
        was connected before is untouched then.
        """
        unknown = sorted(set(document) - _KEYS)
        if unknown:
            raise InputError(
                f"Unknown field {unknown[0]!r}.", field=unknown[0], hint=f"Known: {', '.join(sorted(_KEYS))}."
            )
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        owner = self._may_connect(actor, connection, document.get("user"))
        if connection.disabled:
            raise InputError(
                "The connection is disabled.", code="connection_disabled", field="link_name", hint="Enable it first."
            )
        registered = await self._services.find(connection.service)
        variables = strings(document.get("variables"), "variables")
        resolved = self._services.resolve(registered, {**connection.variables, **variables}, partial=True)
        service = resolved.service
        if service.auth_type in ("oauth2", "oauth1"):
            _require_client(resolved)
        draft = Draft(connection, registered, owner, variables, entered_values(service, document))
        grant = await self._without_consent(draft, resolved, document)
        if grant is None:
            return await self._consent.begin(actor, connection, owner, variables, draft.values)
        stored = await self._keeper.keep(actor, grant)
        return {"status": "connected", "connected_as": stored.connected_as or None}

    async def _without_consent(self, draft: Draft, resolved: Resolved, document: Mapping[str, Any]) -> NewGrant | None:
        """The grant, or None where a person has to consent at the provider first."""
        service = resolved.service
        if service.auth_type == "basic":
            return NewGrant(draft, basic_credential(service, document, draft.values))
        if service.auth_type == "api_key":
            return NewGrant(draft, ApiKeyCredential(draft.values))
        if service.auth_type == "login":
            return await self._log_in(draft)
        if service.auth_type == "oauth1" and service.oauth1_flow != "three_legged":
            return NewGrant(draft, token_pair(service, document, draft.values))
        if service.auth_type == "oauth2" and service.grant_type not in oauth2.PERSON_GRANTS:
            moment = draw_moment(self._clock())
            request = oauth2.grant_request(
                service, resolved.client, scopes=resolved.scopes(draft.connection.scopes), moment=moment
            )
            return await self._redeem(draft, resolved, request)
        return None

    async def _log_in(self, draft: Draft) -> NewGrant:
        known = {**draft.connection.variables, **draft.variables}
        held = Held(values=draft.values, scopes=draft.connection.scopes)
        answer = await self._steps.login(draft.registered, known, held)
        if isinstance(answer, Failure):
            raise answer.connect_error()
        login = draft.registered.service.login
        tried = login is not None and bool(login.requests)
        return NewGrant(draft, LoginCredential(answer.credential.access_token, draft.values), answer, tried=tried)

    async def describe(self, token: str, visitor: Actor | None) -> dict[str, Any]:
        """What the consent page says; see Consent.describe."""
        return await self._consent.describe(token, visitor)

    async def proceed(self, token: str, visitor: Actor | None) -> Proceeding:
        """Bind this browser and send it to the provider; see Consent.proceed."""
        return await self._consent.proceed(token, visitor)

    async def finish(
        self,
        service: str,
        parameters: list[tuple[str, str]],
        cookies: Mapping[str, str],
        visitor: Actor | None,
        address: str = "",
    ) -> Finished:
        """Judge the callback at this service's redirect URL and keep the grant.

        Raises ConnectError (nothing stored, the reason in the timeline), OutboundError, AccessDenied.
        """
        pending = await self._consent.take(service, parameters, cookies, visitor, address=address)
        actor = visitor or Actor("system", pending.row.actor, "", "member", address=address)
        try:
            grant = await self._grant(pending, parameters)
            stored = await self._keeper.keep(actor, grant)
        except IsthmusError as problem:
            await self._tell(actor, pending, problem)
            problem.details["connection"] = pending.connection.link_name
            raise
        connection = pending.connection
        return Finished(
            connection.link_name,
            connection.name,
            stored.connected_as,
            pending.row.resource_owner or None,
            pending.cookie_name,
        )

    def _may_connect(self, actor: Actor, connection: Connection, user: Any) -> str:
        if user is not None and not isinstance(user, str):
            raise InputError("The user must be text.", field="user")
        if connection.use_credentials_of_login_user:
            owner = resource_owner(actor, connection, user)
            if actor.kind != "user":
                require(actor, "connections.authorize_others")
            return owner
        require(actor, "connections.manage")
        return resource_owner(actor, connection, None)

    async def _grant(self, pending: Pending, parameters: list[tuple[str, str]]) -> NewGrant:
        registered = await self._services.find(pending.row.service)
        asked = dict(pending.payload.get("variables", {}))
        entered = dict(pending.payload.get("values", {}))
        draft = Draft(pending.connection, registered, pending.row.resource_owner, asked, entered)
        if pending.resolved.service.auth_type == "oauth1":
            return await self._redeem_oauth1(draft, pending, parameters)
        response = oauth2.judge_callback(
            pending.resolved.service,
            parameters,
            state=str(pending.payload["state"]),
            client_secret=pending.resolved.client.client_secret,
        )
        draft = replace(draft, variables={**asked, **learn(registered.service, response.variables)})
        known = {**pending.connection.variables, **draft.variables}
        resolved = self._services.resolve(registered, known, partial=True)
        request = oauth2.authorization_code_request(
            resolved.service,
            resolved.client,
            response,
            redirect_uri=self._consent.redirect_uri(pending.row.service),
            verifier=str(pending.payload["verifier"]),
            scopes=resolved.scopes(draft.connection.scopes),
            moment=draw_moment(self._clock()),
        )
        return await self._redeem(draft, resolved, request)

    async def _redeem(self, draft: Draft, resolved: Resolved, request: HttpRequest) -> NewGrant:
        scopes = resolved.scopes(draft.connection.scopes)
        answer = await self._exchange.ask(resolved, request, stage="token", requested_scopes=scopes)
        if isinstance(answer, Failure):
            raise answer.connect_error()
        return NewGrant(draft, replace(answer.credential, values=draft.values), answer, tried=True)

    async def _redeem_oauth1(self, draft: Draft, pending: Pending, parameters: list[tuple[str, str]]) -> NewGrant:
        temporary = oauth1.TemporaryCredentials(str(pending.payload["token"]), str(pending.payload["token_secret"]))
        verified = oauth1.judge_callback(parameters, token=temporary.token)
        resolved = pending.resolved
        sign = partial(oauth1.token_credentials_request, resolved.service, resolved.client, temporary, verified)
        response = await self._exchange.send_signed(resolved, sign)
        try:
            credential, told = oauth1.judge_token_credentials(response)
        except ProtocolError as problem:
            cause = self._exchange.diagnose(resolved, "token", response) if problem.error else None
            raise Failure(problem, cause, maybe_spent=True).connect_error() from problem
        rules = draft.registered.service.token_response
        found = {name: text_at(told, path) for name, path in rules.copy.items()}
        known = learn(draft.registered.service, {name: value for name, value in found.items() if value})
        draft = replace(draft, variables={**draft.variables, **known})
        credential = OAuth1Credential(credential.token, credential.token_secret, draft.values)
        return NewGrant(draft, credential, identity=text_at(told, rules.identity) or "")

    async def _tell(self, actor: Actor, pending: Pending, problem: IsthmusError) -> None:
        now, connection = self._clock(), pending.connection
        activity = ActivityEntry(
            at=now,
            actor=actor.id,
            action="connection.connect",
            target=connection.link_name,
            result="refused",
            address=actor.address,
            details={"code": problem.code},
        )
        entry = TimelineEntry(
            connection_id=connection.id,
            kind="connect_failed",
            message=problem.message,
            at=now,
            code=problem.code,
            hint=problem.hint,
            details={key: problem.details[key] for key in ("error", "description") if problem.details.get(key)},
        )
        await self._storage.add_journal(Journal(activity=(activity,), timeline=(entry,)))


def _require_client(resolved: Resolved) -> None:
    service = resolved.service
    if not resolved.client.client_id:
        raise InputError(
            f"The service {service.link_name!r} has no client id yet.",
            code="client_missing",
            field="client_id",
            hint="Register at the provider with the service's redirect URL, then set client_id and client_secret on the service.",
        )
