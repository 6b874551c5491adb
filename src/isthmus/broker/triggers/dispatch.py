"""Deals with what occurred: starts the functions that wait for it, and keeps the alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from isthmus.broker.alerts import book
from isthmus.broker.alerts.telling import Telling
from isthmus.broker.triggers.firing import Firing
from isthmus.records import Alert, Connection, Occurrence, Run
from isthmus.storage.contract import Storage

AT_ONCE = 100

EVENTS: Mapping[str, frozenset[str]] = {
    "connected": frozenset({"issued", "reconnected"}),
    "failing": frozenset({"failing", "refresh_failed"}),
    "needs_person": frozenset({"needs_person"}),
}
"""Event of a trigger -> kinds of the timeline's entries."""


class Dispatch:
    """Whatever an occurrence causes is stored in the transaction that removes it: once, and all of it."""

    def __init__(
        self, *, storage: Storage, firing: Firing, telling: Telling, wake: Callable[[Run | None], None]
    ) -> None:
        self._storage = storage
        self._firing = firing
        self._telling = telling
        self._wake = wake

    async def round(self) -> int:
        """Deal with the oldest occurrences; how many."""
        found = await self._storage.occurrences(limit=AT_ONCE)
        if not found:
            return 0
        connections = {one: await self._storage.connection_by_id(one) for one in _ids(found)}
        runs = [run for one in found for run in await self._runs_of(one, connections)]
        async with self._telling.writing:
            alerts = await self._alerts_of(found, connections)
            settled = await self._storage.settle_occurrences([one.id for one in found], runs=runs, alerts=alerts)
        if settled and runs:
            self._wake(runs[0])
        return len(found) if settled else 0

    async def _runs_of(self, occurrence: Occurrence, connections: Mapping[str, Connection | None]) -> list[Run]:
        event = next((name for name, kinds in EVENTS.items() if occurrence.kind in kinds), None)
        connection = connections.get(occurrence.connection_id or "")
        if event is None or connection is None:
            return []
        record = _record(event, occurrence, connection)
        triggers = await self._storage.event_triggers(connection.link_name)
        runs = [await self._firing.run_of(trigger, record) for trigger in triggers if event in trigger.events]
        return [run for run in runs if run is not None]

    async def _alerts_of(
        self, occurrences: list[Occurrence] | Any, connections: Mapping[str, Connection | None]
    ) -> list[Alert]:
        subjects = {one.function_id or one.connection_id or "" for one in occurrences}
        present = {alert.key: alert for alert in await self._storage.alerts_of(sorted(subjects))}
        changed: dict[str, Alert] = {}
        for one in occurrences:
            name = await self._name_of(one, connections)
            if name is None:
                continue  # what it happened to is gone
            if one.kind in book.FAILURES:
                key = book.key_of(one)
                changed[key] = present[key] = book.failed(present.get(key), one, name)
            elif one.kind in book.RECOVERIES:
                for key, alert in list(present.items()):
                    if alert.subject_id == (one.function_id or one.connection_id) and alert.recovered_at is None:
                        changed[key] = present[key] = book.recovered(alert, one.at)
        return list(changed.values())

    async def _name_of(self, occurrence: Occurrence, connections: Mapping[str, Connection | None]) -> str | None:
        if occurrence.function_id is not None:
            function = await self._storage.function_by_id(occurrence.function_id)
            return function.name if function is not None else None
        connection = connections.get(occurrence.connection_id or "")
        return f"connection {connection.link_name}" if connection is not None else None


def _ids(occurrences: Any) -> set[str]:
    return {one.connection_id for one in occurrences if one.connection_id is not None}


def _record(event: str, occurrence: Occurrence, connection: Connection) -> dict[str, Any]:
    return {
        "event": {
            "name": event,
            "kind": occurrence.kind,
            "at": occurrence.at.isoformat(),
            "code": occurrence.code,
            "message": occurrence.message,
            "hint": occurrence.hint,
        },
        "connection": {"link_name": connection.link_name, "name": connection.name, "service": connection.service},
    }
