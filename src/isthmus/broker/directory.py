"""Connections, and what can be read about them: list, create, edit, delete, their authorizations and histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.broker import connections as read
from isthmus.broker.access import require, visible
from isthmus.broker.call_record import Recorder
from isthmus.broker.lookup import Lookup
from isthmus.broker.owner import SHARED
from isthmus.broker.registry import Registry
from isthmus.broker.revocation import Revoker
from isthmus.broker.services import Registered, Services
from isthmus.broker.snippet import snippets
from isthmus.broker.tokens import draw_id
from isthmus.broker.views import (
    activity_document,
    authorization_document,
    call_document,
    connection_document,
    iso,
    policy_document,
    timeline_document,
)
from isthmus.errors import Conflict, InputError, NotFound
from isthmus.records import ActivityEntry, Actor, Authorization, Connection, Page, TimelineEntry
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage


class Directory(Registry):
    """Services (see Registry) and connections, as documents. Every method checks the actor's rights itself."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        services: Services,
        lookup: Lookup,
        revoker: Revoker,
        clock: Callable[[], datetime],
        seal_secret: Callable[[str, str], bytes],
        recorder: Recorder,
    ) -> None:
        super().__init__(
            settings=settings,
            storage=storage,
            services=services,
            clock=clock,
            seal_secret=seal_secret,
            forget_all=lookup.forget_all,
        )
        self._lookup = lookup
        self._revoker = revoker
        self._recorder = recorder

    async def connections(
        self,
        actor: Actor,
        *,
        service: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        user: str | None = None,
    ) -> Page[dict[str, Any]]:
        """A page of connections by link name, those the actor may see."""
        require(actor, "connections.read")
        page = await self._storage.connections(limit=limit, cursor=cursor, service=service, names=actor.connections)
        ids = [connection.id for connection in page.items]
        now = self._clock()
        owner = _reader(actor, user)
        shared = await self._storage.authorizations_for(ids, SHARED)
        own = await self._storage.authorizations_for(ids, owner) if owner else {}
        pending = await self._storage.pending_connections(ids, SHARED, now=now)
        own_pending = await self._storage.pending_connections(ids, owner, now=now) if owner else frozenset()
        items = []
        for connection in page.items:
            personal = connection.use_credentials_of_login_user
            rows, under_way = (own, own_pending) if personal else (shared, pending)
            row = rows.get(connection.id)
            items.append(connection_document(connection, row, pending=connection.id in under_way, now=now))
        return Page(items, page.next_cursor)

    async def connection(self, actor: Actor, link_name: str, *, user: str | None = None) -> dict[str, Any]:
        """One connection, as it stands for the shared account, the named user, or the person who asks."""
        require(actor, "connections.read")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        return await self._document(actor, connection, user)

    async def create_connection(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
        """A new connection, not yet authorized. Raises InputError, Conflict (`link_name_taken`)."""
        require(actor, "connections.manage")
        given = read.check_keys(document, read.CREATED)
        if not isinstance(given.get("service"), str):
            raise InputError("Name the service.", field="service", hint="Give the link name of a service.")
        registered = await self._services.find(given["service"])
        service = registered.service
        link_name = read.read_link_name(given)
        now = self._clock()
        connection = Connection(
            id=draw_id(),
            link_name=link_name,
            name=read.read_name(given, default=service.name),
            service=service.link_name,
            scopes=read.read_scopes(given.get("scopes"), service),
            use_credentials_of_login_user=read.read_flag(
                given.get("use_credentials_of_login_user", False), "use_credentials_of_login_user"
            ),
            variables=read.read_variables(given.get("variables"), service),
            policy=read.read_policy(given.get("policy")),
            created_by=actor.id,
            created_at=now,
            updated_at=now,
        )
        self._services.check_variables(registered, connection.variables)
        activity = self._activity(actor, "connection.create", link_name, {"service": service.link_name})
        try:
            await self._storage.add_connection(connection, Journal(activity=(activity,)))
        except Conflict as problem:
            raise Conflict(
                f"The link name {link_name!r} is taken.",
                code="link_name_taken",
                field="link_name",
                hint="Choose another.",
            ) from problem
        return await self._document(actor, connection, None)

    async def check_link_name(self, actor: Actor, link_name: str) -> None:
        """Raise InputError for a malformed link name, Conflict (`link_name_taken`) for one that a connection has."""
        require(actor, "connections.manage")
        read.read_link_name({"link_name": link_name})
        if await self._storage.connection(link_name) is not None:
            raise Conflict(
                f"The link name {link_name!r} is taken.",
                code="link_name_taken",
                field="link_name",
                hint="Choose another.",
            )

    def check_connection(self, document: Mapping[str, Any], registered: Registered) -> None:
        """Raise InputError for a connection that could not be created with this service, or changed to this."""
        given = read.check_keys(document, read.CREATED)
        read.read_link_name(given)
        read.read_name(given, default="-")
        read.read_policy(given.get("policy"))
        read.read_flag(given.get("use_credentials_of_login_user", False), "use_credentials_of_login_user")
        read.read_scopes(given.get("scopes"), registered.service)
        variables = read.read_variables(given.get("variables"), registered.service)
        self._services.check_variables(registered, variables)

    async def update_connection(self, actor: Actor, link_name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The connection with these changes. Raises InputError for `link_name` or `service`, which never change."""
        require(actor, "connections.manage")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        given = read.check_keys(changes, read.CREATED)
        for key, present in (("link_name", connection.link_name), ("service", connection.service)):
            if key in given and given[key] != present:
                raise InputError(f"The {key} cannot be changed later.", field=key, hint="Create another connection.")
        registered = await self._services.find(connection.service)
        changed = replace(connection, name=read.read_name(given, default=connection.name), updated_at=self._clock())
        if "scopes" in given:
            changed = replace(changed, scopes=read.read_scopes(given["scopes"], registered.service))
        if "variables" in given:
            changed = replace(changed, variables=read.read_variables(given["variables"], registered.service))
            self._services.check_variables(registered, changed.variables)
        if "policy" in given:
            merged = {**policy_document(connection.policy), **(given["policy"] or {})}
            changed = replace(changed, policy=read.read_policy(merged))
        if "use_credentials_of_login_user" in given:
            flag = read.read_flag(given["use_credentials_of_login_user"], "use_credentials_of_login_user")
            changed = replace(changed, use_credentials_of_login_user=flag)
        activity = self._activity(actor, "connection.update", link_name, {"fields": sorted(given)})
        await self._storage.save_connection(changed, Journal(activity=(activity,)))
        self._lookup.forget_all()
        return await self.connection(actor, link_name)

    async def delete_connection(self, actor: Actor, link_name: str) -> None:
        """Gone with its grants, which are revoked at the provider first as far as it lets us.

        Raises Conflict (`in_use`) with the functions that use it; nothing is revoked then."""
        require(actor, "connections.manage")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        users = [function.name for function in await self._storage.functions_using(connection=link_name)]
        if users:
            raise Conflict(
                f"The connection {link_name!r} is used by {', '.join(users[:10])}.",
                code="in_use",
                hint="Take it out of these functions first, or delete them.",
                details={"functions": users},
            )
        outcomes = await self._revoker.revoke_all(connection)
        activity = self._activity(actor, "connection.delete", link_name, {"revoked_at_provider": outcomes})
        await self._storage.delete_connection(connection.id, Journal(activity=(activity,)))
        self._lookup.forget_all()

    async def set_enabled(self, actor: Actor, link_name: str, enabled: bool) -> dict[str, Any]:
        """The connection, switched on or off; a disabled one keeps its grant and lets nothing through."""
        require(actor, "connections.manage")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        if connection.disabled == enabled:
            word = "enabled" if enabled else "disabled"
            now = self._clock()
            entry = TimelineEntry(connection.id, word, f"The connection was {word}.", now, details={"by": actor.id})
            activity = self._activity(actor, f"connection.{'enable' if enabled else 'disable'}", link_name, {})
            changed = replace(connection, disabled=not enabled, updated_at=now)
            await self._storage.save_connection(changed, Journal(activity=(activity,), timeline=(entry,)))
            self._lookup.forget_all()
        return await self.connection(actor, link_name)

    async def authorizations(
        self, actor: Actor, link_name: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[dict[str, Any]]:
        require(actor, "connections.inspect")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        page = await self._storage.authorizations(connection.id, limit=limit, cursor=cursor)
        now = self._clock()
        return Page([authorization_document(connection, row, now) for row in page.items], page.next_cursor)

    async def delete_authorization(self, actor: Actor, link_name: str, authorization_id: str) -> None:
        """Revoked at the provider as far as it lets us, and gone. A person may delete their own."""
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        row = await self._storage.authorization(authorization_id)
        if row is None or row.connection_id != connection.id:
            raise NotFound("There is no such authorization.", code="authorization_not_found", field="id")
        if row.resource_owner != actor.id:
            require(actor, "connections.manage")
        outcome = await self._revoker.revoke(connection, row)
        details = {"user": row.resource_owner or None, "revoked_at_provider": outcome}
        activity = self._activity(actor, "authorization.delete", link_name, details)
        entry = TimelineEntry(
            connection.id, "revoked", "The authorization was removed.", self._clock(), details=details
        )
        await self._storage.delete_authorization(row.id, Journal(activity=(activity,), timeline=(entry,)))
        self._lookup.forget_all()

    async def timeline(
        self, actor: Actor, link_name: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[dict[str, Any]]:
        require(actor, "connections.inspect")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        page = await self._storage.timeline(connection.id, limit=limit, cursor=cursor)
        return Page([timeline_document(entry) for entry in page.items], page.next_cursor)

    async def calls(
        self, actor: Actor, link_name: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[dict[str, Any]]:
        """Recent calls, redacted; with what they carried where the connection's policy keeps it."""
        require(actor, "connections.inspect")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        page = await self._storage.calls(connection.id, limit=limit, cursor=cursor)
        documents = [call_document(call, self._recorder.bodies(call)) for call in page.items]
        return Page(documents, page.next_cursor)

    async def call_counts(self, actor: Actor, link_name: str | None = None, *, hours: int = 24) -> list[dict[str, Any]]:
        """Calls and failures in each of the last `hours`, the present one last; of all connections where none is named.

        `[{"hour", "calls", "failures"}]`, hours without calls included.
        """
        require(actor, "connections.inspect")
        connection_id = None
        if link_name is not None:
            connection_id = visible(actor, await self._storage.connection(link_name), link_name).id
        last = self._clock().replace(minute=0, second=0, microsecond=0)
        series = [last - timedelta(hours=back) for back in range(hours - 1, -1, -1)]
        counted = await self._storage.call_counts(since=series[0], connection_id=connection_id)
        made, failed = Counter[datetime](), Counter[datetime]()
        for count in counted:
            made[count.hour] += count.calls
            failed[count.hour] += count.failures
        return [{"hour": iso(hour), "calls": made[hour], "failures": failed[hour]} for hour in series]

    async def activity(
        self,
        actor: Actor,
        *,
        limit: int = 50,
        cursor: str | None = None,
        by: str | None = None,
        target: str | None = None,
    ) -> Page[dict[str, Any]]:
        require(actor, "activity.read")
        page = await self._storage.activity(limit=limit, cursor=cursor, actor=by, target=target)
        return Page([activity_document(entry) for entry in page.items], page.next_cursor)

    async def snippet(self, actor: Actor, link_name: str) -> dict[str, Any]:
        """Ready code for this connection in Deluge, Python, curl and JavaScript."""
        require(actor, "connections.read")
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        registered = await self._services.find(connection.service)
        return snippets(connection, registered.service, self._settings.public_url)

    async def _document(self, actor: Actor, connection: Connection, user: str | None) -> dict[str, Any]:
        owner = _reader(actor, user) if connection.use_credentials_of_login_user else SHARED
        row: Authorization | None = None
        pending: frozenset[str] = frozenset()
        now = self._clock()
        if owner is not None:
            row = await self._storage.authorization_of(connection.id, owner)
            pending = await self._storage.pending_connections([connection.id], owner, now=now)
        return connection_document(connection, row, pending=connection.id in pending, now=now)

    def _activity(self, actor: Actor, action: str, target: str, details: Mapping[str, Any]) -> ActivityEntry:
        return ActivityEntry.by(actor, self._clock(), action, target, details)


def _reader(actor: Actor, user: str | None) -> str | None:
    """Whose authorization of a personal connection to show; None where nobody is named and no person asks."""
    if user and user != actor.id:
        require(actor, "connections.inspect")
        return user
    return actor.id if actor.kind == "user" else None
