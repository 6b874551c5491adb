"""Values on their way out of the sandbox and into it, in the shapes that cross."""

from __future__ import annotations

from typing import Any

from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.values import Caught, Collection, File, Holder


def outgoing(value: Any, depth: int = 0) -> Any:
    """A value without the language's own types; map keys become texts."""
    if depth > 60:
        raise ValueError("The value is nested deeper than the limit of 60 levels.")
    known = type(value)
    if known is Holder or known is Collection:
        value = {} if value.items is None else value.items
        known = type(value)
    if known is list:
        return [outgoing(item, depth + 1) for item in value]
    if known is dict:
        return {text(key): outgoing(value[key], depth + 1) for key in value}
    if known is File:
        return ("file", value.name, value.content, value.content_type, value.charset, value.param_name)
    if known is Caught:
        return value.message
    return value


def incoming(value: Any) -> Any:
    """A value as it came in, files made files."""
    if type(value) is tuple:
        return File(value[1], value[2], value[3], value[4], value[5])
    if type(value) is list:
        return [incoming(item) for item in value]
    if type(value) is dict:
        return {key: incoming(value[key]) for key in value}
    return value
