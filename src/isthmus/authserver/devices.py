"""Devices without a browser (RFC 8628): they show a code, a person enters it elsewhere and decides."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from isthmus.authserver.attempts import Attempts
from isthmus.authserver.authentication import Authentication
from isthmus.authserver.client_types import DEVICE
from isthmus.authserver.consent import describe_question, require_shown
from isthmus.authserver.keys import DEVICE_CODE, draw_key, secret_hash
from isthmus.authserver.parameters import Parameters
from isthmus.authserver.scopes import narrow, read_scopes
from isthmus.errors import NotFound, OAuthError
from isthmus.records import ActivityEntry, Actor, Client, DeviceAuthorization
from isthmus.storage.contract import Journal, Storage

LIFETIME = timedelta(minutes=10)
INTERVAL_SECONDS = 5
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, so that no word appears, and without letters that look alike: 20^8 codes."""


class Devices:
    """Begins device authorizations and takes people's decisions."""

    def __init__(
        self, *, storage: Storage, authentication: Authentication, clock: Callable[[], datetime], issuer: str
    ) -> None:
        self._storage = storage
        self._authentication = authentication
        self._clock = clock
        self._issuer = issuer
        self._attempts = Attempts()

    async def begin(self, authorization: str | None, parameters: Parameters) -> dict[str, Any]:
        """The answer of RFC 8628 §3.2. Raises OAuthError."""
        parameters.check()
        client = await self._authentication.client_of(authorization, parameters)
        if DEVICE not in client.grant_types:
            raise OAuthError("This client may not use the device grant.", code="unauthorized_client")
        scopes = narrow(read_scopes(parameters.get("scope")), client.scopes)
        device_code, letters = draw_key(DEVICE_CODE), "".join(secrets.choice(_LETTERS) for _ in range(8))
        device = DeviceAuthorization(
            device_code_hash=secret_hash(device_code),
            user_code_hash=secret_hash(letters),
            client_id=client.client_id,
            scopes=scopes,
            expires_at=self._clock() + LIFETIME,
            interval_seconds=INTERVAL_SECONDS,
        )
        await self._storage.add_device_authorization(device)
        shown = f"{letters[:4]}-{letters[4:]}"
        return {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": f"{self._issuer}/device",
            "verification_uri_complete": f"{self._issuer}/device?user_code={shown}",
            "expires_in": int(LIFETIME.total_seconds()),
            "interval": INTERVAL_SECONDS,
        }

    async def describe(self, visitor: Actor, user_code: str) -> dict[str, Any]:
        """What the person is asked, and as `shown` its digest. A wrong code counts against this person and address.

        Raises NotFound (`user_code_unknown`), RateLimited.
        """
        client, device = await self._waiting(visitor, user_code)
        letters = read_user_code(user_code)
        return describe_question(client, device.scopes, visitor, user_code=f"{letters[:4]}-{letters[4:]}")

    async def decide(self, visitor: Actor, user_code: str, *, approve: bool, shown: str) -> str:
        """Approve or deny, once; the client's name. Raises as `describe`, and Conflict (`consent_changed`) unless
        `shown` is the digest of what the person would be asked now."""
        require_shown(await self.describe(visitor, user_code), shown)
        client, device = await self._waiting(visitor, user_code)
        now = self._clock()
        decided = await self._storage.decide_device(
            device.user_code_hash,
            status="approved" if approve else "denied",
            user_id=visitor.id.removeprefix("user:"),
            now=now,
            journal=Journal(activity=(_entry(visitor, client, approve=approve, now=now),)),
        )
        if not decided:
            raise _unknown()
        return client.name

    async def _waiting(self, visitor: Actor, user_code: str) -> tuple[Client, DeviceAuthorization]:
        letters, now = read_user_code(user_code), self._clock()
        self._attempts.begin(visitor.id, visitor.address, now)
        device = await self._storage.device_by_user_code(secret_hash(letters), now=now) if letters else None
        client = await self._storage.client(device.client_id) if device else None
        if device is None or device.status != "pending" or client is None or client.disabled:
            raise _unknown()
        self._attempts.succeeded(visitor.id, visitor.address)
        return client, device


def read_user_code(text: str) -> str:
    """The eight letters of a code as people type it; "" where it can be none."""
    letters = "".join(letter for letter in text.upper() if letter not in " -\u2010\u2011\u2013\t")
    return letters if len(letters) == 8 and all(letter in _LETTERS for letter in letters) else ""


def _entry(visitor: Actor, client: Client, *, approve: bool, now: datetime) -> ActivityEntry:
    action = "client.consent" if approve else "client.refuse"
    told = {"client": client.name, "grant_type": "device"}
    return ActivityEntry.by(visitor, now, action, f"client:{client.client_id}", told)


def _unknown() -> NotFound:
    return NotFound(
        "This code is not known, was used, or has expired.",
        code="user_code_unknown",
        field="user_code",
        hint="Compare it with the one on the device, or start again there.",
    )
