"""The developer console's use cases: registered applications, their secrets, and what was granted to them.

Developers register and manage their own clients, administrators everybody's. Everybody sees, and may end, what
applications were granted on their own account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.authserver.client_documents import (
    describe_client,
    describe_grant,
    read_changes,
    read_new_client,
)
from isthmus.authserver.client_types import CODE, RULES
from isthmus.authserver.documents import read_whole
from isthmus.authserver.keys import AUTHORIZATION_CODE, CLIENT_SECRET, draw_id, draw_key, secret_hash
from isthmus.authserver.protect import Protect
from isthmus.authserver.scopes import narrow, read_scopes
from isthmus.errors import AccessDenied, Conflict, InputError, NotFound, OAuthError
from isthmus.records import ActivityEntry, Actor, AuthorizationCode, Client, ClientSecret, Page
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage

OVERLAP = timedelta(days=7)
"""How long the former secret still works after a rotation, where the caller does not say."""

LONGEST_OVERLAP_SECONDS = 90 * 24 * 3600
SELF_CODE_MINUTES = 10
MOST_SECRETS = 5


class Clients:
    """Applications that use our API, and their grants."""

    def __init__(
        self, *, storage: Storage, protect: Protect, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._protect = protect
        self._settings = settings
        self._clock = clock

    async def clients(self, actor: Actor, *, limit: int = 50, cursor: str | None = None) -> Page[dict[str, Any]]:
        """A page of clients by name: all of them for administrators, the own ones for others."""
        created_by = None if _is_administrator(actor) else actor.id
        page = await self._storage.clients(limit=limit, cursor=cursor, created_by=created_by)
        return Page([await self._describe(client) for client in page.items], page.next_cursor)

    async def client(self, actor: Actor, client_id: str) -> dict[str, Any]:
        """One client. NotFound where there is none, or it is not the actor's."""
        return await self._describe(await self._find(actor, client_id))

    async def create(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
        """A new client; `client_secret` is in this answer and never again.

        Raises InputError that names the field, AccessDenied where the installation leaves this to administrators.
        """
        self._require_registration(actor)
        now = self._clock()
        made = read_new_client(document, actor)
        client = replace(made, client_id=draw_id(), created_by=actor.id, created_at=now, updated_at=now)
        secret, drawn = (None, "")
        if client.authentication == "client_secret":
            secret, drawn = self._draw_secret(client.client_id)
        await self._storage.add_client(client, secret, self._journal(actor, "client.create", client))
        return await self._described(client, drawn)

    async def update(self, actor: Actor, client_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Change a client. What it was granted ends where a scope or grant type is taken away, or it is disabled."""
        before = await self._find(actor, client_id)
        after = replace(read_changes(document, before, actor), updated_at=self._clock())
        details = {"changed": sorted(document)}
        await self._storage.save_client(after, self._journal(actor, "client.update", after, details))
        lost = set(before.scopes) - set(after.scopes) or set(before.grant_types) - set(after.grant_types)
        if lost or (after.disabled and not before.disabled):
            await self._storage.revoke_grants(Journal(), client_id=client_id)
        self._protect.forget()
        return await self._describe(replace(after, version=after.version + 1))

    async def delete(self, actor: Actor, client_id: str) -> None:
        """Remove a client; every token of its ends at once."""
        client = await self._find(actor, client_id)
        await self._storage.delete_client(client_id, self._journal(actor, "client.delete", client))
        self._protect.forget()

    async def rotate_secret(self, actor: Actor, client_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """A new secret, in this answer only. The others work for `overlap_seconds` more, 0 to end them at once."""
        client = await self._find(actor, client_id)
        if client.authentication != "client_secret":
            raise Conflict("This client has no secret.", code="client_without_secret", field="client_id")
        seconds = document.get("overlap_seconds", int(OVERLAP.total_seconds()))
        overlap = read_whole(seconds, "overlap_seconds", least=0, most=LONGEST_OVERLAP_SECONDS)
        now = self._clock()
        live = [s for s in await self._storage.client_secrets(client_id) if s.expires_at is None or s.expires_at > now]
        if len(live) >= MOST_SECRETS:
            raise Conflict(
                f"{MOST_SECRETS} secrets are active already.", code="too_many_secrets", hint="End one of them first."
            )
        secret, drawn = self._draw_secret(client_id)
        ends = {one.id: now + timedelta(seconds=overlap) for one in live}
        told = self._journal(actor, "client.rotate_secret", client, {"overlap_seconds": overlap})
        await self._storage.rotate_client_secret(secret, ends=ends, journal=told)
        return await self._described(client, drawn)

    async def end_secret(self, actor: Actor, client_id: str, secret_id: str) -> None:
        """End one secret at once. NotFound where the client has none of that id."""
        client = await self._find(actor, client_id)
        told = self._journal(actor, "client.end_secret", client, {"secret": secret_id})
        if not await self._storage.delete_client_secret(client_id, secret_id, told):
            raise NotFound("The client has no such secret.", code="secret_not_found", field="secret_id")

    async def generate_code(self, actor: Actor, client_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """For a self client: a code on the actor's own account, to be exchanged by the client's id and secret.

        `scope` (text), `minutes` (1 to 10, 3 if left out), `description`. `{"code", "expires_at", "scope"}`.
        """
        client = await self._find(actor, client_id)
        if client.client_type != "self" or CODE not in client.grant_types:
            raise Conflict("Only a self client's code is generated.", code="client_type_wrong", field="client_id")
        if actor.kind != "user" or actor.client_id:
            raise AccessDenied("A code is generated by a person, for their own account.", code="person_required")
        minutes = read_whole(document.get("minutes", 3), "minutes", least=1, most=SELF_CODE_MINUTES)
        description = str(document.get("description") or "")[:200]
        try:
            scopes = narrow(read_scopes(str(document.get("scope") or "")), client.scopes)
        except OAuthError as problem:
            raise InputError(problem.message, code="scope_unknown", field="scope") from None
        drawn, expires_at = draw_key(AUTHORIZATION_CODE), self._clock() + timedelta(minutes=minutes)
        code = AuthorizationCode(
            code_hash=secret_hash(drawn),
            client_id=client_id,
            user_id=actor.id.removeprefix("user:"),
            scopes=scopes,
            expires_at=expires_at,
            description=description,
        )
        told = self._journal(actor, "client.generate_code", client, {"scopes": list(scopes), "minutes": minutes})
        await self._storage.add_authorization_code(code, told)
        return {"code": drawn, "expires_at": expires_at.isoformat(), "scope": " ".join(scopes)}

    # --- what was granted

    async def grants_of_client(
        self, actor: Actor, client_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[dict[str, Any]]:
        """What this client was granted, and by whom, newest first."""
        client = await self._find(actor, client_id)
        now = self._clock()
        page = await self._storage.grants(now=now, limit=limit, cursor=cursor, client_id=client_id)
        people = {user_id: await self._storage.user(user_id) for user_id in {g.user_id for g in page.items} if user_id}
        return Page([describe_grant(g, client, people.get(g.user_id)) for g in page.items], page.next_cursor)

    async def own_grants(self, actor: Actor, *, limit: int = 50, cursor: str | None = None) -> Page[dict[str, Any]]:
        """The applications with access to the actor's own account, newest first."""
        _require_person(actor)
        user_id = actor.id.removeprefix("user:")
        page = await self._storage.grants(now=self._clock(), limit=limit, cursor=cursor, user_id=user_id)
        clients = {client_id: await self._storage.client(client_id) for client_id in {g.client_id for g in page.items}}
        return Page(
            [describe_grant(g, found, None) for g in page.items if (found := clients[g.client_id])], page.next_cursor
        )

    async def revoke_grant(self, actor: Actor, grant_id: str) -> None:
        """End a grant with all its tokens: the person who gave it, the client's owner, or an administrator may."""
        grant = await self._storage.grant(grant_id)
        client = await self._storage.client(grant.client_id) if grant else None
        if grant is None or client is None:
            raise _no_such_grant()
        own = bool(grant.user_id) and actor.id == f"user:{grant.user_id}"
        if not own and not _is_administrator(actor) and client.created_by != actor.id:
            raise _no_such_grant()
        details = {"grant": grant_id, "person": grant.user_id or None}
        await self._storage.revoke_grant(grant_id, self._journal(actor, "client.revoke_grant", client, details))
        self._protect.forget()

    # --- within

    async def _find(self, actor: Actor, client_id: str) -> Client:
        client = await self._storage.client(client_id) if client_id.isprintable() else None
        if client is None or not (_is_administrator(actor) or client.created_by == actor.id):
            raise NotFound("There is no such client.", code="client_not_found", field="client_id")
        return client

    def _require_registration(self, actor: Actor) -> None:
        if actor.is_limited:
            raise AccessDenied(
                "A limited key registers no clients: they could reach more than it does.",
                code="key_limited",
                hint="Use a key without limits.",
            )
        allowed = ("administrator", "developer") if self._settings.client_registration == "developers" else ()
        if not _is_administrator(actor) and actor.role not in allowed:
            raise AccessDenied(
                "Registering clients is left to administrators here."
                if actor.role == "developer"
                else "Registering clients needs the role developer.",
                code="registration_closed",
            )

    def _draw_secret(self, client_id: str) -> tuple[ClientSecret, str]:
        drawn = draw_key(CLIENT_SECRET)
        return ClientSecret(draw_id(), client_id, secret_hash(drawn), drawn[-4:], self._clock()), drawn

    async def _describe(self, client: Client) -> dict[str, Any]:
        secrets = await self._storage.client_secrets(client.client_id)
        return describe_client(client, secrets, RULES[client.client_type].title)

    async def _described(self, client: Client, secret: str) -> dict[str, Any]:
        told = await self._describe(client)
        return {**told, "client_secret": secret} if secret else told

    def _journal(self, actor: Actor, action: str, client: Client, details: Mapping[str, Any] | None = None) -> Journal:
        told = {"client": client.name, **(details or {})}
        target = f"client:{client.client_id}"
        entry = ActivityEntry.by(actor, self._clock(), action, target, told)
        return Journal(activity=(entry,))


def _is_administrator(actor: Actor) -> bool:
    return actor.role == "administrator" and not actor.is_limited


def _require_person(actor: Actor) -> None:
    if actor.kind != "user":
        raise AccessDenied("Only a person has applications with access to their account.", code="person_required")


def _no_such_grant() -> NotFound:
    return NotFound("There is no such grant.", code="grant_not_found", field="grant_id")
