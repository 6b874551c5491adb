"""From link name and resource owner to everything a call needs, remembered for one second.

A change made in this process is seen at once (`forget`); one made by another process within a second. The opened
credential lives in this process's memory for as long as its entry does, and nowhere else.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from isthmus.broker.credentials import open_credential
from isthmus.broker.services import Resolved, Services
from isthmus.broker.withholding import Hidden
from isthmus.errors import NotConnected, NotFound
from isthmus.protocols.attach import ready_headers
from isthmus.records import Authorization, Connection, Credential, Headers
from isthmus.storage.contract import Storage
from isthmus.vault import Vault

FRESH_SECONDS = 1.0
MOST_ENTRIES = 10_000


@dataclass(slots=True)
class Entry:
    """A connection as one resource owner may use it. `checked_at` is the monotonic time of the last look.

    `opened` stays None until `Lookup.open`, which callers reach only after the destination was checked. `hidden` is
    what must stand in no record of a call, once one was written.
    """

    connection: Connection
    resolved: Resolved
    authorization: Authorization
    service_version: int
    checked_at: float
    opened: Credential | None = field(default=None, repr=False)
    headers: Headers | None = field(default=None, repr=False)
    hidden: Hidden | None = field(default=None, repr=False)
    noted_version: int = 0


class Lookup:
    """Finds entries; at most one look-up per entry is under way in this process."""

    def __init__(self, *, storage: Storage, services: Services, vault: Vault) -> None:
        self._storage = storage
        self._services = services
        self._vault = vault
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._looking: dict[tuple[str, str], asyncio.Task[Entry]] = {}
        self._by_authorization: dict[str, tuple[str, str]] = {}
        self._connections: OrderedDict[str, tuple[float, Connection]] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Connection | None]] = {}

    def remembered(self, link_name: str, resource_owner: str) -> Entry | None:
        """The entry if it was looked at within the last second."""
        entry = self._entries.get((link_name, resource_owner))
        if entry is None or time.monotonic() - entry.checked_at > FRESH_SECONDS:
            return None
        return entry

    async def connection(self, link_name: str) -> Connection | None:
        """The connection, remembered for a second; callers who ask at the same time share one query."""
        known = self._connections.get(link_name)
        if known is not None and time.monotonic() - known[0] <= FRESH_SECONDS:
            return known[1]
        task = self._reading.get(link_name)
        if task is None:
            task = asyncio.create_task(self._read(link_name))
            self._reading[link_name] = task
            task.add_done_callback(lambda _: self._reading.pop(link_name, None))
        return await asyncio.shield(task)

    async def find(self, link_name: str, resource_owner: str) -> Entry:
        """The entry, looked up afresh if need be.

        Raises NotFound for an unknown link name, NotConnected (`not_connected`, `connection_disabled`) where there
        is nothing to use.
        """
        entry = self.remembered(link_name, resource_owner)
        if entry is not None:
            return entry
        key = (link_name, resource_owner)
        task = self._looking.get(key)
        if task is None:
            task = asyncio.create_task(self._look(key))
            self._looking[key] = task
            task.add_done_callback(lambda _: self._looking.pop(key, None))
        return await asyncio.shield(task)

    def open(self, entry: Entry) -> Credential:
        """The entry's credential, and with it `entry.headers` where the credential travels in headers alone.

        Raises SealBroken where it does not open.
        """
        if entry.opened is None:
            entry.opened = open_credential(self._vault, entry.authorization)
            entry.headers = ready_headers(entry.resolved.service, entry.opened)
        return entry.opened

    def remembered_as(self, entry: Entry) -> Entry:
        """The newest entry that this process knows for the same authorization."""
        return self._entries.get((entry.connection.link_name, entry.authorization.resource_owner), entry)

    def forget(self, authorization_id: str) -> None:
        """Look again at the next use of this authorization."""
        key = self._by_authorization.get(authorization_id)
        if key is not None:
            self._entries.pop(key, None)

    def forget_all(self) -> None:
        """After a change to a connection or service, which may have touched any number of entries."""
        self._entries.clear()
        self._by_authorization.clear()
        self._connections.clear()

    def renew(self, entry: Entry, authorization: Authorization) -> Entry:
        """The entry with this newer row of its authorization; one for all callers who waited for it."""
        key = (entry.connection.link_name, authorization.resource_owner)
        known = self._entries.get(key, entry)
        if known.authorization.id != authorization.id or known.authorization.version < authorization.version:
            known = Entry(entry.connection, entry.resolved, authorization, entry.service_version, time.monotonic())
            self._keep(key, known)
        return known

    async def _read(self, link_name: str) -> Connection | None:
        started = time.monotonic()
        connection = await self._storage.connection(link_name)
        if connection is None:
            self._connections.pop(link_name, None)
            return None
        self._connections[link_name] = (started, connection)
        if len(self._connections) > MOST_ENTRIES:
            self._connections.popitem(last=False)
        return connection

    async def _look(self, key: tuple[str, str]) -> Entry:
        link_name, resource_owner = key
        old = self._entries.get(key)
        connection = await self.connection(link_name)
        # As old as the oldest of what went into it, so that no change is seen later than it should be.
        started = self._connections[link_name][0] if link_name in self._connections else time.monotonic()
        if connection is None:
            self._entries.pop(key, None)
            raise NotFound(f"There is no connection {link_name!r}.", code="connection_not_found", field="link_name")
        require_enabled(connection)
        authorization = await self._storage.authorization_of(connection.id, resource_owner)
        if authorization is None:
            raise NotConnected(f"The connection {link_name!r} has not been authorized{_for(resource_owner)}.")
        registered = await self._services.find(connection.service)
        if old is not None and _same(old, connection, authorization, registered.version):
            old.authorization = authorization
            old.checked_at = started
            return old
        variables: Mapping[str, str] = {**connection.variables, **authorization.variables}
        resolved = self._services.resolve(registered, variables)
        entry = Entry(connection, resolved, authorization, registered.version, started)
        self._keep(key, entry)
        return entry

    def _keep(self, key: tuple[str, str], entry: Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        self._by_authorization[entry.authorization.id] = key
        while len(self._entries) > MOST_ENTRIES:
            _, dropped = self._entries.popitem(last=False)
            self._by_authorization.pop(dropped.authorization.id, None)


def _same(old: Entry, connection: Connection, authorization: Authorization, service_version: int) -> bool:
    return (
        old.connection.id == connection.id
        and old.connection.version == connection.version
        and old.authorization.id == authorization.id
        and old.authorization.version == authorization.version
        and old.authorization.variables == authorization.variables
        and old.service_version == service_version
    )


def require_enabled(connection: Connection) -> None:
    """Raise NotConnected (`connection_disabled`) for a connection that is switched off."""
    if connection.disabled:
        raise NotConnected(
            f"The connection {connection.link_name!r} is disabled.",
            code="connection_disabled",
            hint="An administrator can enable it.",
        )


def _for(resource_owner: str) -> str:
    return f" for {resource_owner!r}" if resource_owner else ""
