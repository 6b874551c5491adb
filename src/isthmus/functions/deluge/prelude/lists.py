"""LIST."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.operators import position
from isthmus.functions.deluge.prelude.values import Collection, Holder, as_list, index, kind, plain, unfit

MAX_ITEMS = 1_000_000
ELEMENTS = {
    "string": (str,),
    "text": (str,),
    "long": (int,),
    "int": (int,),
    "number": (int,),
    "bigint": (int,),
    "float": (int, Decimal),
    "decimal": (int, Decimal),
    "bool": (bool,),
    "boolean": (bool,),
    "date": (date, datetime),
}


def fitting(x: Any, value: Any) -> Any:
    """The value, where a typed list takes it."""
    if type(x) is Holder and x.element and value is not None and type(value) not in ELEMENTS[x.element]:
        raise ValueError("A LIST of " + x.element + " does not take " + kind(value) + ".")
    return value


def f_add(x: Any, value: Any) -> None:
    if type(x) is list:
        x.append(value)
        return
    as_list(x, "add").append(fitting(x, value))


def f_addall(x: Any, values: Any) -> None:
    items = as_list(x, "addAll")
    more = as_list(values, "addAll")
    if len(items) + len(more) > MAX_ITEMS:
        raise ValueError("The LIST is longer than the limit of " + str(MAX_ITEMS) + " elements.")
    for value in more:
        fitting(x, value)
    items.extend(list(more))


def at(items: Any, place: Any, name: str) -> int:
    """An index that the list has."""
    number = place if type(place) is int else index(place, name)
    if number < 0:
        raise ValueError("'" + name + "' function: invalid list index " + str(number) + ", a negative index.")
    if number >= len(items):
        raise ValueError(
            "'"
            + name
            + "' function: invalid list index "
            + str(number)
            + ", the LIST has "
            + str(len(items))
            + " elements."
        )
    return number


def f_removeelement(x: Any, value: Any) -> None:
    items = as_list(x, "removeElement")
    found = position(items, value, 0)
    if found >= 0:
        items.pop(found)


def f_removeall(x: Any, values: Any) -> None:
    items = as_list(x, "removeAll")
    gone = as_list(values, "removeAll")
    kept = [item for item in items if position(gone, item, 0) < 0]
    items.clear()
    items.extend(kept)


def last_position(items: Any, value: Any) -> int:
    """Where a list last has a value."""
    for place in range(len(items) - 1, -1, -1):
        if items[place] == value and position([items[place]], value, 0) == 0:
            return place
    return -1


def f_sublist(x: Any, start: Any, end: Any = None) -> list[Any]:
    items = as_list(x, "subList")
    first = index(start, "subList")
    last = len(items) if end is None else index(end, "subList")
    if first < 0 or last < first:
        raise ValueError("'subList' function: invalid list index " + str(first) + ".")
    if last > len(items):
        raise ValueError("'subList' function: the end index " + str(last) + " lies past the LIST.")
    return list(items[first:last])


def sorted_items(items: Any, upwards: Any) -> Any:
    """The elements by size; None where their types are mixed."""
    if not items:
        return []
    first = items[0]
    if type(first) is int or type(first) is Decimal:
        alike = all([type(item) is int or type(item) is Decimal for item in items])
    else:
        alike = type(first) in (str, date, datetime) and all([type(item) is type(first) for item in items])
    return sorted(items, reverse=upwards is False) if alike else None


def distinct_items(items: Any) -> list[Any]:
    """Each element once, in the order of their first places."""
    found: list[Any] = []
    seen: dict[Any, bool] = {}
    for item in items:
        if type(item) in (str, int):
            # A text and a number never are one key.
            if item not in seen:
                seen[item] = True
                found.append(item)
        elif position(found, item, 0) < 0:
            found.append(item)
    return found


def copied(value: Any, depth: int) -> Any:
    """A copy that shares no list, map or collection."""
    if depth > 60:
        raise ValueError("The value is nested deeper than the limit of 60 levels.")
    value = plain(value)
    if type(value) is list:
        return [copied(item, depth + 1) for item in value]
    if type(value) is dict:
        return {key: copied(value[key], depth + 1) for key in value}
    if type(value) is Collection:
        return Collection(copied(value.items, depth + 1))
    return value


def f_duplicate(x: Any, _depth: Any = 0) -> Any:
    if type(x) is Holder:
        return Holder(copied(x.items, 0), x.element)
    if type(x) not in (list, dict, Collection):
        unfit("duplicate", x)
    return copied(x, 0)
