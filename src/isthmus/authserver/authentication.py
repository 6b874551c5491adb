"""How a client proves itself at our endpoints: its secret by Basic or in the body, a signed assertion, or not at all."""

from __future__ import annotations

import binascii
import hmac
import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable
from datetime import datetime
from urllib.parse import unquote_plus

from isthmus.authserver.keys import secret_hash
from isthmus.authserver.parameters import Parameters
from isthmus.authserver.proofs import Proofs
from isthmus.errors import OAuthError
from isthmus.records import Client
from isthmus.storage.contract import Storage

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")


class Authentication:
    """Finds the client behind a request."""

    def __init__(self, *, storage: Storage, proofs: Proofs, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._proofs = proofs
        self._clock = clock

    async def client_of(self, authorization: str | None, parameters: Parameters) -> Client:
        """The client that made this request, proven in the one way that it is registered with.

        Raises OAuthError `invalid_client`, in the same words whether it is unknown, off or shows a wrong secret, and
        `invalid_request` for two proofs at once (RFC 6749 §2.3).
        """
        basic = _read_basic(authorization) if authorization else None
        assertion, posted = parameters.get("client_assertion"), parameters.get("client_secret")
        if sum((basic is not None, bool(assertion), bool(posted))) > 1:
            raise OAuthError("The request proves the client in more than one way.", code="invalid_request")
        named = parameters.get("client_id")
        if basic is not None and named and named != basic[0]:
            raise OAuthError("The request names two clients.", code="invalid_request")
        client = await self._find(basic[0] if basic else named or _subject_hint(assertion))
        if client.authentication == "private_key_jwt":
            await self._check_assertion(client, parameters)
        elif client.authentication == "client_secret":
            await self._check_secret(client, basic[1] if basic else posted)
        elif basic is not None or assertion or posted:
            raise _invalid_client()
        return client

    async def _find(self, client_id: str) -> Client:
        client = await self._storage.client(client_id) if client_id.isprintable() and client_id else None
        if client is None or client.disabled:
            raise _invalid_client()
        return client

    async def _check_assertion(self, client: Client, parameters: Parameters) -> None:
        assertion = parameters.get("client_assertion")
        if not assertion or parameters.get("client_assertion_type") != ASSERTION_TYPE:
            raise _invalid_client()
        await self._proofs.check_assertion(client, assertion)

    async def _check_secret(self, client: Client, given: str) -> None:
        now, shown = self._clock(), secret_hash(given)
        live = [
            secret.secret_hash
            for secret in await self._storage.client_secrets(client.client_id)
            if secret.expires_at is None or secret.expires_at > now
        ]
        if not given or not any(hmac.compare_digest(one, shown) for one in live):
            raise _invalid_client()


def _read_basic(authorization: str) -> tuple[str, str]:
    """Client id and secret; both form-encoded within Basic (RFC 6749 §2.3.1)."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client()
    try:
        name, colon, secret = b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        raise _invalid_client() from None
    if not colon:
        raise _invalid_client()
    return unquote_plus(name), unquote_plus(secret)


def _subject_hint(assertion: str) -> str:
    """The client that an assertion claims to be of; only a hint which keys to verify it with."""
    if not assertion:
        raise _invalid_client()
    try:
        encoded = assertion.split(".")[1]
        claims = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (IndexError, ValueError):
        raise _invalid_client() from None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else ""


def _invalid_client() -> OAuthError:
    return OAuthError("The client is not known or did not prove itself.", code="invalid_client")
