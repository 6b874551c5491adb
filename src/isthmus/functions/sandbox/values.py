"""Values on their way into and out of the sandbox: the shapes of `host` on our side, plain ones on the other.

Inside, a date-time is naive, in the run's time zone, and a file is a tuple that begins with `"file"`. What comes out
was made by a stranger's code: it is measured and rebuilt, never trusted.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from isthmus.functions.host import File

MAX_DEPTH = 100
MAX_BITS = 4_000
"""Of a whole number: more than any JSON reader takes."""


class Unfit(Exception):
    """The value cannot cross; the message says why."""


def inward(value: Any, zone: ZoneInfo, *, exact: bool, depth: int = 0) -> Any:
    """A value as the sandbox takes it. `exact`: a float becomes the Decimal that it prints as.

    Raises Unfit.
    """
    if depth > MAX_DEPTH:
        raise Unfit(f"The value is nested more than {MAX_DEPTH} levels deep.")
    if value is None or isinstance(value, bool | Decimal | bytes | time):
        return value
    if isinstance(value, str):
        return _paired(value)
    if isinstance(value, int):
        return _bounded(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if exact else value
    if isinstance(value, datetime):
        return _local(value, zone)
    if isinstance(value, date):
        return value
    if isinstance(value, File):
        return ("file", _paired(value.name), value.content, value.content_type, value.charset, value.param_name)
    if isinstance(value, list | tuple):
        return [inward(item, zone, exact=exact, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return {_paired(str(key)): inward(item, zone, exact=exact, depth=depth + 1) for key, item in value.items()}
    raise Unfit(f"A value of the type {type(value).__name__} cannot be given to a function.")


def _local(value: datetime, zone: ZoneInfo) -> datetime:
    try:
        return (value if value.tzinfo is None else value.astimezone(zone)).replace(tzinfo=None)
    except OverflowError:
        raise Unfit(f"A time lies outside the years 1 to 9999 in the time zone {zone.key}.") from None


def outward(value: Any, zone: ZoneInfo, depth: int = 0) -> Any:
    """A value as the sandbox gave it, in the shapes of `host`.

    Raises Unfit where it is nested too deep or is nothing that can leave (a function, an object).
    """
    if depth > MAX_DEPTH:
        raise Unfit(f"The value is nested more than {MAX_DEPTH} levels deep.")
    if value is None or isinstance(value, bool | float | Decimal | str | bytes | time):
        return value
    if isinstance(value, int):
        return _bounded(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=zone) if value.tzinfo is None else value
    if isinstance(value, date):
        return value
    if isinstance(value, tuple) and value and value[0] == "file":
        return _file(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [outward(item, zone, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): outward(item, zone, depth + 1) for key, item in value.items()}
    name = getattr(value, "name", type(value).__name__)
    raise Unfit(f"A value of the type {name} cannot leave a function.")


def text(value: Any, what: str, limit: int = 1_000) -> str:
    """`value` if it is a text of at most `limit` characters; raises Unfit."""
    if not isinstance(value, str) or len(value) > limit:
        raise Unfit(f"{what} takes a text of at most {limit} characters.")
    return value


def whole(value: Any, what: str, low: int, high: int) -> int:
    """`value` if it is a whole number from `low` to `high`; raises Unfit."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Unfit(f"{what} takes a whole number from {low} to {high}.")
    return value


def _file(value: tuple[Any, ...]) -> File:
    if len(value) != 6 or not isinstance(value[2], bytes) or not all(isinstance(value[at], str) for at in (1, 3, 4, 5)):
        raise Unfit("The file is malformed.")
    return File(value[1], value[2], value[3], value[4], value[5])


def _paired(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as problem:
        raise Unfit(f"A text has half of a surrogate pair at character {problem.start + 1}.") from None
    return value


def _bounded(value: int) -> int:
    if value.bit_length() > MAX_BITS:
        raise Unfit("A number has more digits than can be written.")
    return value
