"""What values are: Python's own where they fit, and a class for each type that it does not have.

TEXT str, NUMBER int, DECIMAL Decimal, BOOLEAN bool, null None, LIST list, KEY-VALUE dict, DATE date, DATE-TIME
datetime without a zone (it is the run's), TIME time.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

LARGEST = 9223372036854775807
SMALLEST = -9223372036854775808
MAX_TEXT = 16_000_000
MAX_EXPONENT = 400
"""Of a DECIMAL: none has more digits before the point."""


class Collection:
    """COLLECTION: `items` is a list (index-value) or a dict (key-value), and None until the first content decides."""

    def __init__(self, items: Any) -> None:
        self.items = items


class Holder:
    """`{}`, which becomes a list or a map with its first use, and a typed list. `items` is None until then."""

    def __init__(self, items: Any, element: str) -> None:
        self.items = items
        self.element = element


class File:
    """FILE."""

    def __init__(self, name: str, content: bytes, content_type: str, charset: str, param_name: str) -> None:
        self.name = name
        self.content = content
        self.content_type = content_type
        self.charset = charset
        self.param_name = param_name


class Caught:
    """What `catch (e)` gets."""

    def __init__(self, message: str, line: int) -> None:
        self.message = message
        self.line = line


def kind(value: Any) -> str:
    """The type's word for people."""
    known = type(value)
    if value is None:
        return "null"
    for python, word in (
        (str, "TEXT"),
        (bool, "BOOLEAN"),
        (int, "NUMBER"),
        (Decimal, "DECIMAL"),
        (list, "LIST"),
        (dict, "KEY-VALUE"),
        (datetime, "DATE-TIME"),
        (date, "DATE"),
        (time, "TIME"),
        (Collection, "COLLECTION"),
        (Holder, "LIST"),
        (File, "FILE"),
    ):
        if known is python:
            return word
    return "an error"


def unfit(name: str, value: Any) -> Any:
    """Raise what a function says about a value that it does not work on."""
    if value is None:
        raise ValueError("'" + name + "' function cannot be applied on null.")
    raise ValueError("Not able to find '" + name + "' function for " + kind(value) + ".")


def plain(value: Any) -> Any:
    """A list or map in place of what stands for one."""
    if type(value) is Holder:
        return {} if value.items is None else value.items
    return value


def as_list(value: Any, name: str) -> Any:
    """The list that a function works on: a list, `{}` from now on as a list, a collection without keys."""
    known = type(value)
    if known is list:
        return value
    if known is Holder:
        if value.items is None:
            value.items = []
        if type(value.items) is list:
            return value.items
    if known is Collection and type(value.items) is list:
        return value.items
    return unfit(name, value)


def as_map(value: Any, name: str) -> Any:
    """The map that a function works on: a map, `{}` from now on as a map, a collection with keys."""
    known = type(value)
    if known is dict:
        return value
    if known is Holder:
        if value.items is None:
            value.items = {}
        if type(value.items) is dict:
            return value.items
    if known is Collection and type(value.items) is dict:
        return value.items
    return unfit(name, value)


def as_text(value: Any, name: str) -> str:
    """The text that a function works on."""
    if type(value) is str:
        return value
    return str(unfit(name, value))


def sized(text: str) -> str:
    """The text, unless it is longer than a text may be."""
    if len(text) > MAX_TEXT:
        raise ValueError("The text is longer than the limit of " + str(MAX_TEXT) + " characters.")
    return text


def bounded(number: Any) -> Any:
    """The number, unless it lies outside of what NUMBER (64 bits) or DECIMAL can be."""
    if type(number) is int:
        if SMALLEST <= number <= LARGEST:
            return number
        raise ValueError("The number is outside the limit of 64 bits.")
    if number.adjusted() > MAX_EXPONENT:
        raise ValueError("The number is outside the limit of " + str(MAX_EXPONENT) + " digits.")
    return number


def numeric(text: str) -> Any:
    """The NUMBER or DECIMAL that a text writes; None where it writes none."""
    written = text.strip()
    digits = written[1:] if written[:1] in ("-", "+") else written
    if not digits or len(digits) > 400:
        return None
    whole, point, part = digits.partition(".")
    if not (whole + part).isdigit() or not (whole + part).isascii() or (point and not part and not whole):
        return None
    if point:
        return Decimal(written)
    number = int(written)
    return number if SMALLEST <= number <= LARGEST else Decimal(written)


def index(value: Any, name: str) -> int:
    """A whole number as an argument."""
    known = type(value)
    if known is int:
        return int(value)
    if known is Decimal and value == value.to_integral_value():
        return int(value)
    if known is str:
        number = numeric(value)
        if type(number) is int:
            return int(number)
    raise ValueError("'" + name + "' function takes a whole NUMBER, not " + kind(value) + ".")


def number_of(value: Any, name: str) -> Any:
    """A NUMBER or DECIMAL that a function works on."""
    known = type(value)
    if known is int or known is Decimal:
        return value
    if known is str:
        number = numeric(value)
        if number is not None:
            return number
    return unfit(name, value)
