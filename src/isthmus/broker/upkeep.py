"""Look after a connection on request: test it, refresh it, take its grant back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from isthmus.broker.access import require, visible
from isthmus.broker.credentials import open_credential
from isthmus.broker.directory import Directory
from isthmus.broker.grant import missing_scopes
from isthmus.broker.lookup import Lookup, require_enabled
from isthmus.broker.observer import working_changes
from isthmus.broker.owner import resource_owner
from isthmus.broker.refresh import Refresher
from isthmus.broker.revocation import Revoker
from isthmus.broker.services import Services
from isthmus.broker.whoami import Seen, WhoAmI
from isthmus.errors import InputError, NotConnected
from isthmus.records import ActivityEntry, Actor, Authorization, Connection, TimelineEntry
from isthmus.storage.contract import Journal, Storage
from isthmus.vault import Vault


class Upkeep:
    """The use cases behind Test, Refresh and Revoke."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        services: Services,
        directory: Directory,
        refresher: Refresher,
        revoker: Revoker,
        whoami: WhoAmI,
        lookup: Lookup,
        clock: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._services = services
        self._directory = directory
        self._refresher = refresher
        self._revoker = revoker
        self._whoami = whoami
        self._lookup = lookup
        self._clock = clock

    async def test(self, actor: Actor, link_name: str, *, user: str | None = None) -> dict[str, Any]:
        """Make the service's who-am-I call, store what it showed, and return it.

        `{"ok", "status", "latency_ms", "identity", "granted_scopes", "missing_scopes", "reason", "at"}`. A third
        party that refuses or cannot be reached is a result, not an error. Raises InputError (`no_test`) where the
        service has no such call, CredentialError where there is nothing to test with.
        """
        require(actor, "connections.use")
        connection, row = await self._find(actor, link_name, user)
        require_enabled(connection)
        row = await self._refresher.usable(row)
        seen = await self._ask(connection, row)
        if seen.status == 401 and row.refreshable:
            row = await self._refresher.usable(row, failed_version=row.version)
            seen = await self._ask(connection, row)
        row = await self._store(actor, connection, row, seen)
        granted = list(row.granted_scopes) if row.granted_scopes is not None else None
        return {**seen.document(), "granted_scopes": granted, "missing_scopes": list(missing_scopes(connection, row))}

    async def refresh(self, actor: Actor, link_name: str, *, user: str | None = None) -> dict[str, Any]:
        """The connection after a refresh now, whether or not it is due.

        Raises InputError (`not_refreshable`), ReauthorizationRequired, RefreshDeferred.
        """
        require(actor, "connections.manage")
        connection, row = await self._find(actor, link_name, user)
        require_enabled(connection)
        if not row.refreshable:
            raise InputError(
                "This credential cannot be refreshed.",
                code="not_refreshable",
                field="link_name",
                hint="Only OAuth 2 grants with a refresh token, or that need no person, are refreshed.",
            )
        await self._refresher.usable(row, failed_version=row.version)
        self._lookup.forget_all()
        return await self._directory.connection(actor, link_name, user=user)

    async def revoke(self, actor: Actor, link_name: str, *, user: str | None = None) -> dict[str, Any]:
        """The connection without its grant, which was revoked at the provider as far as it lets us."""
        connection, row = await self._find(actor, link_name, user)
        if row.resource_owner != actor.id:
            require(actor, "connections.manage")
        outcome = await self._revoker.revoke(connection, row)
        now = self._clock()
        details = {"user": row.resource_owner or None, "revoked_at_provider": outcome}
        activity = ActivityEntry.by(actor, now, "connection.revoke", link_name, details)
        message = _REVOKED[outcome]
        entry = TimelineEntry(connection.id, "revoked", message, now, code=outcome, details=details)
        await self._storage.delete_authorization(row.id, Journal(activity=(activity,), timeline=(entry,)))
        self._lookup.forget_all()
        return await self._directory.connection(actor, link_name, user=user)

    async def _find(self, actor: Actor, link_name: str, user: str | None) -> tuple[Connection, Authorization]:
        connection = visible(actor, await self._storage.connection(link_name), link_name)
        owner = resource_owner(actor, connection, user)
        row = await self._storage.authorization_of(connection.id, owner)
        if row is None:
            raise NotConnected(f"The connection {link_name!r} has not been authorized.")
        return connection, row

    async def _ask(self, connection: Connection, row: Authorization) -> Seen:
        registered = await self._services.find(connection.service)
        resolved = self._services.resolve(registered, {**connection.variables, **row.variables})
        seen = await self._whoami.ask(resolved, open_credential(self._vault, row))
        if seen is None:
            raise InputError(
                f"The service {connection.service!r} has no test request.",
                code="no_test",
                field="link_name",
                hint="Set `test` on the service: a harmless request such as the current user's profile.",
            )
        return seen

    async def _store(self, actor: Actor, connection: Connection, row: Authorization, seen: Seen) -> Authorization:
        now = self._clock()
        changes: dict[str, Any] = {"last_test": seen.document()}
        kind, message = "tested", f"The test was good ({seen.latency_ms:.0f} ms)."
        if seen.reason is None:
            changes |= working_changes(row, now)
            if seen.identity:
                changes["connected_as"] = seen.identity
            if seen.granted_scopes is not None:
                changes["granted_scopes"] = seen.granted_scopes
        else:
            message = seen.reason.message
            if seen.refused:
                changes["reason"] = seen.reason
                if not row.refreshable and seen.status == 401:
                    changes["state"] = "needs_person"
        entry = TimelineEntry(
            connection_id=connection.id,
            authorization_id=row.id,
            kind=kind,
            message=message,
            at=now,
            code=seen.reason.code if seen.reason else "",
            hint=seen.reason.hint if seen.reason else "",
            details={"status": seen.status, "latency_ms": round(seen.latency_ms, 1), "by": actor.id},
        )
        await self._storage.update_authorization(
            row.id, version=row.version, changes=changes, journal=Journal(timeline=(entry,))
        )
        self._lookup.forget(row.id)
        return await self._storage.authorization(row.id) or row


_REVOKED = {
    "revoked": "The grant was revoked at the provider and removed here.",
    "not_offered": "The grant was removed here; the provider offers no way to revoke it from outside.",
    "refused": "The grant was removed here; the provider did not confirm the revocation.",
    "unreachable": "The grant was removed here; the provider could not be reached to revoke it.",
}
