"""DATE and DATE-TIME."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from isthmus.functions.deluge.prelude.host import ask
from isthmus.functions.deluge.prelude.moments import moment
from isthmus.functions.deluge.prelude.patterns import DAY_NAMES, formatted, month_days
from isthmus.functions.deluge.prelude.values import as_text, index, unfit

MAX_STEP = 4_000_000_000


def step(value: Any, name: str) -> int:
    """How far a date moves."""
    number = index(value, name)
    if abs(number) > MAX_STEP:
        raise ValueError("'" + name + "' function: the number is over the limit of " + str(MAX_STEP) + ".")
    return number


def shifted(at: Any, distance: timedelta, name: str) -> Any:
    """A date or date-time, so much later."""
    try:
        return at + distance
    except (OverflowError, TypeError):  # the sandbox has TypeError for what lies before the year 1
        raise ValueError("'" + name + "' function: the date lies outside the years 1 to 9999.")


def moved(x: Any, seconds: int, name: str) -> Any:
    """A date-time some seconds later."""
    return shifted(moment(x, name), timedelta(days=seconds // 86400, seconds=seconds % 86400), name)


def f_addday(x: Any, count: Any) -> Any:
    return moved(x, 86400 * step(count, "addDay"), "addDay")


def f_subday(x: Any, count: Any) -> Any:
    return moved(x, -86400 * step(count, "subDay"), "subDay")


def f_addweek(x: Any, count: Any) -> Any:
    return moved(x, 604800 * step(count, "addWeek"), "addWeek")


def f_subweek(x: Any, count: Any) -> Any:
    return moved(x, -604800 * step(count, "subWeek"), "subWeek")


def f_addhour(x: Any, count: Any) -> Any:
    return moved(x, 3600 * step(count, "addHour"), "addHour")


def f_subhour(x: Any, count: Any) -> Any:
    return moved(x, -3600 * step(count, "subHour"), "subHour")


def f_addminutes(x: Any, count: Any) -> Any:
    return moved(x, 60 * step(count, "addMinutes"), "addMinutes")


def f_subminutes(x: Any, count: Any) -> Any:
    return moved(x, -60 * step(count, "subMinutes"), "subMinutes")


def f_addseconds(x: Any, count: Any) -> Any:
    return moved(x, step(count, "addSeconds"), "addSeconds")


def f_subseconds(x: Any, count: Any) -> Any:
    return moved(x, -step(count, "subSeconds"), "subSeconds")


def months_later(x: Any, months: int, name: str) -> datetime:
    """A date-time some months later; the day stays, or is the month's last."""
    start = moment(x, name)
    number = start.year * 12 + start.month - 1 + months
    year, month = number // 12, number % 12 + 1
    if not 1 <= year <= 9999:
        raise ValueError("'" + name + "' function: the date lies outside the years 1 to 9999.")
    return start.replace(year=year, month=month, day=min(start.day, month_days(year, month)))


def f_addmonth(x: Any, count: Any) -> datetime:
    return months_later(x, step(count, "addMonth"), "addMonth")


def f_submonth(x: Any, count: Any) -> datetime:
    return months_later(x, -step(count, "subMonth"), "subMonth")


def f_addyear(x: Any, count: Any) -> datetime:
    return months_later(x, 12 * step(count, "addYear"), "addYear")


def f_subyear(x: Any, count: Any) -> datetime:
    return months_later(x, -12 * step(count, "subYear"), "subYear")


def f_edate(x: Any, months: Any) -> Any:
    return months_later(x, step(months, "edate"), "edate").date()


def f_eomonth(x: Any, months: Any) -> Any:
    later = months_later(x, step(months, "eomonth"), "eomonth")
    return later.replace(day=month_days(later.year, later.month)).date()


def midnight(at: datetime) -> datetime:
    """The beginning of a day."""
    return datetime(at.year, at.month, at.day)


def f_tostartofweek(x: Any) -> Any:
    at = midnight(moment(x, "toStartOfWeek"))
    return shifted(at, timedelta(days=-((at.weekday() + 1) % 7)), "toStartOfWeek")


def f_tostartofmonth(x: Any) -> datetime:
    return midnight(moment(x, "toStartOfMonth")).replace(day=1)


def weekday_number(day: Any, name: str) -> int:
    """Monday as 0, from a weekday's name or its number with Sunday as 1."""
    if type(day) is int and 1 <= day <= 7:
        return int((day + 5) % 7)
    wanted = as_text(day, name).lower()
    for number in range(7):
        if wanted in (DAY_NAMES[number].lower(), DAY_NAMES[number].lower()[:3]):
            return number
    raise ValueError("'" + name + "' function: there is no weekday " + repr(day) + ".")


def f_nextweekday(x: Any, day: Any) -> Any:
    at = moment(x, "nextWeekDay")
    days = (weekday_number(day, "nextWeekDay") - at.weekday() - 1) % 7 + 1
    return shifted(at, timedelta(days=days), "nextWeekDay")


def f_previousweekday(x: Any, day: Any) -> Any:
    at = moment(x, "previousWeekDay")
    days = (at.weekday() - weekday_number(day, "previousWeekDay") - 1) % 7 + 1
    return shifted(at, timedelta(days=-days), "previousWeekDay")


def getter(x: Any, name: str) -> Any:
    """The date-time that a getter works on; None for a text with too many digits, for which it answers null."""
    try:
        return moment(x, name)
    except ValueError as problem:
        if type(x) is str and "too many digits" in str(problem):
            return None
        raise


def f_getday(x: Any) -> Any:
    at = getter(x, "getDay")
    return None if at is None else at.day


def f_getmonth(x: Any) -> Any:
    at = getter(x, "getMonth")
    return None if at is None else at.month


def f_getyear(x: Any) -> Any:
    at = getter(x, "getYear")
    return None if at is None else at.year


def clock(x: Any, name: str) -> Any:
    """What has hours: a date-time or a time."""
    return x if type(x) is time else getter(x, name)


def f_gethour(x: Any) -> Any:
    at = clock(x, "getHour")
    return None if at is None else at.hour


def f_getminutes(x: Any) -> Any:
    at = clock(x, "getMinutes")
    return None if at is None else at.minute


def f_getseconds(x: Any) -> Any:
    at = clock(x, "getSeconds")
    return None if at is None else at.second


def f_getdayofweek(x: Any) -> Any:
    at = getter(x, "getDayOfWeek")
    return None if at is None else (at.weekday() + 1) % 7 + 1


def f_getdayofyear(x: Any) -> Any:
    at = getter(x, "getDayOfYear")
    return None if at is None else (at - datetime(at.year, 1, 1)).days + 1


def f_getweekofyear(x: Any, first: Any = "Sunday") -> Any:
    at = getter(x, "getWeekOfYear")
    if at is None:
        return None
    before = (datetime(at.year, 1, 1).weekday() - weekday_number(first, "getWeekOfYear")) % 7
    return ((at - datetime(at.year, 1, 1)).days + before) // 7 + 1


def days_between(x: Any, other: Any, name: str) -> int:
    """Whole days, by the calendar."""
    return (midnight(moment(other, name)) - midnight(moment(x, name))).days


def toward_zero(number: int, by: int) -> int:
    """A quotient without its rest."""
    return number // by if number >= 0 else -(-number // by)


def f_daysbetween(x: Any, other: Any) -> int:
    return days_between(x, other, "daysBetween")


def f_monthsbetween(x: Any, other: Any) -> int:
    return toward_zero(days_between(x, other, "monthsBetween"), 30)


def f_yearsbetween(x: Any, other: Any) -> int:
    return toward_zero(days_between(x, other, "yearsBetween"), 365)


def whole_months(first: datetime, last: datetime) -> int:
    """Calendar months from one to the other."""
    if first > last:
        return -whole_months(last, first)
    months = (last.year - first.year) * 12 + last.month - first.month
    return months - 1 if months_later(first, months, "monthsDiff") > last else months


def f_monthsdiff(x: Any, other: Any) -> int:
    return whole_months(moment(x, "monthsDiff"), moment(other, "monthsDiff"))


def f_yearsdiff(x: Any, other: Any) -> int:
    return toward_zero(whole_months(moment(x, "yearsDiff"), moment(other, "yearsDiff")), 12)


def seconds_between(x: Any, other: Any, name: str) -> int:
    """Whole seconds."""
    return (moment(other, name) - moment(x, name)) // timedelta(seconds=1)


def f_hoursbetween(x: Any, other: Any) -> int:
    return toward_zero(seconds_between(x, other, "hoursBetween"), 3600)


def f_timebetween(x: Any, other: Any) -> str:
    seconds = seconds_between(x, other, "timeBetween")
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    parts = [seconds // 3600, seconds // 60 % 60, seconds % 60]
    return sign + ":".join([str(part).rjust(2, "0") for part in parts])


def f_unixepoch(x: Any, zone: Any = "") -> int:
    return int(ask("to_epoch", moment(x, "unixEpoch"), zone or ""))


def f_getdate(x: Any) -> Any:
    return moment(x, "getDate").date()


def f_gettime(x: Any) -> int:
    return int(ask("to_epoch", moment(x, "getTime")))


def f_now() -> datetime:
    found: datetime = ask("now")
    return found.replace(microsecond=0)


def f_today() -> Any:
    return f_now().date()


def f_todatetimestring(x: Any, pattern: Any, zone: Any = "") -> Any:
    at = of_value(x, "toDateTimeString")
    return in_zone(at, as_text(pattern, "toDateTimeString"), zone)


def of_value(x: Any, name: str) -> datetime:
    """The date-time of a date, a text, or milliseconds."""
    if type(x) is int:
        found: datetime = ask("from_epoch", x)
        return found
    if type(x) is time:
        return datetime(1970, 1, 1, x.hour, x.minute, x.second)
    if type(x) not in (date, datetime, str):
        unfit(name, x)
    return moment(x, name)


def in_zone(at: datetime, pattern: str, zone: Any) -> Any:
    """A date-time by a pattern, as its instant is shown in another zone."""
    if not zone:
        return formatted(at, pattern, "")
    return formatted(ask("from_epoch", ask("to_epoch", at), zone), pattern, zone)
