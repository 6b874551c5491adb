"""How an API says *later*, beyond HTTP's own Retry-After: by headers of its own, or in the body."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from isthmus.protocols.answers import AnswerParts, read_parts
from isthmus.records import HttpResponse, Retry

DEFAULT_SECONDS = 1.0
_LOOKED_AT = 65_536
_LONGEST_SECONDS = 86_400.0


def asked_wait(retry: Retry, response: HttpResponse, now: float) -> float | None:
    """How many seconds the answer asks to wait before the same request is sent again; None where it asks for nothing.

    A limit without a time means a second. `now` is in seconds since 1970.
    """
    parts = read_parts(response) if retry.code or retry.pattern else None
    found = re.search(retry.pattern, parts.raw[:_LOOKED_AT]) if retry.pattern and parts is not None else None
    if not _is_limited(retry, response, parts, matched=found is not None):
        return None
    seconds = _number(response.header(retry.seconds_header)) if retry.seconds_header else None
    if seconds is None and retry.time_header:
        at = _moment(response.header(retry.time_header), retry.time_unit)
        seconds = at - now if at is not None else None
    if seconds is None and found is not None and found.re.groups:
        seconds = _number(found.group(1))
    if seconds is None:
        return DEFAULT_SECONDS
    return min(max(seconds, 0.0), _LONGEST_SECONDS)


def _is_limited(retry: Retry, response: HttpResponse, parts: AnswerParts | None, *, matched: bool) -> bool:
    if response.status in retry.statuses or matched:
        return True
    if retry.code and parts is not None and parts.text(retry.code) in retry.codes:
        return True
    return response.status >= 400 and bool(retry.remaining_header) and _number(_header(retry, response)) == 0.0


def _header(retry: Retry, response: HttpResponse) -> str | None:
    return response.header(retry.remaining_header)


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").strip()[:20])
    except ValueError:
        return None
    return number if 0 <= number < 1e15 else None


def _moment(text: str | None, unit: str) -> float | None:
    try:
        if unit == "http_date":
            return parsedate_to_datetime(text or "").timestamp()
        if unit == "iso8601":
            return datetime.fromisoformat((text or "").strip()).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    number = _number(text)
    if number is None:
        return None
    return number / 1000 if unit == "epoch_milliseconds" else number
