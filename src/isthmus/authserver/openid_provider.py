"""The organisation's OpenID provider as we speak to it: its metadata, its keys, the code for an ID token.

Every call goes through `outbound`, with its policy of addresses; nothing that the provider says of itself widens it.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from isthmus.authserver.id_tokens import UnknownKey, judge_id_token
from isthmus.authserver.jose import Unverified
from isthmus.authserver.openid_refusals import refusal
from isthmus.errors import InputError, OutboundError
from isthmus.outbound import Limits, Outbound
from isthmus.protocols.oauth2 import challenge
from isthmus.records import HttpRequest, HttpResponse
from isthmus.settings import Settings

SCOPES = "openid email profile"
METADATA_HOLDS = timedelta(minutes=10)
PAUSE = timedelta(seconds=30)
"""After a failure, and between two readings of the keys for the sake of one that is not known."""

_MOST_KEYS = 100
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the provider says of itself; every address was checked."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    methods: tuple[str, ...]
    promises_issuer: bool


@dataclass(slots=True)
class _Read:
    """Something that was read, and when; `failed_at` keeps the next attempt away for a while."""

    value: Any = None
    at: datetime | None = None
    failed_at: datetime | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class OpenIdProvider:
    """One provider, named by its issuer. Raises NotAuthenticated (`openid_unreachable`, `openid_refused`)."""

    def __init__(
        self, *, settings: Settings, secret: str, outbound: Outbound, clock: Callable[[], datetime], redirect_uri: str
    ) -> None:
        self.issuer = settings.openid_issuer
        self._client_id = settings.openid_client_id
        self._secret = secret
        self._outbound = outbound
        self._clock = clock
        self._redirect_uri = redirect_uri
        self._limits = replace(
            Limits.buffered(settings), total_seconds=settings.token_seconds, wire_bytes=1 << 20, decoded_bytes=1 << 20
        )
        self._metadata, self._keys = _Read(), _Read()

    async def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser (PKCE with S256)."""
        endpoint = (await self.metadata()).authorization_endpoint
        parameters = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPES,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(parameters)}"

    async def metadata(self) -> Metadata:
        """What it says of itself (OpenID Connect Discovery §4), read anew every ten minutes."""
        value: Metadata = await self._remembered(self._metadata, METADATA_HOLDS, self._discover)
        return value

    async def claims(self, code: str, *, nonce: str, verifier: str) -> dict[str, Any]:
        """The claims about the person, for the code that came back: of the ID token, and what that leaves out of the
        userinfo endpoint."""
        answer = await self._redeem(code, verifier)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise refusal("openid_refused")
        claims = await self._judge(token, nonce)
        if "email" not in claims and (access := answer.get("access_token")) and isinstance(access, str):
            claims = await self._completed(claims, access)
        return claims

    async def _judge(self, token: str, nonce: str) -> dict[str, Any]:
        judge = partial(
            judge_id_token, token, issuer=self.issuer, client_id=self._client_id, nonce=nonce, now=self._clock()
        )
        try:
            try:
                return judge(await self._published_keys(METADATA_HOLDS))
            except UnknownKey:  # it may have rotated its keys since
                return judge(await self._published_keys(PAUSE))
        except Unverified as problem:
            raise refusal("openid_refused", str(problem)) from None

    async def _completed(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """With what the userinfo endpoint says of the same person (OpenID Connect Core §5.3)."""
        endpoint = (await self.metadata()).userinfo_endpoint
        if not endpoint:
            return claims
        headers = (("Accept", "application/json"), ("Authorization", f"Bearer {access_token}"))
        said = _document(await self._send(HttpRequest("GET", endpoint, headers)))
        if said.get("sub") != claims["sub"]:
            raise refusal("openid_refused", "its userinfo is about somebody else")
        return {**{name: said[name] for name in ("email", "email_verified", "name") if name in said}, **claims}

    async def _redeem(self, code: str, verifier: str) -> dict[str, Any]:
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]
        if self._secret and ("client_secret_basic" in metadata.methods or "client_secret_post" not in metadata.methods):
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret)}"
            headers.append(("Authorization", f"Basic {b64encode(pair.encode()).decode()}"))
        else:
            form |= {"client_id": self._client_id} | ({"client_secret": self._secret} if self._secret else {})
        body = urlencode(form).encode()
        return _document(await self._send(HttpRequest("POST", metadata.token_endpoint, tuple(headers), body)))

    async def _discover(self) -> Metadata:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = _document(await self._send(HttpRequest("GET", url, (("Accept", "application/json"),))))
        if found.get("issuer") != self.issuer:
            raise refusal("openid_refused", "its metadata is of another issuer")
        for name in _ENDPOINTS:
            self._check(found.get(name))
        userinfo = found.get("userinfo_endpoint")
        if userinfo is not None:
            self._check(userinfo)
        methods = found.get("token_endpoint_auth_methods_supported")
        return Metadata(
            **{name: str(found[name]) for name in _ENDPOINTS},
            userinfo_endpoint=str(userinfo or ""),
            methods=tuple(one for one in methods if isinstance(one, str)) if isinstance(methods, list) else (),
            promises_issuer=found.get("authorization_response_iss_parameter_supported") is True,
        )

    async def _published_keys(self, holds: timedelta) -> Sequence[Mapping[str, Any]]:
        value: Sequence[Mapping[str, Any]] = await self._remembered(self._keys, holds, self._read_keys)
        return value

    async def _read_keys(self) -> Sequence[Mapping[str, Any]]:
        url = (await self.metadata()).jwks_uri
        keys = _document(await self._send(HttpRequest("GET", url, (("Accept", "application/json"),)))).get("keys")
        return [key for key in keys[:_MOST_KEYS] if isinstance(key, dict)] if isinstance(keys, list) else []

    async def _remembered(self, read: _Read, holds: timedelta, fetch: Callable[[], Any]) -> Any:
        """What was read within `holds`, else read anew, by one at a time, and not again right after a failure."""
        async with read.turn:
            now = self._clock()
            if read.at is not None and now - read.at < holds:
                return read.value
            if read.failed_at is not None and now - read.failed_at < PAUSE:
                raise refusal("openid_unreachable")
            try:
                read.value, read.at, read.failed_at = await fetch(), now, None
            except Exception:
                read.failed_at = now
                raise
            return read.value

    def _check(self, url: object) -> None:
        try:
            if not isinstance(url, str) or "#" in url:
                raise refusal("openid_refused", "its metadata lacks an address")
            self._outbound.check(url, None)
        except (InputError, OutboundError):
            raise refusal("openid_refused", "its metadata names an address that may not be reached") from None

    async def _send(self, request: HttpRequest) -> HttpResponse:
        try:
            return await self._outbound.send(request, hosts=(urlsplit(request.url).netloc,), limits=self._limits)
        except (InputError, OutboundError):
            raise refusal("openid_unreachable") from None


def _document(response: HttpResponse) -> dict[str, Any]:
    """The JSON object of a good answer; nothing of another one gets any further."""
    try:
        found = json.loads(response.body) if response.status == 200 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise refusal("openid_unreachable" if response.status >= 500 else "openid_refused", "its answer is an error")
    return found
