"""Texts in single quotes that are a date, a date-time or a time: decided when the script is compiled."""

from __future__ import annotations

import re

from isthmus.functions.deluge.prelude.moments import SHAPE as _DATE
from isthmus.functions.deluge.prelude.moments import by_shape, reset

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def literal_of(written: str) -> str | None:
    """The Python of a date, date-time or time literal; None where it is a text.

    What has the shape of a date but names no day stays a text: the functions that read it say what is wrong with it.
    """
    found = _DATE.fullmatch(written.strip())
    if found is not None:
        try:
            value = by_shape(found)
        except ValueError:
            return None
        return repr(value).removeprefix("datetime.")
    clock = _TIME.fullmatch(written.strip())
    if clock is None:
        return None
    hour, minute, second = reset(int(clock[1]), int(clock[2]), int(clock[3] or 0))
    return f"time({hour}, {minute}, {second})"
