"""The authorization endpoint: a request is judged, a person decides, the client gets a code by redirect.

What is wrong with the client or its redirect URI is told on a page of ours, never by a redirect (RFC 6749 §4.1.2.1);
what is wrong after that goes back to the client. Every request waits as a row under a one-time token, so that no
address that a person sees or a log keeps holds its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from isthmus.authserver.authentication import Authentication
from isthmus.authserver.client_types import CODE, matches_redirect
from isthmus.authserver.consent import describe_question, require_shown
from isthmus.authserver.keys import AUTHORIZATION_CODE, REQUEST, draw_key, is_well_formed, secret_hash
from isthmus.authserver.names import describe_host
from isthmus.authserver.parameters import Parameters
from isthmus.authserver.scopes import narrow, read_scopes
from isthmus.errors import NotAuthenticated, NotFound, OAuthError
from isthmus.records import (
    ActivityEntry,
    Actor,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
)
from isthmus.storage.contract import Journal, Storage

CODE_LIFETIME = timedelta(seconds=60)
PUSHED_LIFETIME = timedelta(seconds=90)
CONSENT_LIFETIME = timedelta(minutes=10)
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
KNOWN = (
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "resource",
    "dpop_jkt",
)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes next: back to the client with an error, or to the consent page of `token`."""

    location: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


class Authorize:
    """Requests for consent, and what people decide."""

    def __init__(
        self, *, storage: Storage, authentication: Authentication, clock: Callable[[], datetime], issuer: str
    ) -> None:
        self._storage = storage
        self._authentication = authentication
        self._clock = clock
        self._issuer = issuer

    async def push(self, authorization: str | None, parameters: Parameters) -> dict[str, Any]:
        """`{"request_uri", "expires_in"}` (RFC 9126 §2.2). Raises OAuthError as the authorization endpoint would."""
        parameters.check()
        client = await self._authentication.client_of(authorization, parameters)
        if parameters.get("request_uri"):
            raise OAuthError("A pushed request holds no request_uri.", code="invalid_request")
        _check_redirect(client, parameters)
        self._check(client, parameters, pushed=True)
        token = await self._keep("pushed", client, parameters, PUSHED_LIFETIME)
        return {"request_uri": f"{REQUEST_URI}{token}", "expires_in": int(PUSHED_LIFETIME.total_seconds())}

    async def begin(self, pairs: Iterable[tuple[str, str]]) -> Begun:
        """Judge a request. Raises OAuthError for what only a page may tell."""
        given = Parameters.of(pairs)
        if given.repeated & {"client_id", "redirect_uri", "request_uri"}:
            given.check()
        client = await self._client(given.require("client_id"))
        parameters, pushed = given, False
        if given.get("request_uri"):
            parameters, pushed = await self._take_pushed(client, given), True
        _check_redirect(client, parameters)
        try:
            parameters.check()
            self._check(client, parameters, pushed=pushed)
            if parameters.get("prompt") == "none":
                raise OAuthError("A person has to consent.", code="consent_required")
        except OAuthError as problem:
            return Begun(location=self._back(parameters, error=problem.code, error_description=problem.message))
        return Begun(token=await self._keep("consent", client, parameters, CONSENT_LIFETIME))

    async def describe(self, token: str, visitor: Actor | None) -> dict[str, Any]:
        """What the consent page says; `shown` is the digest of it that a decision has to come with.

        Raises NotFound, NotAuthenticated (`sign_in_required`) without a visitor, and OAuthError where the client was
        changed so that the request would be refused now.
        """
        client, parameters = await self._waiting(token)
        made_by = await self._storage.user(client.created_by.removeprefix("user:"))
        redirect = urlsplit(parameters.get("redirect_uri"))
        return describe_question(
            client,
            _scopes(client, parameters),
            _person(visitor),
            target=describe_host(redirect.hostname) if redirect.hostname else f"{redirect.scheme}: on this device",
            redirect_uri=parameters.get("redirect_uri"),
            registered_by=(made_by.name or made_by.email) if made_by else "an administrator",
        )

    async def decide(self, token: str, visitor: Actor | None, *, approve: bool, shown: str) -> str:
        """Where to send the browser: back to the client, with a code or with `access_denied`; once.

        Raises as `describe`, and Conflict (`consent_changed`) unless `shown` is the digest of what it says now.
        """
        person = _person(visitor)
        require_shown(await self.describe(token, person), shown)
        client, parameters = await self._waiting(token)
        if await self._storage.take_authorization_request(secret_hash(token), now=self._clock()) is None:
            raise _gone()
        if not approve:
            await self._tell(person, client, "client.refuse", {})
            return self._back(parameters, error="access_denied", error_description="The person refused.")
        return self._back(parameters, code=await self._issue_code(client, parameters, person))

    async def _issue_code(self, client: Client, parameters: Parameters, visitor: Actor) -> str:
        scopes, drawn = _scopes(client, parameters), draw_key(AUTHORIZATION_CODE)
        code = AuthorizationCode(
            code_hash=secret_hash(drawn),
            client_id=client.client_id,
            user_id=visitor.id.removeprefix("user:"),
            scopes=scopes,
            expires_at=self._clock() + CODE_LIFETIME,
            redirect_uri=parameters.get("redirect_uri"),
            code_challenge=parameters.get("code_challenge"),
            key_thumbprint=parameters.get("dpop_jkt"),
        )
        told = self._entry(visitor, client, "client.consent", {"scopes": list(scopes)})
        await self._storage.add_authorization_code(code, Journal(activity=(told,)))
        return drawn

    async def _client(self, client_id: str) -> Client:
        client = await self._storage.client(client_id) if client_id.isprintable() else None
        if client is None or client.disabled:
            raise OAuthError("The client is not known.", code="invalid_client")
        return client

    async def _take_pushed(self, client: Client, given: Parameters) -> Parameters:
        if any(given.get(name) for name in KNOWN):
            raise OAuthError("Beside a request_uri only the client_id may be given.", code="invalid_request")
        token = given.get("request_uri").removeprefix(REQUEST_URI)
        now = self._clock()
        found = await self._storage.authorization_request(secret_hash(token), now=now)
        if found is None or found.kind != "pushed" or found.client_id != client.client_id:
            raise OAuthError("The request_uri is not known, was used, or has expired.", code="invalid_request_uri")
        if await self._storage.take_authorization_request(found.token_hash, now=now) is None:
            raise OAuthError("The request_uri was used.", code="invalid_request_uri")
        return Parameters(dict(found.parameters))

    async def _waiting(self, token: str) -> tuple[Client, Parameters]:
        """The request that waits under this token, judged by what its client is now."""
        found = None
        if is_well_formed(token, REQUEST):
            found = await self._storage.authorization_request(secret_hash(token), now=self._clock())
        if found is None or found.kind != "consent":
            raise _gone()
        client, parameters = await self._client(found.client_id), Parameters(dict(found.parameters))
        _check_redirect(client, parameters)
        return client, parameters

    async def _keep(
        self, kind: Literal["pushed", "consent"], client: Client, parameters: Parameters, lifetime: timedelta
    ) -> str:
        token = draw_key(REQUEST)
        kept = {name: parameters.get(name) for name in KNOWN if parameters.get(name)}
        request = AuthorizationRequest(secret_hash(token), kind, client.client_id, kept, self._clock() + lifetime)
        await self._storage.add_authorization_request(request)
        return token

    def _check(self, client: Client, parameters: Parameters, *, pushed: bool) -> None:
        """Raise OAuthError for what is told to the client by redirect."""
        if parameters.get("request"):
            raise OAuthError("Signed request objects are not taken.", code="request_not_supported")
        if parameters.require("response_type") != "code":
            raise OAuthError("Only response_type=code is offered.", code="unsupported_response_type")
        if CODE not in client.grant_types:
            raise OAuthError("This client may not ask for codes.", code="unauthorized_client")
        if parameters.get("response_mode") not in ("", "query"):
            raise OAuthError("Only response_mode=query is offered.", code="invalid_request")
        if client.require_pushed_authorization and not pushed:
            raise OAuthError("This client must push its requests.", code="invalid_request")
        if not _CHALLENGE.fullmatch(parameters.require("code_challenge")):
            raise OAuthError("The code_challenge is malformed.", code="invalid_request")
        if parameters.get("code_challenge_method") != "S256":
            raise OAuthError("The code_challenge_method must be S256.", code="invalid_request")
        if parameters.get("resource").rstrip("/") not in ("", self._issuer):
            raise OAuthError("Tokens are issued for this server's own API only.", code="invalid_target")
        if parameters.get("dpop_jkt") and not _CHALLENGE.fullmatch(parameters.get("dpop_jkt")):
            raise OAuthError("The dpop_jkt is malformed.", code="invalid_request")
        _scopes(client, parameters)

    def _back(self, parameters: Parameters, **answer: str) -> str:
        """The client's redirect URI with the answer, the state as it came, and who answers (RFC 9207)."""
        uri = parameters.get("redirect_uri")
        state = {"state": parameters.get("state")} if parameters.get("state") else {}
        told = urlencode({**answer, **state, "iss": self._issuer})
        return f"{uri}{'&' if '?' in uri else '?'}{told}"

    def _entry(self, visitor: Actor, client: Client, action: str, details: dict[str, Any]) -> ActivityEntry:
        told = {"client": client.name, **details}
        return ActivityEntry.by(visitor, self._clock(), action, f"client:{client.client_id}", told)

    async def _tell(self, visitor: Actor, client: Client, action: str, details: dict[str, Any]) -> None:
        await self._storage.add_journal(Journal(activity=(self._entry(visitor, client, action, details),)))


def _scopes(client: Client, parameters: Parameters) -> tuple[str, ...]:
    return narrow(read_scopes(parameters.get("scope")), client.scopes)


def _person(visitor: Actor | None) -> Actor:
    if visitor is None or visitor.kind != "user":
        raise NotAuthenticated("Sign in to decide.", code="sign_in_required")
    return visitor


def _check_redirect(client: Client, parameters: Parameters) -> None:
    given = parameters.get("redirect_uri")
    if not given:
        raise OAuthError("The parameter redirect_uri is missing.", code="invalid_request")
    if not any(matches_redirect(registered, given) for registered in client.redirect_uris):
        raise OAuthError(
            "The redirect_uri is not registered for this client.",
            code="invalid_request",
            hint="Register exactly this address for the client, or use one that is registered.",
        )


def _gone() -> NotFound:
    return NotFound(
        "This request for consent was decided, or has expired.",
        code="consent_gone",
        hint="Go back to the application and start again.",
    )
