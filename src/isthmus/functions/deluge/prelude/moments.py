"""What becomes a date: literals, texts in known formats, milliseconds."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.operators import moment_of
from isthmus.functions.deluge.prelude.patterns import MONTH_NAMES, checked, of_instant, parsed
from isthmus.functions.deluge.prelude.values import as_text, kind, unfit

SHAPE = re.compile("(\\d+)-([A-Za-z]+)-(\\d+)(?:[ T](\\d+):(\\d+)(?::(\\d+))?)?")
FORMATS = (
    "dd-MMM-yyyy HH:mm:ss",
    "dd-MMM-yyyy HH:mm",
    "dd-MMM-yyyy",
    "MMM dd, yyyy HH:mm:ss",
    "MMM dd, yyyy",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd HH:mm",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "yyyy-MM-dd'T'HH:mm:ss",
    "yyyy-MM-dd",
    "MM/dd/yyyy HH:mm:ss",
    "MM/dd/yyyy",
    "MM-dd-yy",
    "MM-dd-yyyy",
    "yyyy/MM/dd",
    "HH:mm:ss",
)


def from_text(written: str) -> Any:
    """The date or date-time that a text writes in a known format; None where it writes none.

    Raises ValueError for a day or month that there is not.
    """
    subject = written.strip()
    if not subject or len(subject) > 60 or not ("0" <= subject[0] <= "9" or subject[:1].isalpha()):
        return None
    found = SHAPE.fullmatch(subject)
    if found is not None:
        return by_shape(found)
    for form in FORMATS:
        moment = parsed(subject, form, "")
        if moment is not None:
            return moment if "H" in form else moment.date()
    return None


def by_shape(found: Any) -> Any:
    """dd-MMM-yyyy, with the freedoms and refusals of a literal."""
    day, name, year = found.group(1), found.group(2).lower(), found.group(3)
    months = [at + 1 for at in range(12) if name in (MONTH_NAMES[at].lower(), MONTH_NAMES[at].lower()[:3])]
    if len(day) > 2 or len(year) > 4:
        raise ValueError("The date has too many digits.")
    if not months:
        raise ValueError("The date has no month " + found.group(2) + ".")
    number = int(year)
    if len(year) <= 2:
        number += 2000 if number < 70 else 1900
    if found.group(4) is None:
        return checked(number, months[0], int(day), 0, 0, 0).date()
    clock = [found.group(4), found.group(5), found.group(6) or "00"]
    if max([len(part) for part in clock]) > 2:
        raise ValueError("The time has too many digits.")
    hour, minute, second = reset(int(clock[0]), int(clock[1]), int(clock[2]))
    return checked(number, months[0], int(day), hour, minute, second)


def reset(hour: int, minute: int, second: int) -> tuple[int, int, int]:
    """An hour from 24 resets the whole time, a minute from 60 minutes and seconds, a second from 60 the seconds."""
    if hour >= 24:
        return 0, 0, 0
    if minute >= 60:
        return hour, 0, 0
    return hour, minute, 0 if second >= 60 else second


def moment(value: Any, name: str) -> datetime:
    """The date-time that a function works on."""
    known = type(value)
    if known is datetime or known is date:
        return moment_of(value)
    if known is str:
        found = from_text(value)
        if found is None:
            raise ValueError("'" + name + "' function takes a date, and " + repr(value[:40]) + " is none.")
        return moment_of(found)
    return moment_of(unfit(name, value))


def converted(value: Any, mapping: Any, zone: Any, name: str) -> datetime:
    """toDate, toTime, toDateTime: the date-time of any value."""
    known = type(value)
    if known is int or known is Decimal:
        return of_instant(int(value))
    if known is datetime or known is date:
        return moment_of(value)
    if known is str and mapping is not None:
        found = parsed(value.strip(), as_text(mapping, name), zone or "")
        if found is None:
            raise ValueError(
                "'" + name + "' function: " + repr(value[:40]) + " does not fit the pattern " + mapping + "."
            )
        return moment_of(found)
    if known is time:
        return datetime(1970, 1, 1, value.hour, value.minute, value.second)
    return moment(value, name)


def f_todate(x: Any, mapping: Any = None) -> Any:
    return converted(x, mapping, "", "toDate").date()


def f_totime(x: Any, mapping: Any = None, zone: Any = "") -> Any:
    return converted(x, mapping, zone, "toTime")


def f_todatetime(x: Any, mapping: Any = None) -> Any:
    return converted(x, mapping, "", "toDateTime")


def f_isdate(x: Any) -> Any:
    known = type(x)
    if known is datetime or known is date or known is time:
        return True
    if known is int or known is Decimal or known is bool:
        return False
    if known is str:
        if from_text(x) is None:
            raise ValueError("'isDate' function: the text is not a date-time text.")
        return True
    if x is not None and kind(x) not in ("LIST", "KEY-VALUE", "COLLECTION"):
        return False
    return None
