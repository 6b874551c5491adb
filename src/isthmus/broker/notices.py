"""Tells when a default service that connections use says something else than when it was last agreed to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from isthmus.broker.access import require
from isthmus.broker.alerts.notice import CHANGED
from isthmus.broker.services import Services
from isthmus.broker.tokens import fingerprint
from isthmus.broker.views import iso
from isthmus.catalog.changes import differences, matter
from isthmus.errors import Conflict, NotFound
from isthmus.records import ActivityEntry, Actor, Alert, KnownService
from isthmus.storage.contract import Journal, Storage

_log = logging.getLogger("isthmus.catalog")


class Notices:
    """A service is first taken as it is; from then on, what matters of it may change only with a notice."""

    def __init__(
        self, *, storage: Storage, services: Services, clock: Callable[[], datetime], alerting: bool = False
    ) -> None:
        """`alerting`: somebody is told by mail or webhook, too."""
        self._alerting = alerting
        self._storage = storage
        self._services = services
        self._clock = clock
        self._looked: tuple[int, frozenset[str]] | None = None

    async def look(self) -> int:
        """Compare the default services in use with what is known of them; how many have a new notice.

        Does nothing where neither the catalog nor what is used has changed since this process last looked."""
        used = await self._storage.used_services()
        looked = (self._services.generation, used)
        if looked == self._looked:
            return 0
        customs = {row.link_name for row in await self._storage.services() if row.kind == "custom"}
        known = {row.link_name: row for row in await self._storage.known_services()}
        watched = {name for name in used - customs if name in known or self._services.is_default(name)}
        told = 0
        for link_name in sorted(watched):
            told += await self._compare(link_name, known.get(link_name))
        if unused := sorted(known.keys() - watched):
            await self._storage.forget_known_services(unused)
        self._looked = looked
        return told

    async def pending(self, actor: Actor) -> list[dict[str, Any]]:
        """`[{"link_name", "name", "at", "changes"}]` of the services that changed, by link name."""
        require(actor, "services.read")
        rows = [row for row in await self._storage.known_services() if row.changes]
        known = await self._services.known([row.link_name for row in rows])
        names = {name: listed.row.name for name, listed in known.items()}
        return [
            {
                "link_name": row.link_name,
                "name": names.get(row.link_name, row.link_name),
                "at": iso(row.changed_at),
                "changes": list(row.changes),
            }
            for row in rows
        ]

    async def acknowledge(self, actor: Actor, link_name: str) -> None:
        """From now on the service is known as it is now.

        Raises NotFound (`no_notice`) where there is nothing to acknowledge, Conflict (`changed`) where it changed again
        meanwhile."""
        require(actor, "services.manage")
        row = await self._storage.known_service(link_name)
        if row is None or not row.changes:
            raise NotFound(
                f"The service {link_name!r} has no change to acknowledge.",
                code="no_notice",
                field="link_name",
                hint="Look at the list of changed services.",
            )
        agreed = replace(row, agreed=row.latest, changes=(), changed_at=None)
        details = {"changes": list(row.changes)}
        activity = ActivityEntry.by(actor, self._clock(), "service.acknowledge", link_name, details)
        if not await self._storage.save_known_service(agreed, Journal(activity=(activity,))):
            raise Conflict("The service changed again meanwhile; nothing was acknowledged.", code="changed")
        await self._end_alerts(link_name)

    async def _compare(self, link_name: str, known: KnownService | None) -> int:
        service = self._services.default(link_name)
        latest = matter(service) if service is not None else {}
        if known is None:
            await self._storage.add_known_service(KnownService(link_name, latest, latest))
            return 0
        if latest == known.latest:
            return 0
        now = self._clock()
        changes = differences(known.agreed, latest)
        row = replace(known, latest=latest, changes=changes, changed_at=now if changes else None)
        # Back to what was agreed to: the notice goes away by itself.
        action = "service.changed" if changes else "service.changed_back"
        entry = ActivityEntry(now, "system", action, link_name, "done", details={"changes": list(changes)})
        if not await self._storage.save_known_service(row, Journal(activity=(entry,))):
            return 0  # another process told it
        await self._end_alerts(link_name)
        if changes:
            _log.warning("the default service %s changed; see `isthmus catalog changes`", link_name)
            await self._alert(row, now)
        return int(bool(changes))

    async def _alert(self, row: KnownService, now: datetime) -> None:
        if not self._alerting:
            return
        alert = Alert(
            key=fingerprint("alert", "service", row.link_name, *row.changes),
            subject_id=_subject_id(row.link_name),
            subject=f"The service {row.link_name}",
            code=CHANGED,
            opened_at=now,
            last_at=now,
            tell_at=now,
            message=" ".join(row.changes),
            hint="Look at its page, mend its connections if need be, and acknowledge the change.",
        )
        await self._storage.put_alerts([alert])

    async def _end_alerts(self, link_name: str) -> None:
        """What is agreed to, or is no longer so, is not told any more; nor is its end."""
        now = self._clock()
        known = await self._storage.alerts_of([_subject_id(link_name)])
        over = [replace(one, recovered_at=now, told_at=one.told_at or now, recovery_told_at=now) for one in known]
        if over:
            await self._storage.put_alerts(over)


def _subject_id(link_name: str) -> str:
    return f"service {link_name}"
