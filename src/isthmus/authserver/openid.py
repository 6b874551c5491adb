"""Signing in through the organisation's OpenID provider: whose account a verified identity opens here.

A person is found by issuer and subject. By e-mail address alone nobody gets into an account that is there already, unless
the setting says so; the address must be verified by the provider every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isthmus.authserver.challenges import Challenges
from isthmus.authserver.documents import read_email, read_role, time_text
from isthmus.authserver.keys import draw_id
from isthmus.authserver.openid_provider import OpenIdProvider
from isthmus.authserver.openid_refusals import OpenIdRefused, refusal
from isthmus.authserver.sessions import Sessions, Visit
from isthmus.errors import Conflict, InputError, NotAuthenticated, NotFound
from isthmus.records import ActivityEntry, Actor, Identity, User
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage

_SIGN_IN = "openid sign-in"
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who came back: a session that was begun, or (`linked`) the person whose account now has the identity."""

    user: User
    token: str = ""
    linked: bool = False


class OpenId:
    """Use cases of the sign-in through one provider. `browser` is the value of a cookie of the browser that began."""

    def __init__(
        self,
        *,
        settings: Settings,
        provider: OpenIdProvider | None,
        storage: Storage,
        sessions: Sessions,
        challenges: Challenges,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._storage = storage
        self._sessions = sessions
        self._challenges = challenges
        self._clock = clock

    @property
    def offered(self) -> bool:
        """Whether a provider is set."""
        return self._provider is not None

    @property
    def name(self) -> str:
        """What the button calls the provider."""
        return self._settings.openid_name

    async def begin(self, browser: str, linking: Actor | None = None) -> str:
        """The address to send the browser to. Raises NotAuthenticated (`openid_unreachable`, `openid_refused`)."""
        state = self._challenges.draw(_purpose(linking), browser)
        return await self._asked().authorization_url(
            state=state,
            nonce=self._challenges.derive(state, "nonce", browser),
            verifier=self._challenges.derive(state, "verifier", browser),
        )

    async def finish(
        self, parameters: Sequence[tuple[str, str]], browser: str, visit: Visit, linking: Actor | None = None
    ) -> Arrived:
        """What comes of the provider's answer. Raises OpenIdRefused; each refusal is in the activity."""
        try:
            claims = await self._claims(parameters, browser, linking)
            email = self._check_email(claims)
            if linking is not None:
                return await self._link(linking, claims, email)
            user = await self._person(claims, email, visit)
            token, _ = await self._sessions.begin(user, visit, "openid")
            return Arrived(user, token)
        except OpenIdRefused as problem:
            who = linking.id if linking else "unknown"
            details = {"way": "openid", "code": problem.code, "reason": problem.reason}
            entry = ActivityEntry(self._clock(), who, "user.sign_in", who, "refused", visit.address, details)
            await self._storage.add_journal(Journal(activity=(entry,)))
            raise

    async def mine(self, actor: Actor) -> list[dict[str, Any]]:
        """The actor's identities at providers."""
        return [
            {
                "issuer": one.issuer,
                "subject": one.subject,
                "email": one.email,
                "created_at": time_text(one.created_at),
                "last_used_at": time_text(one.last_used_at),
            }
            for one in await self._storage.identities_of(_user_id(actor))
        ]

    async def unlink(self, actor: Actor, session_token: str, issuer: str, subject: str) -> None:
        """Take an identity off the actor's account.

        Raises AccessDenied (`confirmation_required`), NotFound, and Conflict (`last_way_in`).
        """
        await self._sessions.require_confirmed(session_token)
        user_id = _user_id(actor)
        own, user = await self._storage.identities_of(user_id), await self._storage.user(user_id)
        if user is None or all((one.issuer, one.subject) != (issuer, subject) for one in own):
            raise NotFound("This identity is not linked.", code="identity_not_found")
        if len(own) == 1 and user.password_hash is None and not await self._storage.passkeys_of(user_id):
            raise Conflict("This is your only way to sign in.", code="last_way_in", hint="Add a passkey first.")
        entry = ActivityEntry.by(actor, self._clock(), "identity.unlink", actor.id, {"issuer": issuer})
        await self._storage.delete_identity(user_id, issuer, subject, Journal(activity=(entry,)))

    # --- what came back

    async def _claims(
        self, parameters: Sequence[tuple[str, str]], browser: str, linking: Actor | None
    ) -> dict[str, Any]:
        provider, given = self._asked(), dict(parameters)
        if len(given) != len(parameters) or any(len(value) > _LONGEST for value in given.values()):
            raise refusal("openid_refused", "a parameter came twice or is too long")
        state = given.get("state", "")
        try:
            await self._challenges.spend(state, _purpose(linking), browser)
        except NotAuthenticated:
            raise refusal("openid_attempt_ended") from None
        issuer = given.get("iss")
        if issuer is None and (await provider.metadata()).promises_issuer:
            raise refusal("openid_refused", "the answer does not name its issuer")
        if issuer not in (None, provider.issuer):
            raise refusal("openid_refused", "the answer names another issuer")
        if "error" in given:
            raise refusal("openid_denied")
        if not given.get("code"):
            raise refusal("openid_refused", "the answer has no code")
        return await provider.claims(
            given["code"],
            nonce=self._challenges.derive(state, "nonce", browser),
            verifier=self._challenges.derive(state, "verifier", browser),
        )

    def _check_email(self, claims: Mapping[str, Any]) -> str:
        if claims.get("email_verified") is not True:
            raise refusal("openid_email_unverified")
        try:
            email = read_email(claims.get("email"))
        except InputError:
            raise refusal("openid_email_unverified", "the address is none") from None
        domains = {domain.lower() for domain in self._settings.openid_domains}
        if domains and email.rpartition("@")[2] not in domains:
            raise refusal("openid_domain_refused")
        return email

    async def _person(self, claims: Mapping[str, Any], email: str, visit: Visit) -> User:
        """The person behind the identity; linked or made only as the settings allow."""
        issuer, subject = self._asked().issuer, str(claims["sub"])
        identity = await self._storage.identity(issuer, subject)
        if identity is not None:
            user = await self._storage.user(identity.user_id)
            if user is None or user.disabled:
                raise refusal("openid_switched_off")
            await self._storage.touch_identity(issuer, subject, email=email, now=self._clock())
            return user
        user = await self._storage.user_by_email(email)
        if user is None:
            return await self._invite(claims, email, visit)
        if not self._settings.openid_link_by_email:
            raise refusal("openid_account_exists")
        if user.disabled:
            raise refusal("openid_switched_off")
        await self._keep(user, subject, email, visit.address)
        return user

    async def _invite(self, claims: Mapping[str, Any], email: str, visit: Visit) -> User:
        role = self._settings.openid_role
        if not role:
            raise refusal("openid_not_invited")
        now, name = self._clock(), claims.get("name")
        known = isinstance(name, str) and name.isprintable() and 1 <= len(name.strip()) <= 100
        user = User(
            draw_id(), email, str(name).strip() if known else "", read_role(role), created_at=now, updated_at=now
        )
        await self._keep(user, str(claims["sub"]), email, visit.address, new=True)
        return user

    async def _link(self, actor: Actor, claims: Mapping[str, Any], email: str) -> Arrived:
        user = await self._storage.user(_user_id(actor))
        if user is None:
            raise refusal("openid_switched_off")
        present = await self._storage.identity(self._asked().issuer, str(claims["sub"]))
        if present is not None and present.user_id != user.id:
            raise refusal("openid_taken")
        if present is None:
            await self._keep(user, str(claims["sub"]), email, actor.address)
        return Arrived(user, linked=True)

    async def _keep(self, user: User, subject: str, email: str, address: str, *, new: bool = False) -> None:
        now, who, issuer = self._clock(), f"user:{user.id}", self._asked().issuer
        entries = [ActivityEntry(now, who, "identity.link", who, "done", address, {"issuer": issuer})]
        if new:
            details = {"email": email, "role": user.role, "by": issuer}
            entries.insert(0, ActivityEntry(now, who, "user.create", who, "done", address, details))
        identity = Identity(issuer, subject, user.id, email, now, now)
        try:
            await self._storage.add_identity(identity, Journal(activity=tuple(entries)), user=user if new else None)
        except Conflict:  # somebody was faster, in another window
            raise refusal("openid_attempt_ended") from None

    def _asked(self) -> OpenIdProvider:
        if self._provider is None:
            raise NotFound("No OpenID provider is set here.", code="openid_not_set")
        return self._provider


def _purpose(linking: Actor | None) -> str:
    return f"openid link of {linking.id}" if linking else _SIGN_IN


def _user_id(actor: Actor) -> str:
    if actor.kind != "user":
        raise InputError("Only a person has identities.")
    return actor.id.removeprefix("user:")
