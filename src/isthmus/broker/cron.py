"""Cron expressions with a time zone: read once, then asked for the next times. Nothing here looks at the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from isthmus.errors import InputError

_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_CHARACTERS = 100
_TAKES = "It takes five fields: minute, hour, day of the month, month, day of the week. `30 8 * * MON-FRI` is half past eight on working days."


@dataclass(frozen=True, slots=True)
class Cron:
    """When something is due: a cron expression, read in a time zone, from `start_at` up to and with `end_at`.

    At the two changes of the clock in a year it does what Debian's cron does. An expression with a fixed hour runs once:
    what would fall into the hour that is left out runs right after it, what falls into the hour that comes twice runs
    the first time. An expression with `*` in its hour or minute follows the time that passes.
    """

    expression: str
    timezone: str = "UTC"
    start_at: datetime | None = None
    end_at: datetime | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, in UTC; None if there is none any more."""
        if self.start_at is not None and moment < self.start_at:
            moment = self.start_at - timedelta(microseconds=1)
        zone = ZoneInfo(self.timezone)
        # A fixed hour may be moved out of the hour that is left out, to before what came first: look once more.
        for found in CronSim(self.expression, moment.astimezone(zone)):
            due = found.astimezone(UTC)
            if due > moment:
                return due if self.end_at is None or due <= self.end_at else None
        return None

    def next_times(self, moment: datetime, count: int = 5) -> list[datetime]:
        """The next `count` times after `moment`, or as many as there are."""
        times: list[datetime] = []
        while len(times) < count:
            due = self.next_after(times[-1] if times else moment)
            if due is None:
                break
            times.append(due)
        return times


def read_cron(
    expression: str, timezone: str, *, start_at: datetime | None = None, end_at: datetime | None = None
) -> Cron:
    """The checked schedule. Raises InputError that names `cron`, `timezone` or `end_at` and says what is wrong."""
    if timezone not in _zones():
        raise InputError(
            f"There is no time zone {timezone[:60]!r}.",
            code="timezone_unknown",
            field="timezone",
            hint="Give a name of the IANA database, such as Europe/Berlin or UTC.",
        )
    if start_at is not None and end_at is not None and end_at <= start_at:
        raise InputError("The schedule ends before it starts.", field="end_at", hint="Give an end after the start.")
    words = expression.split()
    if len(words) != len(_FIELDS) or len(expression) > _CHARACTERS:
        raise _wrong(f"has {len(words)} fields")
    for position, word in enumerate(words):
        # One field at a time, so that the error can say which.
        alone = ["*"] * position + [word] + ["*"] * (len(words) - position - 1)
        if not _is_readable(" ".join(alone)):
            raise _wrong(f"has a {_FIELDS[position]} ({word[:40]}) that cannot be read")
    if not _is_readable(" ".join(words)):
        raise _wrong("names a day that does not exist in its months")
    cron = Cron(" ".join(words), timezone, start_at, end_at)
    if Cron(cron.expression).next_after(datetime(2000, 1, 1, tzinfo=UTC)) is None:
        raise _wrong("names a day that does not exist in its months")
    return cron


def _is_readable(expression: str) -> bool:
    try:
        CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
    except (CronSimError, AssertionError, ValueError):
        return False
    return True


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _wrong(what: str) -> InputError:
    return InputError(f"The cron expression {what}.", code="cron_malformed", field="cron", hint=_TAKES)
