"""Fires schedules that are due. What fell due while nothing ran is made up for once, and told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from isthmus.broker.cron import Cron
from isthmus.broker.triggers.firing import Firing
from isthmus.errors import IsthmusError
from isthmus.records import ActivityEntry, Run, Trigger
from isthmus.storage.contract import Journal, Storage

LATE = timedelta(seconds=60)
AT_ONCE = 100
MOST_COUNTED = 1000

_log = logging.getLogger("isthmus.triggers")


class Schedule:
    """Safe to run in several processes; each due time is fired by one."""

    def __init__(
        self,
        *,
        storage: Storage,
        firing: Firing,
        wake: Callable[[Run | None], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._firing = firing
        self._wake = wake
        self._clock = clock

    async def round(self) -> int:
        """Fire what is due; how many schedules fired."""
        due = await self._storage.due_triggers(now=self._clock(), limit=AT_ONCE)
        fired = 0
        for trigger in due:
            try:
                fired += await self._fire(trigger)
            except IsthmusError as problem:
                _log.warning("schedule %s could not be fired: %s", trigger.id, problem.code)
        return fired

    async def _fire(self, trigger: Trigger) -> bool:
        now, due_at = self._clock(), trigger.next_at
        assert due_at is not None, "only a due trigger is fired"
        cron = cron_of(trigger)
        missed = _missed(cron, due_at, now)
        run = await self._firing.run_of(trigger, _record(trigger, due_at, now, missed))
        activity = [] if not missed else [_told(trigger, due_at, now, missed)]
        fired = await self._storage.fire_schedule(
            trigger, next_at=cron.next_after(now), run=run, journal=Journal(activity=tuple(activity))
        )
        if fired:
            self._wake(run)
        return fired


def cron_of(trigger: Trigger) -> Cron:
    """The schedule that the trigger's columns say."""
    return Cron(trigger.cron, trigger.timezone, trigger.start_at, trigger.end_at)


def _missed(cron: Cron, due_at: datetime, now: datetime) -> int:
    """How many times fell due while nothing fired them; 0 where it is on time."""
    if now - due_at < LATE:
        return 0
    count, moment = 1, due_at
    while count < MOST_COUNTED:
        following = cron.next_after(moment)
        if following is None or following > now:
            break
        count, moment = count + 1, following
    return count


def _record(trigger: Trigger, due_at: datetime, now: datetime, missed: int) -> dict[str, Any]:
    about = {"name": trigger.name, "due_at": due_at.isoformat(), "fired_at": now.isoformat(), "missed": missed}
    return {"schedule": about}


def _told(trigger: Trigger, due_at: datetime, now: datetime, missed: int) -> ActivityEntry:
    _log.warning("schedule %s was due %d times since %s, fired once", trigger.id, missed, due_at.isoformat())
    details = {"due_at": due_at.isoformat(), "times": missed, "function": trigger.function_id}
    return ActivityEntry(now, "system", "trigger.missed", trigger.id, "fired once", details=details)
