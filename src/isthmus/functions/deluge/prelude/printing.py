"""Values as text: what `info`, `+` and toString show, and JSON."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.values import MAX_EXPONENT, Caught, Collection, File, Holder

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MAX_DEPTH = 60


def text(value: Any) -> str:
    """A value as it prints."""
    known = type(value)
    if known is str:
        return str(value)
    if known is int:
        return str(value)
    if value is None:
        return "null"
    if known is bool:
        return "true" if value else "false"
    if known is Decimal:
        return decimal_text(value)
    if known is list:
        return ",".join([item_text(item) for item in value])
    if known is dict:
        return json_text(value)
    return other_text(value)


def other_text(value: Any) -> str:
    """`text` for the rarer types."""
    known = type(value)
    if known is datetime:
        return date_text(value) + " " + clock_text(value)
    if known is date:
        return date_text(value)
    if known is time:
        return clock_text(value)
    if known is Collection or known is Holder:
        return "{}" if value.items is None else text(value.items)
    if known is File:
        return str(value.name)
    if known is Caught:
        return str(value.message)
    return str(value)


def item_text(value: Any) -> str:
    """A value within a list that prints: texts bare, lists and maps as JSON."""
    return json_text(value) if type(value) in (list, dict, Collection, Holder) else text(value)


def decimal_text(value: Decimal) -> str:
    """A DECIMAL without exponent and trailing zeros."""
    if not value.is_finite() or value.adjusted() > MAX_EXPONENT:
        raise ValueError("The number is outside the limit of " + str(MAX_EXPONENT) + " digits.")
    if value.adjusted() < -MAX_EXPONENT:
        return "0"
    shown = f"{value:f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def two(number: int) -> str:
    """Two digits at least."""
    return "0" + str(number) if number < 10 else str(number)


def date_text(value: Any) -> str:
    """dd-MMM-yyyy."""
    year = str(value.year)
    return two(value.day) + "-" + MONTHS[value.month - 1] + "-" + "0" * (4 - len(year)) + year


def clock_text(value: Any) -> str:
    """HH:mm:ss."""
    return two(value.hour) + ":" + two(value.minute) + ":" + two(value.second)


def json_text(value: Any) -> str:
    """A value as JSON without spaces; what JSON does not have is a text in it."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return json_slowly(value, 0)


def json_slowly(value: Any, depth: int) -> str:
    """`json_text` for what the json module does not know."""
    if depth > MAX_DEPTH:
        raise ValueError("The value is nested deeper than the limit of " + str(MAX_DEPTH) + " levels.")
    known = type(value)
    if known is Collection or known is Holder:
        value = {} if value.items is None else value.items
        known = type(value)
    if known is list:
        return "[" + ",".join([json_slowly(item, depth + 1) for item in value]) + "]"
    if known is dict:
        entries = [
            json.dumps(text(key), ensure_ascii=False) + ":" + json_slowly(value[key], depth + 1) for key in value
        ]
        return "{" + ",".join(entries) + "}"
    if known is Decimal:
        return decimal_text(value)
    if value is None or known is bool or known is int:
        return text(value)
    return json.dumps(text(value), ensure_ascii=False)
