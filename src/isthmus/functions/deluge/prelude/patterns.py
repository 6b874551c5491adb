"""Dates by pattern: the letters of Java's SimpleDateFormat, written and read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from isthmus.functions.deluge.prelude.host import ask
from isthmus.functions.deluge.prelude.printing import MONTHS, two

MONTH_NAMES = ("January February March April May June July August September October November December").split()
DAY_NAMES = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
LETTERS = "yYMdEHhmsSazZXuDkKwF"
MAX_PATTERN = 200


def pieces_of(pattern: str) -> Any:
    """(letter, count) for a run of pattern letters, ("", text) for a literal; None for a letter that is none."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError("The date pattern is over the limit of " + str(MAX_PATTERN) + " characters.")
    found: list[Any] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "'":
            end = pattern.find("'", at + 1)
            if end < 0:
                return None
            found.append(("", pattern[at + 1 : end] if end > at + 1 else "'"))
            at = end + 1
        elif character.isalpha() and character.isascii():
            if character not in LETTERS:
                return None
            end = at
            while end < len(pattern) and pattern[end] == character:
                end += 1
            found.append((character, end - at))
            at = end
        else:
            found.append(("", character))
            at += 1
    return found


def filled(number: int, width: int) -> str:
    """A number with zeros before it."""
    return str(number).rjust(width, "0")


def formatted(moment: datetime, pattern: str, zone: str) -> Any:
    """A date-time by a pattern; None where the pattern has a letter that means nothing. `zone` is only told."""
    pieces = pieces_of(pattern)
    if pieces is None:
        return None
    return "".join([shown(moment, letter, count, zone) if letter else count for letter, count in pieces])


def shown(moment: datetime, letter: str, count: int, zone: str) -> str:
    """What one run of a pattern letter shows."""
    if letter in "yY":
        return two(moment.year % 100) if count == 2 else filled(moment.year, count)
    if letter == "M":
        if count >= 3:
            return MONTHS[moment.month - 1] if count == 3 else MONTH_NAMES[moment.month - 1]
        return filled(moment.month, count)
    if letter == "E":
        name = DAY_NAMES[moment.weekday()]
        return name[:3] if count <= 3 else name
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter in "zZX":
        return zone_shown(moment, letter, count, zone)
    return filled(number_shown(moment, letter), count)


def number_shown(moment: datetime, letter: str) -> int:
    """The number behind a pattern letter."""
    if letter == "d":
        return moment.day
    if letter == "H":
        return moment.hour
    if letter == "h":
        return moment.hour % 12 or 12
    if letter == "m":
        return moment.minute
    if letter == "s":
        return moment.second
    if letter == "S":
        return moment.microsecond // 1000
    if letter == "k":
        return moment.hour or 24
    if letter == "K":
        return moment.hour % 12
    if letter == "u":
        return moment.weekday() + 1
    if letter == "F":
        return (moment.day - 1) // 7 + 1
    day = (moment - datetime(moment.year, 1, 1)).days + 1
    return day if letter == "D" else (day - 1 + (datetime(moment.year, 1, 1).weekday() + 1) % 7) // 7 + 1


def zone_shown(moment: datetime, letter: str, count: int, zone: str) -> str:
    """The zone: `z` its abbreviation, `Z` +hhmm, `X` +hh, +hhmm or +hh:mm, with Z for UTC."""
    seconds, name = ask("offset", moment, zone)
    if letter == "z":
        return str(name)
    if letter == "X" and seconds == 0:
        return "Z"
    minutes = abs(seconds) // 60
    sign = "-" if seconds < 0 else "+"
    hours = two(minutes // 60)
    if letter == "X" and count == 1:
        return sign + hours
    return sign + hours + (":" if letter == "X" and count == 3 else "") + two(minutes % 60)


def parsed(written: str, pattern: str, zone: str) -> Any:
    """The date-time that a text writes by a pattern, in the run's zone; None where it does not fit.

    Raises ValueError for a day or month that there is not.
    """
    pieces = pieces_of(pattern)
    if pieces is None or len(written) > MAX_PATTERN:
        return None
    found: dict[str, Any] = {}
    at = 0
    for place in range(len(pieces)):
        letter, count = pieces[place]
        if not letter:
            if written[at : at + len(count)] != count:
                return None
            at += len(count)
            continue
        # Where a number follows without anything between, the pattern's letters are its width.
        tight = place + 1 < len(pieces) and pieces[place + 1][0] != ""
        at = read_piece(written, at, letter, count, tight, found)
        if at < 0:
            return None
    if at < len(written):
        return None
    return moment_read(found, zone)


def read_piece(written: str, at: int, letter: str, count: int, tight: bool, found: dict[str, Any]) -> int:
    """Read what one run of letters stands for; where it ends, or -1."""
    if letter == "M" and count >= 3:
        return read_name(written, at, "M", found)
    if letter == "E":
        return read_name(written, at, "E", found)
    if letter == "a":
        mark = written[at : at + 2].upper()
        found["a"] = mark
        return at + 2 if mark in ("AM", "PM") else -1
    if letter in "zZX":
        return read_zone(written, at, found)
    end = at
    most = count if tight else 9 if letter == "S" else 4 if letter in "yYD" else 2
    while end < len(written) and end - at < most and "0" <= written[end] <= "9":
        end += 1
    if end == at or (letter in "yY" and count >= 4 and end - at < 4):
        return -1
    number = int(written[at:end])
    if letter in "yY":
        letter = "y"
        if end - at <= 2:
            number += 2000 if number < 70 else 1900
    if letter == "S":
        number = int(written[at:end].ljust(3, "0")[:3])
    found[letter] = number
    return end


def read_name(written: str, at: int, letter: str, found: dict[str, Any]) -> int:
    """Read a month's or weekday's name, whole or its first three letters."""
    names = MONTH_NAMES if letter == "M" else DAY_NAMES
    rest = written[at : at + 10].lower()
    for number in range(len(names)):
        name = names[number].lower()
        for form in (name, name[:3]):
            if rest.startswith(form):
                found[letter] = number + 1
                return at + len(form)
    return -1


def read_zone(written: str, at: int, found: dict[str, Any]) -> int:
    """Read `Z`, `UTC`, `GMT`, `+02`, `+0200` or `+02:00`."""
    rest = written[at:]
    if rest[:1] == "Z":
        found["offset"] = 0
        return at + 1
    if rest[:3] in ("UTC", "GMT"):
        found["offset"] = 0
        return at + 3
    digits = rest[1:6].replace(":", "")[:4]
    if rest[:1] not in ("+", "-") or len(digits) < 2 or not digits.isdigit():
        return -1
    if len(digits) == 3:
        digits = digits[:2]
    minutes = int(digits[:2]) * 60 + int(digits[2:] or "0")
    found["offset"] = -minutes * 60 if rest[0] == "-" else minutes * 60
    colon = 1 if rest[3:4] == ":" and len(digits) == 4 else 0
    return at + 1 + len(digits) + colon


def moment_read(found: dict[str, Any], zone: str) -> datetime:
    """The date-time of what was read."""
    hour = (
        found.get("H", found.get("k", 0)) % 24
        if "H" in found or "k" in found
        else found.get("h", found.get("K", 0)) % 12
    )
    if found.get("a") == "PM" and not ("H" in found or "k" in found):
        hour += 12
    elif "h" in found and "a" not in found:
        hour = found["h"]
    moment = checked(
        found.get("y", 1970), found.get("M", 1), found.get("d", 1), hour, found.get("m", 0), found.get("s", 0)
    )
    moment = moment + timedelta(milliseconds=found.get("S", 0))
    if "offset" in found:
        return of_instant(ask("to_epoch", moment, "UTC") - found["offset"] * 1000)
    if zone:
        return of_instant(ask("to_epoch", moment, zone))
    return moment


def of_instant(milliseconds: int) -> datetime:
    """The date-time of milliseconds since 1970, in the run's zone."""
    moment: datetime = ask("from_epoch", milliseconds)
    return moment


def checked(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    """A date-time, or an error that names what is wrong with it."""
    if not 1 <= year <= 9999:
        raise ValueError("The date has a year outside 1 to 9999.")
    if not 1 <= month <= 12:
        raise ValueError("The date has no month " + str(month) + ".")
    last = month_days(year, month)
    if not 1 <= day <= last:
        raise ValueError("The date has no day " + str(day) + ": its month has " + str(last) + " days.")
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("The date has no time " + two(hour) + ":" + two(minute) + ":" + two(second) + ".")
    return datetime(year, month, day, hour, minute, second)


def month_days(year: int, month: int) -> int:
    """How many days a month has."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
