"""Built-ins whose name means something else with each type."""

from __future__ import annotations

from typing import Any

from isthmus.functions.deluge.prelude.collection import (
    contents,
    distinct_collection,
    intersect_collection,
    keyed,
    sorted_collection,
)
from isthmus.functions.deluge.prelude.lists import at, distinct_items, last_position, sorted_items
from isthmus.functions.deluge.prelude.operators import equal, position
from isthmus.functions.deluge.prelude.texts import part_of
from isthmus.functions.deluge.prelude.values import Collection, File, Holder, as_list, plain, unfit


def f_get(x: Any, key: Any) -> Any:
    known = type(x)
    if known is dict:
        return x.get(keyed(key))
    if known is list:
        return x[at(x, key, "get")]
    if known is Holder or known is Collection:
        items = x.items
        if type(items) is list:
            return items[at(items, key, "get")]
        return None if items is None else items.get(keyed(key))
    return unfit("get", x)


def f_remove(x: Any, key: Any) -> Any:
    if type(x) is str:
        return x.replace(part_of(key, "remove"), "")
    items = plain(x)
    if type(items) is list:
        return items.pop(at(items, key, "remove"))
    if type(items) is dict:
        return items.pop(keyed(key), None)
    return unfit("remove", x)


def f_size(x: Any) -> int:
    if type(x) in (list, dict, str):
        return len(x)
    if type(x) in (Holder, Collection):
        return len(x.items or [])
    return int(unfit("size", x))


def f_contains(x: Any, value: Any) -> bool:
    known = type(x)
    if known is str:
        return part_of(value, "contains") in x
    items = plain(x)
    if type(items) is list:
        return position(items, value, 0) >= 0
    if type(items) is dict:
        return value in items
    if known is Collection:
        return f_containvalue(x, value)
    return bool(unfit("contains", x))


def f_notcontains(x: Any, value: Any) -> bool:
    return not f_contains(x, value)


def f_containkey(x: Any, key: Any) -> bool:
    items = contents(x, "containKey")
    if type(items) is list:
        return type(x) is Collection and type(key) is int and 0 <= key < len(items)
    return keyed(key) in items


def f_containvalue(x: Any, value: Any) -> bool:
    items = contents(x, "containValue")
    if type(items) is list:
        return position(items, value, 0) >= 0
    return any([equal(items[key], value) for key in items])


def f_containskey(x: Any, key: Any) -> bool:
    return f_containkey(x, key)


def f_containsvalue(x: Any, value: Any) -> bool:
    return f_containvalue(x, value)


def f_indexof(x: Any, value: Any) -> int:
    if type(x) is str:
        return x.find(part_of(value, "indexOf"))
    return position(as_list(x, "indexOf"), value, 0)


def f_lastindexof(x: Any, value: Any) -> int:
    if type(x) is str:
        return x.rfind(part_of(value, "lastIndexOf"))
    return last_position(as_list(x, "lastIndexOf"), value)


def f_keys(x: Any) -> list[Any]:
    return list(contents(x, "keys"))


def f_values(x: Any) -> list[Any]:
    items = contents(x, "values")
    return list(items) if type(items) is list else list(items.values())


def f_clear(x: Any) -> None:
    contents(x, "clear").clear()
    if type(x) is Collection:
        x.items = None


def f_isempty(x: Any) -> bool:
    if x is None:
        return True
    if type(x) in (str, list, dict):
        return not x
    if type(x) in (Holder, Collection):
        return not x.items
    if type(x) is File:
        return not x.content
    return False


def f_sort(x: Any, upwards: Any = True) -> Any:
    if type(x) is Collection:
        return sorted_collection(x, upwards)
    items = as_list(x, "sort")
    found = sorted_items(items, upwards)
    if found is None:
        return None
    items.clear()
    items.extend(found)
    return x


def f_distinct(x: Any) -> Any:
    return distinct_collection(x) if type(x) is Collection else distinct_items(as_list(x, "distinct"))


def f_intersect(x: Any, other: Any) -> Any:
    if type(x) is Collection:
        return intersect_collection(x, other)
    theirs = contents(other, "intersect")
    return [item for item in distinct_items(as_list(x, "intersect")) if position(list(theirs), item, 0) >= 0]


def field(x: Any, name: str) -> Any:
    """`x.name`: a value of a map, or what a caught error tells."""
    items = plain(x)
    if type(items) is dict:
        return items.get(name)
    if type(items) is Collection and type(items.items) is dict:
        return items.items.get(name)
    if type(x) not in (str, int, bool, list) and x is not None and hasattr(x, "message"):
        if name == "message":
            return x.message
        if name.lower() in ("lineno", "linenumber"):
            return x.line
        return None
    return unfit(name, x)


def set_field(x: Any, name: str, value: Any) -> None:
    """`x.name = value`."""
    set_index(x, name, value)


def set_index(x: Any, key: Any, value: Any) -> None:
    """`x[key] = value`."""
    if type(x) in (Holder, Collection) and x.items is None:
        x.items = {} if type(key) is str else []
    items = contents(x, "put")
    if type(items) is dict:
        items[keyed(key)] = value
    elif key == len(items):
        items.append(value)
    else:
        items[at(items, key, "put")] = value
