"""Working days and hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from isthmus.functions.deluge.prelude.dates import midnight, step, weekday_number
from isthmus.functions.deluge.prelude.moments import moment
from isthmus.functions.deluge.prelude.values import as_list

MAX_DAYS = 100_000


def resting(weekends: Any, name: str) -> list[int]:
    """The weekdays without work; Saturday and Sunday unless given."""
    if weekends is None:
        return [5, 6]
    days = [weekday_number(day, name) for day in as_list(weekends, name)]
    if len(set(days)) == 7:
        raise ValueError("'" + name + "' function: a week needs a working day.")
    return days


def free_days(holidays: Any, name: str) -> list[datetime]:
    """The holidays, as midnights."""
    return [] if holidays is None else [midnight(moment(day, name)) for day in as_list(holidays, name)]


def working_later(x: Any, count: Any, weekends: Any, holidays: Any, name: str) -> datetime:
    """So many working days later, or earlier where the count is negative."""
    at = moment(x, name)
    left = step(count, name)
    if abs(left) > MAX_DAYS:
        raise ValueError("'" + name + "' function: the number is over the limit of " + str(MAX_DAYS) + ".")
    rest = resting(weekends, name)
    free = free_days(holidays, name)
    onward = timedelta(days=1 if left > 0 else -1)
    left = abs(left)
    try:
        while left:
            at = at + onward
            if at.weekday() not in rest and midnight(at) not in free:
                left -= 1
    except OverflowError:
        raise ValueError("'" + name + "' function: the date lies outside the years 1 to 9999.")
    return at


def f_addbusinessday(x: Any, count: Any, weekends: Any = None, holidays: Any = None) -> datetime:
    return working_later(x, count, weekends, holidays, "addBusinessDay")


def f_subbusinessday(x: Any, count: Any, weekends: Any = None, holidays: Any = None) -> datetime:
    return working_later(x, -step(count, "subBusinessDay"), weekends, holidays, "subBusinessDay")


def f_workday(x: Any, count: Any, weekends: Any = None, holidays: Any = None) -> Any:
    if step(count, "workday") < 0:
        return moment(x, "workday").date()
    return working_later(x, count, weekends, holidays, "workday").date()


def f_addbusinesshour(x: Any, count: Any, weekends: Any = None, holidays: Any = None, hours: Any = None) -> datetime:
    """So many working hours later; `hours` is when work begins and ends."""
    name = "addBusinessHour"
    at = moment(x, name)
    seconds = step(count, name) * 3600
    if seconds < 0 or seconds > MAX_DAYS * 3600:
        raise ValueError("'addBusinessHour' function: the number is outside the limit of 0 to " + str(MAX_DAYS) + ".")
    opens, closes = (9 * 3600, 17 * 3600) if hours is None else office(as_list(hours, name))
    rest = resting(weekends, name)
    free = free_days(holidays, name)
    while True:
        day = midnight(at)
        now = (at - day) // timedelta(seconds=1)
        if at.weekday() in rest or day in free or now >= closes:
            at = day + timedelta(days=1, seconds=opens)
            continue
        now = max(now, opens)
        if now + seconds <= closes:
            return day + timedelta(seconds=now + seconds)
        seconds -= closes - now
        at = day + timedelta(days=1, seconds=opens)


def office(hours: Any) -> tuple[int, int]:
    """When work begins and ends, in seconds of the day."""
    times = [clock_seconds(hour) for hour in hours]
    if len(times) != 2 or times[0] >= times[1]:
        raise ValueError("'addBusinessHour' function: hours are the beginning and the end of a working day.")
    return times[0], times[1]


def clock_seconds(value: Any) -> int:
    """Seconds of the day: of a time, a text like 09:30, or a whole hour."""
    if type(value) is int:
        return value * 3600
    if type(value) is str:
        parts = [int(part) for part in value.split(":") if part.isdigit()]
        return (parts + [0, 0, 0])[0] * 3600 + (parts + [0, 0])[1] * 60
    return int(value.hour * 3600 + value.minute * 60 + value.second)
