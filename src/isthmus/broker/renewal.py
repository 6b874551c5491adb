"""One attempt to renew a grant, by the holder of its lease: spend, judge, commit, or say why not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.broker.backoff import Circuits, delay_seconds
from isthmus.broker.credentials import open_credential, seal_credential
from isthmus.broker.exchange import Exchange, Failure
from isthmus.broker.grant import issue_columns, scope_change
from isthmus.broker.services import Registered, Resolved, Services
from isthmus.broker.steps import Held, Steps
from isthmus.broker.tokens import draw_fraction, draw_moment
from isthmus.broker.views import iso
from isthmus.catalog.causes import Facts
from isthmus.catalog.slots import learn
from isthmus.errors import NotConnected, StorageError
from isthmus.protocols.oauth2.grants import grant_request, refresh_request
from isthmus.protocols.oauth2.token import TokenAnswer
from isthmus.records import (
    Authorization,
    Connection,
    Credential,
    HttpRequest,
    LoginCredential,
    OAuth2Credential,
    Reason,
    TimelineEntry,
)
from isthmus.storage.contract import Journal, Storage
from isthmus.vault import Vault

GRACE_PAUSE_SECONDS = 2.0
COMMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Attempt:
    held: Authorization
    connection: Connection
    resolved: Resolved
    registered: Registered
    credential: OAuth2Credential | LoginCredential = field(repr=False)
    ends: float

    @property
    def refresh_token(self) -> str | None:
        return self.credential.refresh_token if isinstance(self.credential, OAuth2Credential) else None

    @property
    def endpoint(self) -> str:
        """What stands for the place that is asked, in the count of its failures."""
        service = self.resolved.service
        return service.refresh_token_url or service.access_token_url or f"service:{service.link_name}"

    @property
    def answer_was_lost(self) -> bool:
        """A former holder wrote down its intent to spend this very token, and nothing was heard of it since."""
        held = self.held
        return (
            held.attempt_id is not None
            and held.attempt_hash is not None
            and held.attempt_hash == held.refresh_token_hash
        )


class Renewal:
    """Runs attempts. Never called without the lease, except `give_up`, which sends nothing."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        services: Services,
        exchange: Exchange,
        steps: Steps,
        redirect_url: Callable[[str], str],
        clock: Callable[[], datetime],
        forget: Callable[[str], None],
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._services = services
        self._exchange = exchange
        self._steps = steps
        self._redirect_url = redirect_url
        self._clock = clock
        self._forget = forget

    async def run(self, held: Authorization, *, circuits: Circuits, ends: float) -> Authorization:
        """The row after the attempt: a newer version, or the same one with state `backoff` or `needs_person`.

        `ends` is the event loop's time by which the lease must be free again.
        """
        attempt = await self._open(held, ends)
        endpoint = attempt.endpoint
        closed_at = circuits.closed_at(endpoint)
        if closed_at is not None:
            return await self._defer(attempt, held.reason, closed_at, failures=held.failures)
        outcome = await self._ask(attempt, attempt.refresh_token)
        if isinstance(outcome, Failure) and outcome.grant_dead and isinstance(attempt.credential, OAuth2Credential):
            newer = await self._newer(held)
            if newer is not None:
                return newer
            outcome = await self._ask_once_more(attempt, outcome)
        if isinstance(outcome, TokenAnswer):
            circuits.succeeded(endpoint)
            return await self._commit(attempt, outcome)
        if outcome.grant_dead:
            circuits.succeeded(endpoint)
            return await self._bury(attempt, outcome)
        if outcome.maybe_spent or outcome.error.code == "provider_answer_not_understood":
            circuits.failed(endpoint)
        return await self._back_off(attempt, outcome)

    async def give_up(self, authorization: Authorization, now: datetime) -> Authorization:
        """Say that a credential which cannot be refreshed has come to its end."""
        reason = Reason(
            "offline_access_missing",
            "The access token has ended and the provider gave no refresh token.",
            "Ask for offline access as this provider wants it (a scope or parameter), then connect the account again.",
            now,
        )
        return await self._needs_person(authorization, reason, epoch=authorization.epoch)

    async def _open(self, held: Authorization, ends: float) -> _Attempt:
        connection = await self._connection(held)
        registered = await self._services.find(connection.service)
        resolved = self._services.resolve(registered, {**connection.variables, **held.variables})
        credential = open_credential(self._vault, held)
        if not isinstance(credential, OAuth2Credential | LoginCredential):
            raise NotConnected("This kind of credential cannot be refreshed.")
        return _Attempt(held, connection, resolved, registered, credential, ends)

    async def _connection(self, held: Authorization) -> Connection:
        connection = await self._storage.connection_by_id(held.connection_id)
        if connection is None:
            raise NotConnected("The connection was removed meanwhile.")
        return connection

    def _request(self, attempt: _Attempt, refresh_token: str | None) -> HttpRequest:
        service, client = attempt.resolved.service, attempt.resolved.client
        scopes = attempt.resolved.scopes(attempt.connection.scopes)
        moment = draw_moment(self._clock())
        if service.refresh_request is not None:
            return self._steps.request(attempt.resolved, service.refresh_request, self._held(attempt, refresh_token))
        if refresh_token is None:
            return grant_request(service, client, scopes=scopes, moment=moment)
        # No scope: it would narrow the grant at some providers and be refused by others (RFC 6749 §6 lets us omit it).
        values = self._held(attempt, refresh_token).slots(attempt.resolved)
        return refresh_request(service, client, refresh_token=refresh_token, values=values, moment=moment)

    def _held(self, attempt: _Attempt, refresh_token: str | None) -> Held:
        credential = attempt.credential
        if isinstance(credential, OAuth2Credential):
            credential = replace(credential, refresh_token=refresh_token)
        redirect_uri = self._redirect_url(attempt.connection.service)
        return Held(credential, credential.values, attempt.connection.scopes, redirect_uri)

    async def _ask(self, attempt: _Attempt, refresh_token: str | None) -> TokenAnswer | Failure:
        if isinstance(attempt.credential, LoginCredential):
            known = {**attempt.connection.variables, **attempt.held.variables}
            return await self._steps.login(attempt.registered, known, self._held(attempt, None))
        return await self._exchange.ask(
            attempt.resolved,
            self._request(attempt, refresh_token),
            stage="refresh",
            requested_scopes=attempt.resolved.scopes(attempt.connection.scopes),
            previous_refresh_token=refresh_token,
            facts=self._facts(attempt),
        )

    def _facts(self, attempt: _Attempt) -> Facts:
        held, lifetimes, now = attempt.held, attempt.resolved.service.lifetimes, self._clock()
        return Facts(
            seconds_since_refresh=(now - held.issued_at).total_seconds() if held.issued_at else None,
            rotates=lifetimes.refresh == "rotates",
            idle_days=lifetimes.idle_days,
            grant_ended=held.grant_expires_at is not None and held.grant_expires_at <= now,
        )

    async def _ask_once_more(self, attempt: _Attempt, first: Failure) -> TokenAnswer | Failure:
        """After `invalid_grant`: the same token once more after two seconds, then the one before it if the newer
        pair never worked. Providers' reuse grace and replication delay make both worth one call each."""
        outcome: TokenAnswer | Failure = first
        tokens = [attempt.refresh_token]
        held = attempt.held
        if held.previous_sealed is not None and (
            held.seen_working_at is None or (held.issued_at is not None and held.seen_working_at < held.issued_at)
        ):
            previous = open_credential(self._vault, held, previous=True)
            if isinstance(previous, OAuth2Credential) and previous.refresh_token not in (None, *tokens):
                tokens.append(previous.refresh_token)
        for token in tokens:
            left = attempt.ends - asyncio.get_running_loop().time() - GRACE_PAUSE_SECONDS
            if left <= 1.0:
                break
            await asyncio.sleep(GRACE_PAUSE_SECONDS)
            try:
                async with asyncio.timeout(left):
                    outcome = await self._ask(attempt, token)
            except TimeoutError:
                break
            if isinstance(outcome, TokenAnswer) or not outcome.grant_dead:
                break
        return outcome

    async def _newer(self, held: Authorization) -> Authorization | None:
        row = await self._storage.authorization(held.id)
        return row if row is not None and row.version != held.version else None

    async def _commit(self, attempt: _Attempt, answer: TokenAnswer) -> Authorization:
        held, now = attempt.held, self._clock()
        key = f"{held.id}:{held.version + 1}"
        changes = {
            **issue_columns(attempt.resolved.service, answer, key=key, now=now),
            "credential_sealed": seal_credential(self._vault, held.id, _renewed(attempt.credential, answer)),
            "variables": {**held.variables, **learn(attempt.registered.service, answer.variables)},
            "updated_at": now,
        }
        entry = TimelineEntry(
            connection_id=attempt.connection.id,
            authorization_id=held.id,
            kind="refreshed",
            message="The credential was refreshed.",
            at=now,
            details={"expires_at": iso(answer.expires_at)},
        )
        timeline = (entry, *scope_change(attempt.connection, held, changes, now))
        row = await self._commit_until_stored(attempt, answer, changes, Journal(timeline=timeline))
        self._forget(held.id)
        if row is not None:
            return row
        newer = await self._storage.authorization(held.id)
        if newer is None:
            raise NotConnected("The authorization was removed meanwhile.")
        return newer

    async def _commit_until_stored(
        self, attempt: _Attempt, answer: TokenAnswer, changes: Mapping[str, Any], journal: Journal
    ) -> Authorization | None:
        """The pair in hand may be the only valid one: a database that is away is waited for, well past the lease."""
        ends = time.monotonic() + COMMIT_SECONDS
        pause = 0.1
        while True:
            try:
                return await self._storage.commit_refresh(
                    attempt.held.id,
                    used_hash=attempt.held.refresh_token_hash,
                    version=attempt.held.version,
                    rotated=answer.rotated and attempt.held.refresh_token_hash is not None,
                    changes=changes,
                    journal=journal,
                )
            except StorageError:
                if time.monotonic() + pause > ends:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _bury(self, attempt: _Attempt, failure: Failure) -> Authorization:
        reason = failure.reason(self._clock())
        if attempt.answer_was_lost:
            reason = Reason(
                "answer_lost",
                "An earlier refresh was cut off before its answer arrived, and the provider does not repeat it.",
                "Connect the account again.",
                reason.at,
            )
        return await self._needs_person(attempt.held, reason, epoch=attempt.held.epoch)

    async def _needs_person(self, row: Authorization, reason: Reason, *, epoch: int) -> Authorization:
        changes = {
            "state": "needs_person",
            "reason": reason,
            "not_before": None,
            "attempt_id": None,
            "attempt_hash": None,
        }
        return await self._release(row, epoch, changes, kind="needs_person", reason=reason)

    async def _back_off(self, attempt: _Attempt, failure: Failure) -> Authorization:
        failures = attempt.held.failures + 1
        seconds = failure.retry_after_seconds
        if seconds is None:
            seconds = delay_seconds(failures, draw_fraction())
        now = self._clock()
        retry_at = now + timedelta(seconds=seconds)
        kept = failure.maybe_spent or attempt.answer_was_lost
        return await self._defer(attempt, failure.reason(now), retry_at, failures=failures, intent_kept=kept)

    async def _defer(
        self,
        attempt: _Attempt,
        reason: Reason | None,
        retry_at: datetime,
        *,
        failures: int,
        intent_kept: bool | None = None,
    ) -> Authorization:
        held = attempt.held
        changes: dict[str, Any] = {
            "state": "backoff",
            "reason": reason,
            "not_before": retry_at,
            "failures": failures,
        }
        if intent_kept is None:  # nothing was sent: what a former holder left behind still holds
            changes |= {"attempt_id": held.attempt_id, "attempt_hash": held.attempt_hash}
        elif not intent_kept:
            changes |= {"attempt_id": None, "attempt_hash": None}
        told = failures == 1 or (held.reason is not None and reason is not None and held.reason.code != reason.code)
        kind = "refresh_failed" if told and failures != held.failures else ""
        return await self._release(held, held.epoch, changes, kind=kind, reason=reason)

    async def _release(
        self, row: Authorization, epoch: int, changes: Mapping[str, Any], *, kind: str, reason: Reason | None
    ) -> Authorization:
        timeline: tuple[TimelineEntry, ...] = ()
        if kind and reason is not None:
            timeline = (
                TimelineEntry(
                    connection_id=row.connection_id,
                    authorization_id=row.id,
                    kind=kind,
                    message=reason.message,
                    at=reason.at,
                    code=reason.code,
                    hint=reason.hint,
                ),
            )
        await self._storage.release_lease(row.id, epoch=epoch, changes=changes, journal=Journal(timeline=timeline))
        self._forget(row.id)
        current = await self._storage.authorization(row.id)
        if current is None:
            raise NotConnected("The authorization was removed meanwhile.")
        return current


def _renewed(held: OAuth2Credential | LoginCredential, answer: TokenAnswer) -> Credential:
    """The new token with what was entered for the old one."""
    if isinstance(held, LoginCredential):
        return replace(held, access_token=answer.credential.access_token)
    return replace(answer.credential, values=held.values)
