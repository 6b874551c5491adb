"""From link name and resource owner to everything a call needs, remembered for one second.

A change made in this process is seen at once (`forget`); one made by another process within a second. The opened
credential lives in this process's memory for as long as its entry does, and nowhere else.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from isthmus.broker.credentials import open_credential
from isthmus.broker.services import Resolved, Services
from isthmus.broker.withholding import Hidden
from isthmus.errors import NotConnected, NotFound
from isthmus.protocols.attach import ready_headers
from isthmus.records import Authorization, Connection, Credential, Headers
from isthmus.single_flight import SingleFlight
from isthmus.storage.contract import Storage
from isthmus.vault import Vault

FRESH_SECONDS = 1.0
AHEAD_SECONDS = 0.7
"""What is asked for at this age is looked at again, while callers go on with what is remembered."""
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

    def __init__(
        self, *, storage: Storage, services: Services, vault: Vault, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._storage = storage
        self._now = now
        self._services = services
        self._vault = vault
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._looking = SingleFlight[tuple[str, str], Entry]()
        self._by_authorization: dict[str, tuple[str, str]] = {}
        self._connections: OrderedDict[str, tuple[float, Connection]] = OrderedDict()
        self._reading = SingleFlight[str, Connection | None]()
        self._generation = 0

    def remembered(self, link_name: str, resource_owner: str) -> Entry | None:
        """The entry if it was looked at within the last second."""
        key = (link_name, resource_owner)
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = self._now() - entry.checked_at
        if age > FRESH_SECONDS:
            return None
        if age > AHEAD_SECONDS:
            self._looking.ahead(key, lambda: self._look(key))
        return entry

    async def connection(self, link_name: str, *, within: float = FRESH_SECONDS) -> Connection | None:
        """The connection as it was at most `within` seconds ago; callers who ask at the same time share one query."""
        known = self._connections.get(link_name)
        if known is not None and self._now() - known[0] <= within:
            return known[1]
        return await self._reading.find(link_name, lambda: self._read(link_name))

    async def find(self, link_name: str, resource_owner: str) -> Entry:
        """The entry, looked up afresh if need be.

        Raises NotFound for an unknown link name, NotConnected (`not_connected`, `connection_disabled`) where there
        is nothing to use.
        """
        entry = self.remembered(link_name, resource_owner)
        if entry is not None:
            return entry
        key = (link_name, resource_owner)
        return await self._looking.find(key, lambda: self._look(key))

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
        self._forget_looking()

    def forget_all(self) -> None:
        """After a change to a connection or service, which may have touched any number of entries."""
        self._entries.clear()
        self._by_authorization.clear()
        self._connections.clear()
        self._forget_looking()

    def renew(self, entry: Entry, authorization: Authorization) -> Entry:
        """The entry with this newer row of its authorization; one for all callers who waited for it."""
        key = (entry.connection.link_name, authorization.resource_owner)
        known = self._entries.get(key, entry)
        if known.authorization.id != authorization.id or known.authorization.version < authorization.version:
            known = Entry(entry.connection, entry.resolved, authorization, entry.service_version, self._now())
            self._keep(key, known)
        return known

    def _forget_looking(self) -> None:
        """What is being looked up may have been read before the change: it is for those who asked before it."""
        self._generation += 1
        self._looking.forget()
        self._reading.forget()

    async def _read(self, link_name: str) -> Connection | None:
        started, generation = self._now(), self._generation
        connection = await self._storage.connection(link_name)
        if connection is None:
            self._connections.pop(link_name, None)
            return None
        if generation == self._generation:
            self._connections[link_name] = (started, connection)
            if len(self._connections) > MOST_ENTRIES:
                self._connections.popitem(last=False)
        return connection

    async def _look(self, key: tuple[str, str]) -> Entry:
        link_name, resource_owner = key
        started, generation = self._now(), self._generation
        connection = await self.connection(link_name, within=AHEAD_SECONDS)
        if connection is None:
            self._entries.pop(key, None)
            raise NotFound(f"There is no connection {link_name!r}.", code="connection_not_found", field="link_name")
        if link_name in self._connections:
            # As old as the oldest of what went into it, so that no change is seen later than it should be.
            started = min(started, self._connections[link_name][0])
        require_enabled(connection)
        authorization = await self._storage.authorization_of(connection.id, resource_owner)
        if authorization is None:
            raise NotConnected(f"The connection {link_name!r} has not been authorized{_for(resource_owner)}.")
        registered = await self._services.find(connection.service)
        old = self._entries.get(key)
        if old is not None and old.authorization.id == authorization.id:
            if old.authorization.version > authorization.version:
                return old  # renewed while we looked
            if generation == self._generation and _same(old, connection, authorization, registered.version):
                old.authorization = authorization
                old.checked_at = started
                return old
        variables: Mapping[str, str] = {**connection.variables, **authorization.variables}
        resolved = self._services.resolve(registered, variables)
        entry = Entry(connection, resolved, authorization, registered.version, started)
        if generation == self._generation:
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
