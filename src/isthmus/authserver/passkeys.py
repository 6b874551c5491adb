"""Passkeys: a person registers authenticators, and signs in with one without naming themselves (WebAuthn Level 3).

The options that a browser needs are plain data; what it answers is judged by `webauthn`, which is loaded when the first
answer comes. A passkey belongs to the host name of the public URL: where that changes, new ones are needed.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from isthmus.authserver.challenges import LIVES, Challenges
from isthmus.authserver.documents import read_name, time_text
from isthmus.authserver.sessions import Sessions, Visit
from isthmus.errors import Conflict, InputError, NotAuthenticated, NotFound
from isthmus.records import ActivityEntry, Actor, Passkey, User
from isthmus.storage.contract import Journal, Storage

MOST = 20
_LONGEST = 20_000
_SIGN_IN = "passkey sign-in"
_KINDS = (-7, -8, -257)


class Passkeys:
    """Use cases on passkeys. `browser` is the value of a cookie that ties a challenge to one browser."""

    def __init__(
        self,
        *,
        storage: Storage,
        sessions: Sessions,
        challenges: Challenges,
        public_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._sessions = sessions
        self._challenges = challenges
        self._clock = clock
        parts = urlsplit(public_url)
        self._host, self._secure = (parts.hostname or "").lower(), parts.scheme == "https"
        port = "" if parts.port in (None, 443 if self._secure else 80) else f":{parts.port}"
        self._origin = f"{parts.scheme}://{self._host}{port}"

    @property
    def available(self) -> bool:
        """Whether browsers offer passkeys at this address: it is a name, over https, or localhost."""
        numeric = ":" in self._host or self._host.replace(".", "").isdigit()
        return not numeric and (self._secure or self._host == "localhost" or self._host.endswith(".localhost"))

    # --- signing in

    def sign_in_options(self, browser: str) -> dict[str, Any]:
        """What the browser needs to ask for any passkey of this site."""
        return {
            "challenge": self._challenges.draw(_SIGN_IN, browser),
            "rpId": self._host,
            "userVerification": "required",
            "timeout": int(LIVES.total_seconds() * 1000),
        }

    async def sign_in(self, browser: str, text: str, visit: Visit) -> tuple[str, User]:
        """A new session by the browser's answer: the cookie's value and whose it is.

        Raises NotAuthenticated: `challenge_refused`, `passkey_unknown` (also for a person who is switched off),
        `passkey_refused`, `passkey_copied` where the count of signatures went back.
        """
        document = _read(text)
        challenge = _challenge_of(document)
        await self._challenges.spend(challenge, _SIGN_IN, browser)
        passkey = await self._storage.passkey(str(document.get("id"))[:2000])
        user = await self._storage.user(passkey.user_id) if passkey else None
        if passkey is None or user is None or user.disabled:
            if user is not None:
                await self._sessions.refuse(user, visit.address, "passkey")
            raise _unknown()
        await self._check_use(passkey, user, document, challenge, visit)
        token, _ = await self._sessions.begin(user, visit, "passkey")
        return token, user

    async def _check_use(
        self, passkey: Passkey, user: User, document: Mapping[str, Any], challenge: str, visit: Visit
    ) -> None:
        library = _library()
        try:
            answer = library.judge_assertion(
                self._party(), document, challenge, credential=passkey.credential, user_handle=user.id.encode()
            )
        except library.Unacceptable:
            await self._sessions.refuse(user, visit.address, "passkey")
            raise _refused() from None
        if answer.sign_count <= passkey.sign_count and (answer.sign_count or passkey.sign_count):
            await self._sessions.refuse(user, visit.address, "passkey")
            raise _copied()
        noted = await self._storage.use_passkey(
            passkey.id, seen=passkey.sign_count, sign_count=answer.sign_count, synced=answer.synced, now=self._clock()
        )
        if not noted:
            raise _refused()

    # --- one's own

    async def mine(self, actor: Actor) -> list[dict[str, Any]]:
        """The actor's passkeys: their names and times."""
        return [
            {
                "id": passkey.id,
                "name": passkey.name,
                "synced": passkey.synced,
                "created_at": time_text(passkey.created_at),
                "last_used_at": time_text(passkey.last_used_at),
            }
            for passkey in await self._storage.passkeys_of(_user_id(actor))
        ]

    async def registration_options(self, actor: Actor, session_token: str, browser: str) -> dict[str, Any]:
        """What the browser needs to make a passkey. Raises AccessDenied (`confirmation_required`)."""
        await self._sessions.require_confirmed(session_token)
        user = await self._person(actor)
        known = await self._storage.passkeys_of(user.id)
        handle = urlsafe_b64encode(user.id.encode()).decode().rstrip("=")
        return {
            "rp": {"id": self._host, "name": "Isthmus"},
            "user": {"id": handle, "name": user.email, "displayName": user.name or user.email},
            "challenge": self._challenges.draw(_registering(user), browser),
            "pubKeyCredParams": [{"type": "public-key", "alg": kind} for kind in _KINDS],
            "excludeCredentials": [{"type": "public-key", "id": passkey.id} for passkey in known],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
            "timeout": int(LIVES.total_seconds() * 1000),
        }

    async def register(self, actor: Actor, session_token: str, browser: str, name: str, text: str) -> None:
        """Keep the passkey that the browser made.

        Raises AccessDenied (`confirmation_required`), InputError (field `name`), NotAuthenticated as `sign_in`, and
        Conflict where it is known already or there are twenty.
        """
        await self._sessions.require_confirmed(session_token)
        called, user, document = read_name(name), await self._person(actor), _read(text)
        challenge = _challenge_of(document)
        await self._challenges.spend(challenge, _registering(user), browser)
        if len(await self._storage.passkeys_of(user.id)) >= MOST:
            raise Conflict(f"There are {MOST} passkeys already.", code="passkeys_full", hint="Remove one first.")
        library = _library()
        try:
            answer = library.judge_registration(self._party(), document, challenge)
        except library.Unacceptable:
            raise _refused() from None
        made_id = library.credential_id(answer.credential)
        passkey = Passkey(
            made_id, user.id, called, answer.credential, answer.sign_count, answer.synced, self._clock(), None
        )
        try:
            await self._storage.add_passkey(passkey, self._journal(actor, "passkey.create", called))
        except Conflict as problem:
            raise Conflict("This passkey is known already.", code="passkey_known") from problem

    async def remove(self, actor: Actor, session_token: str, passkey_id: str) -> None:
        """Forget one. Raises AccessDenied (`confirmation_required`), NotFound, and Conflict (`last_way_in`) where the
        person could not sign in any more."""
        await self._sessions.require_confirmed(session_token)
        user = await self._person(actor)
        own = await self._storage.passkeys_of(user.id)
        name = next((passkey.name for passkey in own if passkey.id == passkey_id), None)
        if name is None:
            raise NotFound("There is no such passkey.", code="passkey_not_found")
        if len(own) == 1 and user.password_hash is None and not await self._storage.identities_of(user.id):
            raise Conflict("This is your only way to sign in.", code="last_way_in", hint="Add another passkey first.")
        await self._storage.delete_passkey(user.id, passkey_id, self._journal(actor, "passkey.delete", name))

    # --- parts

    def _party(self) -> Any:
        return _library().Party(self._host, self._origin)

    async def _person(self, actor: Actor) -> User:
        user = await self._storage.user(_user_id(actor))
        if user is None:
            raise NotFound("There is no such person.", code="user_not_found")
        return user

    def _journal(self, actor: Actor, action: str, name: str) -> Journal:
        return Journal(activity=(ActivityEntry.by(actor, self._clock(), action, actor.id, {"name": name}),))


def _library() -> Any:
    """`webauthn`, which few processes ever need: 5 MiB that an idle server does without."""
    return import_module("isthmus.authserver.webauthn")


def _read(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text) if len(text) <= _LONGEST else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _refused()
    return document


def _challenge_of(document: Mapping[str, Any]) -> str:
    """The challenge that the browser says it answers; whether it does is judged later."""
    try:
        encoded = str(document["response"]["clientDataJSON"])
        challenge = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))["challenge"]
    except (KeyError, TypeError, ValueError):
        raise _refused() from None
    return challenge if isinstance(challenge, str) else ""


def _registering(user: User) -> str:
    return f"passkey of {user.id}"


def _user_id(actor: Actor) -> str:
    if actor.kind != "user":
        raise InputError("Only a person has passkeys.")
    return actor.id.removeprefix("user:")


def _unknown() -> NotAuthenticated:
    return NotAuthenticated(
        "This passkey is not known here.",
        code="passkey_unknown",
        hint="Sign in another way; if that works, add a passkey under Signing in.",
    )


def _refused() -> NotAuthenticated:
    return NotAuthenticated(
        "The passkey was not accepted.", code="passkey_refused", hint="Try again, or sign in another way."
    )


def _copied() -> NotAuthenticated:
    return NotAuthenticated(
        "This passkey may exist twice: its count of signatures went back.",
        code="passkey_copied",
        hint="Sign in another way, remove it under Signing in, and add a new one.",
    )
