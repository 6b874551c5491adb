"""Keep a new grant: ask what has to be asked first, look whether it works, seal it, store it with its story."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.broker.credentials import seal_credential
from isthmus.broker.grant import issue_columns, scope_change
from isthmus.broker.lookup import Lookup
from isthmus.broker.services import Registered, Resolved, Services
from isthmus.broker.steps import Held, Steps
from isthmus.broker.tokens import draw_id
from isthmus.broker.whoami import Seen, WhoAmI
from isthmus.catalog.slots import learn
from isthmus.errors import ConnectError, ProtocolError
from isthmus.protocols.oauth2.token import TokenAnswer, judge_exchange
from isthmus.protocols.steps import judge_step
from isthmus.records import (
    ActivityEntry,
    Actor,
    Authorization,
    Connection,
    Credential,
    HttpResponse,
    OAuth2Credential,
    Service,
    Step,
    TimelineEntry,
    TokenResponse,
)
from isthmus.storage.contract import Journal, Storage
from isthmus.vault import Vault


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new grant is for: connection, service, whose it is, and the variables known before the grant."""

    connection: Connection
    registered: Registered
    resource_owner: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A credential fresh from a person or a token endpoint. `answer` is there for OAuth 2 and logins; `tried` where
    the third party has taken what was entered already; `identity` where it told whose it is."""

    draft: Draft
    credential: Credential = field(repr=False)
    answer: TokenAnswer | None = field(default=None, repr=False)
    tried: bool = False
    identity: str = ""

    @property
    def connection(self) -> Connection:
        return self.draft.connection


class Keeper:
    """Turns a NewGrant into a stored authorization, or raises with nothing stored."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        services: Services,
        steps: Steps,
        whoami: WhoAmI,
        lookup: Lookup,
        clock: Callable[[], datetime],
    ) -> None:
        self._steps = steps
        self._storage = storage
        self._vault = vault
        self._services = services
        self._whoami = whoami
        self._lookup = lookup
        self._clock = clock

    async def keep(self, actor: Actor, grant: NewGrant) -> Authorization:
        """The stored row.

        Raises ConnectError (`credential_refused`) where the third party refuses a password or key, OutboundError
        where it cannot be asked, ConnectError (`discovery_failed`) where a step after connecting brings nothing.
        """
        grant, variables = await self._discover(grant)
        resolved = self._services.resolve(grant.draft.registered, {**grant.connection.variables, **variables})
        seen = await self._whoami.ask(resolved, grant.credential)
        if seen is not None and not grant.tried:
            _refuse_unless_good(seen, resolved.service)
        before = await self._storage.authorization_of(grant.connection.id, grant.draft.resource_owner)
        row = self._row(grant, resolved.service, variables, seen, before)
        journal = self._journal(actor, grant, row, before)
        stored = await self._storage.put_authorization(row, journal)
        self._lookup.forget_all()
        return stored

    async def _discover(self, grant: NewGrant) -> tuple[NewGrant, dict[str, str]]:
        """The grant after the service's steps, which may have exchanged its token, and what they learnt."""
        registered = grant.draft.registered
        variables = dict(grant.draft.variables)
        if grant.answer is not None:
            variables |= learn(registered.service, grant.answer.variables)
        for number in range(len(registered.service.after_connect)):
            known = {**grant.connection.variables, **variables}
            resolved = self._services.resolve(registered, known, partial=True)
            grant, found = await self._step(grant, resolved, resolved.service.after_connect[number])
            variables |= learn(registered.service, found)
        return grant, variables

    async def _step(self, grant: NewGrant, resolved: Resolved, step: Step) -> tuple[NewGrant, Mapping[str, str]]:
        held = Held(grant.credential, grant.draft.values, grant.connection.scopes)
        sent_at = self._clock()
        response = await self._steps.send(resolved, step, held)
        try:
            answer = judge_step(step, response)
            if step.token is not None:
                grant = _exchanged(grant, resolved.service, step.token, response, sent_at)
        except ProtocolError as problem:
            if step.optional:
                return grant, {}
            raise _discovery_failed(tuple(step.copy), response, problem.description) from problem
        if answer.missing and not step.optional:
            raise _discovery_failed(answer.missing, response, None)
        return grant, answer.values

    def _row(
        self,
        grant: NewGrant,
        service: Service,
        variables: Mapping[str, str],
        seen: Seen | None,
        before: Authorization | None,
    ) -> Authorization:
        now = self._clock()
        authorization_id = before.id if before else draw_id()
        columns: dict[str, Any] = {"issued_at": now}
        if grant.answer is not None:
            columns = issue_columns(service, grant.answer, key=f"{authorization_id}:1", now=now)
        if grant.answer is not None and service.lifetimes.absolute_days is not None:
            columns["grant_expires_at"] = now + timedelta(days=service.lifetimes.absolute_days)
        told = grant.answer.identity if grant.answer is not None else ""
        columns["connected_as"] = grant.identity or told
        if seen is not None:
            columns |= {"last_test": seen.document(), "reason": seen.reason}
            columns["connected_as"] = seen.identity or columns["connected_as"]
            if seen.reason is None:
                columns["seen_working_at"] = now
            if seen.granted_scopes is not None:
                columns["granted_scopes"] = seen.granted_scopes
        return Authorization(
            id=authorization_id,
            connection_id=grant.connection.id,
            resource_owner=grant.draft.resource_owner,
            credential_sealed=seal_credential(self._vault, authorization_id, grant.credential),
            variables=variables,
            created_at=before.created_at if before else now,
            updated_at=now,
            **columns,
        )

    def _journal(self, actor: Actor, grant: NewGrant, row: Authorization, before: Authorization | None) -> Journal:
        now = self._clock()
        connection = grant.connection

        def entry(kind: str, message: str, **more: Any) -> TimelineEntry:
            return TimelineEntry(
                connection_id=connection.id, authorization_id=row.id, kind=kind, message=message, at=now, **more
            )

        details = {"connected_as": row.connected_as, "user": grant.draft.resource_owner or None}
        timeline = [
            entry("reconnected", "The account was connected again.", details=details)
            if before
            else entry("issued", "The account was connected.", details=details)
        ]
        if before and _is_another_account(before, row):
            timeline.append(
                entry(
                    "account_changed",
                    f"It is now connected as {row.connected_as}; before, it was {before.connected_as}.",
                    code="account_changed",
                    hint="Connect again with the former account if this was not intended.",
                    details={"before": before.connected_as, "after": row.connected_as},
                )
            )
        if row.reason is not None:
            reason = row.reason
            timeline.append(entry("failing", reason.message, code=reason.code, hint=reason.hint))
        changes = {"granted_scopes": row.granted_scopes, "variables": row.variables}
        timeline.extend(
            replace(change, authorization_id=row.id) for change in scope_change(connection, before, changes, now)
        )
        activity = ActivityEntry.by(actor, now, "connection.connect", connection.link_name, details)
        return Journal(activity=(activity,), timeline=tuple(timeline))


def _is_another_account(before: Authorization, after: Authorization) -> bool:
    """By what never changes about an account where the service tells it, else by its name."""
    ids = [(row.last_test or {}).get("account_id") for row in (before, after)]
    if all(ids):
        return bool(ids[0] != ids[1])
    return bool(before.connected_as and after.connected_as and before.connected_as != after.connected_as)


def _exchanged(
    grant: NewGrant, service: Service, rules: TokenResponse, response: HttpResponse, sent_at: datetime
) -> NewGrant:
    """The grant with what the answer names in place of what it had. Raises ProtocolError."""
    held = grant.credential
    if grant.answer is None or not isinstance(held, OAuth2Credential):
        return grant
    answer = judge_exchange(service, rules, response, held=grant.answer, received_at=sent_at)
    return replace(grant, credential=replace(answer.credential, values=held.values), answer=answer)


def _discovery_failed(missing: Sequence[str], response: HttpResponse, told: str | None) -> ConnectError:
    wanted = ", ".join(missing) or "a lasting token"
    return ConnectError(
        f"The provider gave the grant, but asking it for {wanted} brought HTTP {response.status} without it.",
        code="discovery_failed",
        hint="Start the connection again; if it stays so, compare the service's steps with the provider's documentation.",
        details={"description": told} if told else None,
    )


def _refuse_unless_good(seen: Seen, service: Service) -> None:
    if seen.reason is None:
        return
    code = "credential_refused" if seen.refused else seen.reason.code
    message = (
        f"The third party refused the credential (HTTP {seen.status})."
        if seen.refused
        else f"The credential could not be tried: {seen.reason.message}"
    )
    field = {"basic": "password", "api_key": "parameters"}.get(service.auth_type) if seen.refused else None
    raise ConnectError(message, code=code, hint=seen.reason.hint, field=field, details={"cause": seen.reason.code})
