"""COLLECTION, and KEY-VALUE where it is alone in having a function."""

from __future__ import annotations

from typing import Any

from isthmus.functions.deluge.prelude.lists import at, distinct_items, sorted_items
from isthmus.functions.deluge.prelude.operators import equal, position
from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.values import Collection, as_map, kind, plain, unfit


def collection(value: Any, name: str) -> Any:
    """The collection that a function works on."""
    return value if type(value) is Collection else unfit(name, value)


def contents(value: Any, name: str) -> Any:
    """A list or dict out of anything that has elements."""
    value = plain(value)
    if type(value) is Collection:
        return [] if value.items is None else value.items
    if type(value) in (list, dict):
        return value
    return unfit(name, value)


def new_collection(*values: Any) -> Collection:
    """`Collection(a, b)`."""
    return Collection(list(values) if values else None)


def new_pairs(entries: Any) -> Collection:
    """`Collection("k" : v)`."""
    return Collection(entries)


def f_insert(x: Any, *values: Any) -> None:
    owner = collection(x, "insert")
    if owner.items is None:
        owner.items = []
    if type(owner.items) is not list:
        raise ValueError("'insert' function: this COLLECTION takes key : value.")
    owner.items.extend(list(values))


def insert_pairs(x: Any, entries: Any) -> None:
    """`c.insert("k" : v)`."""
    owner = collection(x, "insert")
    if owner.items is None:
        owner.items = {}
    if type(owner.items) is not dict:
        raise ValueError("'insert' function: this COLLECTION takes values without keys.")
    owner.items.update(entries)


def f_insertall(x: Any, values: Any) -> None:
    more = contents(values, "insertAll")
    if type(more) is dict:
        insert_pairs(x, more)
    else:
        f_insert(x, *more)


def f_getkey(x: Any, value: Any) -> Any:
    items = contents(collection(x, "getKey"), "getKey")
    if type(items) is list:
        return position(items, value, 0)
    for key in items:
        if equal(items[key], value):
            return key
    return None


def f_getlastkey(x: Any) -> Any:
    items = contents(collection(x, "getLastKey"), "getLastKey")
    if type(items) is list:
        return len(items) - 1
    return list(items)[-1] if items else None


def f_update(x: Any, key: Any, value: Any) -> None:
    items = contents(collection(x, "update"), "update")
    if type(items) is list:
        items[at(items, key, "update")] = value
    elif key in items:
        items[key] = value
    else:
        raise ValueError("'update' function: there is no key " + text(key) + ".")


def f_delete(x: Any, value: Any) -> None:
    items = contents(collection(x, "delete"), "delete")
    if type(items) is list:
        place = position(items, value, 0)
        if place >= 0:
            items.pop(place)
        return
    for key in [key for key in items if equal(items[key], value)][:1]:
        items.pop(key)


def f_deleteall(x: Any, values: Any) -> None:
    for value in list(contents(values, "deleteAll")):
        f_delete(x, value)


def f_deletekey(x: Any, key: Any) -> None:
    items = contents(collection(x, "deleteKey"), "deleteKey")
    if type(items) is list:
        items.pop(at(items, key, "deleteKey"))
    else:
        items.pop(key, None)


def f_deletekeys(x: Any, keys: Any) -> None:
    items = contents(collection(x, "deleteKeys"), "deleteKeys")
    gone = list(contents(keys, "deleteKeys"))
    if type(items) is list:
        # From the end, so that no index moves before its turn.
        for place in sorted([at(items, key, "deleteKeys") for key in gone], reverse=True):
            items.pop(place)
    else:
        for key in gone:
            items.pop(key, None)


def f_sortkey(x: Any, upwards: Any = True) -> Any:
    owner = collection(x, "sortKey")
    items = contents(owner, "sortKey")
    if type(items) is list:
        if upwards is False:
            items.reverse()
        return owner
    keys = sorted_items(list(items), upwards)
    if keys is None:
        return None
    entries = {key: items[key] for key in keys}
    owner.items = entries
    return owner


def sorted_collection(owner: Any, upwards: Any) -> Any:
    """`sort` of a collection: by value."""
    items = contents(owner, "sort")
    if type(items) is list:
        found = sorted_items(items, upwards)
        if found is None:
            return None
        owner.items = found
        return owner
    values = sorted_items(list(items.values()), upwards)
    if values is None:
        return None
    left = dict(items)
    entries: dict[Any, Any] = {}
    for value in values:
        for key in [key for key in left if left[key] == value][:1]:
            entries[key] = left.pop(key)
    owner.items = entries
    return owner


def distinct_collection(owner: Any) -> Any:
    """`distinct` of a collection: each value once."""
    items = contents(owner, "distinct")
    if type(items) is list:
        return Collection(distinct_items(items))
    found: list[Any] = []
    entries: dict[Any, Any] = {}
    for key in items:
        if position(found, items[key], 0) < 0:
            found.append(items[key])
            entries[key] = items[key]
    return Collection(entries)


def intersect_collection(owner: Any, other: Any) -> Any:
    """`intersect` of a collection: what both have; of key-value ones the entries."""
    items = contents(owner, "intersect")
    theirs = contents(other, "intersect")
    if type(items) is list:
        return Collection([item for item in distinct_items(items) if position(list(theirs), item, 0) >= 0])
    if type(theirs) is dict:
        return Collection({k: items[k] for k in items if k in theirs and equal(items[k], theirs[k])})
    return Collection({k: items[k] for k in items if position(theirs, items[k], 0) >= 0})


def f_put(x: Any, key: Any, value: Any) -> None:
    if type(x) is dict:
        x[keyed(key)] = value
        return
    as_map(x, "put")[keyed(key)] = value


def f_putall(x: Any, other: Any) -> None:
    as_map(x, "putAll").update(as_map(other, "putAll"))


def keyed(key: Any) -> Any:
    """A key that a map can have: not a list or map."""
    if type(key) in (list, dict):
        raise ValueError("A key of a KEY-VALUE must not be " + kind(key) + ".")
    return key
