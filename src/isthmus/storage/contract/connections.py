"""Services, connections, their authorizations, and what happened. See `isthmus.storage.contract` for what holds of every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from isthmus.records import (
    ActivityEntry,
    Authorization,
    CallCount,
    CallRecord,
    Connection,
    KnownService,
    Page,
    PendingAuthorization,
    StoredService,
    TimelineEntry,
)
from isthmus.storage.contract.changes import Journal


class ConnectionRows(Protocol):
    # --- services
    async def service(self, link_name: str) -> StoredService | None: ...
    async def services(self) -> Sequence[StoredService]:
        """All of them, by link name: custom services and what was added to default ones (hundreds, not millions)."""

    async def used_services(self) -> frozenset[str]:
        """The link names of the services that a connection names."""

    async def add_service(self, service: StoredService, journal: Journal) -> None:
        """Conflict if the link name is taken."""

    async def save_service(self, service: StoredService, journal: Journal) -> None:
        """Replace where `version` is still `service.version`, which then grows by one; Conflict (`changed`) otherwise.

        `created_at` stays."""

    async def delete_service(self, link_name: str, journal: Journal) -> bool:
        """False if there was none. Conflict (`in_use`) while a connection names it."""

    # --- default services in use
    async def known_service(self, link_name: str) -> KnownService | None: ...
    async def known_services(self) -> Sequence[KnownService]:
        """All of them, by link name: as many as there are default services in use."""

    async def add_known_service(self, known: KnownService) -> bool:
        """False, and nothing is written, where there is one of this link name."""

    async def save_known_service(self, known: KnownService, journal: Journal) -> bool:
        """Replace where `version` is still `known.version`, which then grows by one; False, and nothing is told, otherwise."""

    async def forget_known_services(self, link_names: Sequence[str]) -> int:
        """Remove these; how many there were."""

    # --- connections
    async def connection(self, link_name: str) -> Connection | None: ...
    async def connection_by_id(self, connection_id: str) -> Connection | None: ...
    async def connections(
        self, *, limit: int, cursor: str | None = None, service: str | None = None, names: Sequence[str] | None = None
    ) -> Page[Connection]:
        """By link name. `names` limits to these (empty: none)."""

    async def add_connection(self, connection: Connection, journal: Journal) -> None: ...
    async def save_connection(self, connection: Connection, journal: Journal) -> None:
        """As save_service. `link_name`, `id`, `created_by` and `created_at` never change. Where the policy keeps no
        bodies, those of the connection's calls go with it."""

    async def delete_connection(self, connection_id: str, journal: Journal) -> bool:
        """With its authorizations, pending authorizations, timeline and calls; of `journal` only the activity is kept.

        Conflict (`in_use`) while the draft or the published version of a function names it."""

    # --- authorizations
    async def authorization(self, authorization_id: str) -> Authorization | None: ...
    async def authorization_of(self, connection_id: str, resource_owner: str) -> Authorization | None: ...
    async def authorizations(self, connection_id: str, *, limit: int, cursor: str | None = None) -> Page[Authorization]:
        """By resource owner."""

    async def authorizations_for(
        self, connection_ids: Sequence[str], resource_owner: str
    ) -> Mapping[str, Authorization]:
        """connection id -> authorization, for one page of connections in one query."""

    async def put_authorization(self, authorization: Authorization, journal: Journal) -> Authorization:
        """A new grant for (connection_id, resource_owner): insert, or replace what was there.

        On replacing, the row keeps its id and created_at; version = old version + 1 and epoch = old epoch + 1, the
        lease and attempt are cleared: a refresh under way can no longer commit (the newer grant wins). The sealed
        credential is bound to the id, so the caller reads the present row's id first; if the row with that
        (connection_id, resource_owner) has another id than `authorization.id`: Conflict. `last_used_at` stays where
        the new grant has none. Returns the row as stored.
        """

    async def delete_authorization(self, authorization_id: str, journal: Journal) -> bool: ...

    async def take_lease(
        self,
        authorization_id: str,
        *,
        version: int,
        owner: str,
        now: datetime,
        until: datetime,
        attempt_id: str,
    ) -> Authorization | None:
        """Conditional UPDATE: where `version` still holds, state is not needs_person, and there is no lease or it ran
        out (`lease_until <= now`): sets lease_owner, lease_until, epoch + 1, state refreshing, attempt_id, and
        attempt_hash = refresh_token_hash. Returns the row as it was *before* (so that the caller sees an attempt that
        was left behind) with the new epoch, or None if the lease was not to be had."""

    async def commit_refresh(
        self,
        authorization_id: str,
        *,
        used_hash: str | None,
        version: int,
        rotated: bool,
        changes: Mapping[str, Any],
        journal: Journal,
    ) -> Authorization | None:
        """One statement. WHERE id AND refresh_token_hash IS NOT DISTINCT FROM used_hash AND (rotated OR version = version).

        Where `used_hash` is None the version must hold in every case. Sets `changes` (column -> value, as in
        Authorization), version + 1, state ok, failures 0, not_before NULL, and clears lease and attempt; the old
        credential_sealed becomes previous_sealed. None if nothing matched: a newer credential is there.

        Epoch + 1 as well: where a paused holder commits after another took the lease, that other one's release
        finds nothing, and cannot write "needs a person" over the grant that was just saved."""

    async def release_lease(
        self, authorization_id: str, *, epoch: int, changes: Mapping[str, Any], journal: Journal
    ) -> bool:
        """After a refresh that brought nothing: WHERE epoch = epoch, set `changes` (state, reason, not_before,
        failures ...) and clear the lease; attempt_id and attempt_hash are cleared only if `changes` says so."""

    async def update_authorization(
        self, authorization_id: str, *, version: int, changes: Mapping[str, Any], journal: Journal
    ) -> bool:
        """WHERE version = version: set `changes` that are no new credential (reason, seen_working_at, last_test,
        connected_as, granted_scopes, previous_sealed=None ...). Version stays."""

    async def due_for_refresh(self, *, now: datetime, limit: int) -> Sequence[Authorization]:
        """refreshable, refresh_at <= now, not needs_person, no not_before after now, no live lease, connection not
        disabled; oldest refresh_at first. Uses an index. A row left as `refreshing` by a holder that died is due
        again when its lease has run out."""

    async def touch_authorizations(self, used: Mapping[str, datetime]) -> None:
        """Batch of last_used_at by authorization id; never backwards."""

    # --- pending authorizations
    async def add_pending(self, pending: PendingAuthorization, journal: Journal) -> None: ...
    async def pending_by_token(self, token_hash: str, *, now: datetime) -> PendingAuthorization | None:
        """None when expired."""

    async def proceed_pending(
        self, pending_id: str, *, state_hash: str, browser_hash: str, payload_sealed: bytes, service: str, now: datetime
    ) -> bool:
        """Bind to a browser, once: WHERE state_hash IS NULL AND expires_at > now. False if it was already, or expired."""

    async def pending_connections(
        self, connection_ids: Sequence[str], resource_owner: str, *, now: datetime
    ) -> frozenset[str]:
        """Which of these connections have an unexpired authorization under way for this resource owner."""

    async def take_pending(self, state_hash: str, *, now: datetime) -> PendingAuthorization | None:
        """Atomic DELETE ... RETURNING of an unexpired row: exactly one caller gets it."""

    async def purge_expired(self, *, now: datetime) -> int:
        """Pending authorizations, sessions, idempotent answers (after 24 h), call counts (after 32 days), and what our
        clients were given or have under way, that ran out; how many."""

    # --- timeline, calls, activity
    async def add_journal(self, journal: Journal) -> None: ...
    async def timeline(self, connection_id: str, *, limit: int, cursor: str | None = None) -> Page[TimelineEntry]:
        """Newest first."""

    async def add_calls(self, calls: Sequence[CallRecord], *, keep: int = 1000) -> None:
        """One batch; now and then the oldest beyond `keep` per connection go. Bodies of a connection whose policy does
        not keep them, as it is then, are left out."""

    async def calls(self, connection_id: str, *, limit: int, cursor: str | None = None) -> Page[CallRecord]: ...
    async def count_calls(self, counts: Sequence[CallCount]) -> None:
        """Add to what is there. Counts of a connection that was deleted meanwhile are dropped."""

    async def call_counts(self, *, since: datetime, connection_id: str | None = None) -> Sequence[CallCount]:
        """By hour, from the hour that begins at `since`; of all connections where none is named."""

    async def activity(
        self, *, limit: int, cursor: str | None = None, actor: str | None = None, target: str | None = None
    ) -> Page[ActivityEntry]:
        """Newest first."""
