"""Conversions and questions about types."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.collection import contents
from isthmus.functions.deluge.prelude.dates import f_unixepoch, in_zone, of_value
from isthmus.functions.deluge.prelude.moments import from_text
from isthmus.functions.deluge.prelude.overloads import f_isempty
from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.reading import json_value
from isthmus.functions.deluge.prelude.values import (
    Collection,
    File,
    Holder,
    as_text,
    bounded,
    kind,
    numeric,
    plain,
    unfit,
)


def f_tostring(x: Any, form: Any = None, zone: Any = "") -> Any:
    if form is None:
        if x is None:
            return unfit("toString", x)
        return text(x)
    if type(x) is list or type(x) is Holder:
        return as_text(form, "toString").join([text(item) for item in plain(x)])
    if type(x) is time:
        return in_zone(of_value(x, "toString"), as_text(form, "toString"), "")
    if type(x) is str and from_text(x) is None:
        raise ValueError("'toString' function: the text is not a date-time text.")
    return in_zone(of_value(x, "toString"), as_text(form, "toString"), zone)


def f_tolong(x: Any) -> Any:
    known = type(x)
    if known is int:
        return x
    if known is Decimal:
        return bounded(int(x))
    if known is str:
        number = numeric(x)
        if number is None or (type(number) is Decimal and abs(number) > 2**63):
            raise ValueError("'toLong' function: the text " + repr(x[:40]) + " is not numeric.")
        return bounded(int(number))
    if known is datetime or known is date:
        return f_unixepoch(x)
    return unfit("toLong", x)


def f_todecimal(x: Any) -> Any:
    known = type(x)
    if known is int or known is Decimal:
        return Decimal(x)
    if known is str:
        number = numeric(x)
        if number is None:
            if len(x) > 400:
                raise ValueError("'toDecimal' function: the text is over the limit of 400 characters.")
            raise ValueError("'toDecimal' function: the text " + repr(x[:40]) + " is not numeric.")
        return Decimal(number)
    return unfit("toDecimal", x)


def f_tomap(x: Any) -> Any:
    items = plain(x)
    if type(items) is dict:
        return items
    if type(items) is Collection and type(items.items) is dict:
        return items.items
    found = json_value(as_text(x, "toMap"), "toMap")
    if type(found) is not dict:
        raise ValueError("'toMap' function: the text is JSON, but no map.")
    return found


def f_tojsonlist(x: Any) -> Any:
    items = plain(x)
    if type(items) is list:
        return items
    found = json_value(as_text(x, "toJSONList"), "toJSONList")
    return found if type(found) is list else [found]


def f_tolist(x: Any, separator: Any = ",") -> Any:
    if type(x) is str:
        mark = as_text(separator, "toList")
        if not x:
            return []
        return x.split(mark) if mark else [character for character in x]
    if type(x) is dict:
        return unfit("toList", x)
    items = contents(x, "toList")
    return list(items) if type(items) is list else list(items.values())


def f_toliststring(x: Any) -> str:
    return text(f_tolist(x))


def f_tocollection(x: Any) -> Any:
    items = plain(x)
    if type(items) is Collection:
        return items
    if type(items) is str:
        items = json_value(items, "toCollection") if items.lstrip()[:1] in ("{", "[") else f_tolist(items)
    if type(items) is list or type(items) is dict:
        return Collection(items)
    return unfit("toCollection", x)


def f_getjson(x: Any, key: Any) -> Any:
    items = plain(x)
    if type(items) is str:
        items = json_value(items, "getJSON")
    if type(items) is Collection:
        items = items.items
    if type(items) is dict:
        return items.get(key)
    if type(items) is list and type(key) is int and 0 <= key < len(items):
        return items[key]
    return None if type(items) is list else unfit("getJSON", x)


def f_isnull(x: Any) -> bool:
    return x is None or x == ""


def f_isblank(x: Any) -> bool:
    return not x.strip() if type(x) is str else f_isempty(x)


def f_isnumber(x: Any) -> bool:
    if type(x) is str:
        return numeric(x) is not None
    return type(x) is int or type(x) is Decimal


def f_istext(x: Any) -> Any:
    if type(x) is str:
        return numeric(x) is None and not reads_as_date(x)
    return False if x is not None and kind(x) not in ("LIST", "KEY-VALUE", "COLLECTION", "BOOLEAN") else None


def reads_as_date(written: str) -> bool:
    """Whether a text is a date in digits."""
    if not written[:1].isdigit():
        return False
    try:
        return from_text(written) is not None
    except ValueError:
        return False


def f_isfile(x: Any) -> bool:
    return type(x) is File
