"""What happens between the connect link and the provider: the consent page's facts, and binding the browser.

One pending authorization belongs to one actor, one browser and one service, lives ten minutes and is used once.
The row is found at the callback only by state, browser and service together: a foreign browser or another
service's path finds nothing, and burns nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from isthmus.broker.exchange import Exchange
from isthmus.broker.services import Resolved, Services
from isthmus.broker.tokens import draw_id, draw_moment, draw_token, fingerprint
from isthmus.broker.views import iso
from isthmus.errors import AccessDenied, ConnectError, NotAuthenticated, ProtocolError
from isthmus.protocols import oauth1, oauth2
from isthmus.records import ActivityEntry, Actor, Connection, PendingAuthorization
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage
from isthmus.vault import Vault

MINUTES = 10
_USED = (
    "This connect link is unknown, used or expired.",
    "Ask for a new one; a link works once, in one browser, for ten minutes.",
)


@dataclass(frozen=True, slots=True)
class Proceeding:
    """Where to send the browser, and the cookie that binds it."""

    location: str = field(repr=False)
    cookie_name: str
    browser_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending authorization that came back in the right browser, with its secrets opened."""

    row: PendingAuthorization
    connection: Connection
    resolved: Resolved
    cookie_name: str
    payload: Mapping[str, Any] = field(repr=False)


def cookie_name(state: str) -> str:
    """One cookie per authorization under way, so that two tabs do not disturb each other."""
    return "isthmus_connect_" + fingerprint("cookie", state)[:16]


class Consent:
    """Begins, describes, binds and takes pending authorizations."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        vault: Vault,
        services: Services,
        exchange: Exchange,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._vault = vault
        self._services = services
        self._exchange = exchange
        self._clock = clock

    async def begin(
        self,
        actor: Actor,
        connection: Connection,
        owner: str,
        variables: Mapping[str, str],
        values: Mapping[str, str],
    ) -> dict[str, Any]:
        """The contract's answer `connecting`, with the page of ours that leads to the provider. `values` are those of
        the service's parameters; they wait, sealed, for the credential they belong to."""
        token, pending_id, now = draw_token(), draw_id(), self._clock()
        expires_at = now + timedelta(minutes=MINUTES)
        pending = PendingAuthorization(
            id=pending_id,
            connection_id=connection.id,
            service=connection.service,
            resource_owner=owner,
            actor=actor.id,
            token_hash=fingerprint("connect", token),
            payload_sealed=self._seal(
                pending_id, {"variables": dict(variables), "values": dict(values), "asked_by": actor.name}
            ),
            expires_at=expires_at,
            created_at=now,
        )
        activity = ActivityEntry.by(actor, now, "connection.begin", connection.link_name, {"user": owner or None})
        await self._storage.add_pending(pending, Journal(activity=(activity,)))
        url = f"{self._settings.public_url}/connect/{token}"
        return {"status": "connecting", "authorize_url": url, "expires_at": iso(expires_at)}

    def redirect_uri(self, service: str) -> str:
        """The redirect URL of this service: one per service."""
        return self._settings.redirect_url(service)

    async def describe(self, token: str, visitor: Actor | None) -> dict[str, Any]:
        """What the consent page says.

        Raises ConnectError (`connect_link_invalid`), NotAuthenticated (`sign_in_required`), AccessDenied
        (`another_person`).
        """
        row, connection = await self._find(token, visitor)
        payload = self._open(row)
        resolved = await self._resolve(connection, payload)
        service = resolved.service
        scopes = resolved.scopes(connection.scopes)
        names = {scope.name: scope.display_name for scope in service.scopes}
        return {
            "connection": connection.link_name,
            "name": connection.name,
            "service": service.link_name,
            "service_name": service.name,
            "user": row.resource_owner or None,
            "asked_by": payload.get("asked_by", ""),
            "scopes": [{"name": scope, "display_name": names.get(scope) or scope} for scope in scopes],
            "host": urlsplit(service.authorize_url).hostname or "",
            "expires_at": iso(row.expires_at),
        }

    async def proceed(self, token: str, visitor: Actor | None) -> Proceeding:
        """Bind the browser and draw what must not be known before; once. Raises as `describe`, and OutboundError."""
        row, connection = await self._find(token, visitor)
        payload = dict(self._open(row))
        resolved = await self._resolve(connection, payload)
        redirect_uri, scopes = self.redirect_uri(connection.service), resolved.scopes(connection.scopes)
        if resolved.service.auth_type == "oauth1":
            temporary = await self._temporary_credentials(resolved, redirect_uri, scopes)
            payload |= {"token": temporary.token, "token_secret": temporary.token_secret}
            state = temporary.token
            location = oauth1.authorization_url(
                resolved.service,
                temporary,
                client_id=resolved.client.client_id,
                redirect_uri=redirect_uri,
                scopes=scopes,
            )
        else:
            state, verifier = draw_token(), draw_token()
            payload |= {"state": state, "verifier": verifier}
            location = oauth2.authorization_url(
                resolved.service,
                client_id=resolved.client.client_id,
                redirect_uri=redirect_uri,
                state=state,
                verifier=verifier,
                scopes=scopes,
                moment=draw_moment(self._clock()),
            )
        browser = draw_token()
        bound = await self._storage.proceed_pending(
            row.id,
            state_hash=fingerprint("state", state, browser, connection.service),
            browser_hash=fingerprint("browser", browser),
            payload_sealed=self._seal(row.id, payload),
            service=connection.service,
            now=self._clock(),
        )
        if not bound:
            raise ConnectError(_USED[0], code="connect_link_invalid", hint=_USED[1])
        return Proceeding(location, cookie_name(state), browser)

    async def take(
        self,
        service: str,
        parameters: list[tuple[str, str]],
        cookies: Mapping[str, str],
        visitor: Actor | None,
        *,
        address: str = "",
    ) -> Pending:
        """The pending authorization this callback belongs to, removed from storage by an atomic delete.

        Raises ConnectError (`callback_unknown`) for a state, browser or service path that does not match, a replay,
        or one that expired; nothing is consumed then.
        """
        state = _state_of(parameters)
        browser = cookies.get(cookie_name(state)) if state else None
        row = None
        if state and browser:
            found = fingerprint("state", state, browser, service)
            row = await self._storage.take_pending(found, now=self._clock())
        if row is None:
            await self._refused(service, "callback_unknown", visitor, address)
            raise ConnectError(
                "This answer belongs to no authorization that was started in this browser, or it was used already.",
                code="callback_unknown",
                hint="Start the connection again, and finish it in the same browser within ten minutes.",
            )
        try:
            _check_person(row, visitor)
        except AccessDenied as problem:
            await self._refused(service, problem.code, visitor, address)
            raise
        connection = await self._storage.connection_by_id(row.connection_id)
        if connection is None:
            raise ConnectError("The connection was deleted meanwhile.", code="callback_unknown")
        payload = self._open(row)
        resolved = await self._resolve(connection, payload)
        return Pending(row, connection, resolved, cookie_name(state or ""), payload)

    async def _refused(self, service: str, code: str, visitor: Actor | None, address: str) -> None:
        entry = ActivityEntry(
            at=self._clock(),
            actor=visitor.id if visitor else "anonymous",
            action="connection.callback",
            target=service[:60],
            result="refused",
            address=visitor.address if visitor else address,
            details={"code": code},
        )
        await self._storage.add_journal(Journal(activity=(entry,)))

    async def _find(self, token: str, visitor: Actor | None) -> tuple[PendingAuthorization, Connection]:
        row = await self._storage.pending_by_token(fingerprint("connect", token), now=self._clock())
        if row is None or row.state_hash is not None:
            raise ConnectError(_USED[0], code="connect_link_invalid", hint=_USED[1])
        _check_person(row, visitor)
        connection = await self._storage.connection_by_id(row.connection_id)
        if connection is None:
            raise ConnectError(_USED[0], code="connect_link_invalid", hint=_USED[1])
        return row, connection

    async def _resolve(self, connection: Connection, payload: Mapping[str, Any]) -> Resolved:
        registered = await self._services.find(connection.service)
        variables = {**connection.variables, **payload.get("variables", {})}
        return self._services.resolve(registered, variables, partial=True)

    async def _temporary_credentials(
        self, resolved: Resolved, callback: str, scopes: Sequence[str]
    ) -> oauth1.TemporaryCredentials:
        sign = partial(
            oauth1.temporary_credentials_request, resolved.service, resolved.client, callback=callback, scopes=scopes
        )
        response = await self._exchange.send_signed(resolved, sign)
        try:
            return oauth1.judge_temporary_credentials(response)
        except ProtocolError as problem:
            cause = self._exchange.diagnose(resolved, "temporary_credentials", response) if problem.error else None
            raise ConnectError(
                cause.message if cause else problem.message,
                code=cause.code if cause else problem.code,
                hint=cause.hint if cause else problem.hint,
                details={"error": problem.error} if problem.error else None,
            ) from problem

    def _seal(self, pending_id: str, payload: Mapping[str, Any]) -> bytes:
        data = json.dumps(payload).encode()
        return self._vault.seal(data, table="pending_authorizations", row=pending_id, field="payload")

    def _open(self, row: PendingAuthorization) -> Mapping[str, Any]:
        data = self._vault.open(row.payload_sealed or b"", table="pending_authorizations", row=row.id, field="payload")
        payload: Mapping[str, Any] = json.loads(data)
        return payload


def _state_of(parameters: list[tuple[str, str]]) -> str | None:
    """OAuth 2's state or, for OAuth 1.0a, the temporary token (also under the name a refusal gives it)."""
    for name in ("state", "oauth_token", "denied"):
        values = [value for key, value in parameters if key == name]
        if values:
            return values[0] if len(values) == 1 else None
    return None


def _check_person(row: PendingAuthorization, visitor: Actor | None) -> None:
    """Where a person asked, the browser must be signed in as that person; otherwise a link could be passed on and
    somebody else's account would end up behind their connection."""
    if not row.actor.startswith("user:"):
        return
    if visitor is None:
        raise NotAuthenticated(
            "Sign in to go on with this authorization.",
            code="sign_in_required",
            hint="Sign in as the person who started it.",
        )
    if visitor.id != row.actor:
        raise AccessDenied(
            "This authorization was started by somebody else.",
            code="another_person",
            hint="Sign in as the person who started it, or start your own.",
        )
