"""When a token ends, out of whatever a provider writes into `expires_in` (RFC 6749 §5.1 and its variants).

What cannot be believed is *unknown* (None), never "for ever" and never "now".
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from isthmus.records import TokenResponse

_LONGEST = timedelta(days=100 * 366)
_PAST = timedelta(days=1)


def read_expiry(value: Any, rules: TokenResponse, received_at: datetime) -> datetime | None:
    """The time at which the token ends, or None if the value does not say.

    Relative values count from `received_at`. Absolute ones more than a day in the past, and all more than a century
    ahead, are taken for a wrong unit and so for unknown.
    """
    if rules.expires_unit == "iso8601":
        expires_at = _read_iso(value)
    else:
        number = _read_number(value)
        if number is None or (number == 0 and rules.zero_means_unknown):
            return None
        expires_at = _from_number(number, rules.expires_unit, received_at)
    if expires_at is None or not received_at - _PAST <= expires_at <= received_at + _LONGEST:
        return None
    return expires_at


def _from_number(number: float, unit: str, received_at: datetime) -> datetime | None:
    seconds = number / 1000 if unit.endswith("milliseconds") else number
    try:
        if unit.startswith("epoch_"):
            return datetime.fromtimestamp(seconds, UTC)
        return received_at + timedelta(seconds=seconds)
    except (OverflowError, ValueError, OSError):
        return None


def _read_number(value: Any) -> float | None:
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = float(value.strip())
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _read_iso(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
