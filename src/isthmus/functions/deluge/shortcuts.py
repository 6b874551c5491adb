"""Built-ins that are written out where they stand, because loops are made of them.

Each answers what the function `f_...` would; it only saves the call. A receiver that is a plain name can be written
twice, any other cannot.
"""

from __future__ import annotations

from collections.abc import Callable

Shortcut = Callable[[str, str, list[str], list[str], bool], str | None]
"""(receiver, its type, arguments, their types, whether the receiver is a name) -> Python, or None for the function."""
StatementShortcut = Callable[[str, str, list[str], str], list[str]]
"""(receiver, its type, arguments, mark) -> lines."""
HERE = "\ue002"
"""Stands for the mark of the call."""
_LONG = 120


def _get(x: str, kind: str, arguments: list[str], kinds: list[str], simple: bool) -> str | None:
    key = arguments[0]
    if kinds[0] == "list" or kinds[0] == "dict":
        return None
    if kind == "dict" and kinds[0] in ("text", "int", "dec", "bool"):
        return f"{x}.get({key})"
    if kind == "list" and simple and kinds[0] == "int":
        return f"({x}[_t] if (_t := {key}) >= 0 and _t < len({x}) else {HERE}f_get({x}, _t))"
    if simple and kind == "" and kinds[0] in ("text", "int") and len(key) < _LONG and "(" not in key:
        return f"({x}.get({key}) if type({x}) is dict else {HERE}f_get({x}, {key}))"
    return None


def _size(x: str, kind: str, arguments: list[str], kinds: list[str], simple: bool) -> str | None:
    if kind in ("list", "dict"):
        return f"len({x})"
    return f"(len({x}) if type({x}) is list else {HERE}f_size({x}))" if simple and kind == "" else None


def _length(x: str, kind: str, arguments: list[str], kinds: list[str], simple: bool) -> str | None:
    if kind == "text":
        return f"len({x})"
    return f"(len({x}) if type({x}) is str else {HERE}f_length({x}))" if simple and kind == "" else None


def _to_string(x: str, kind: str, arguments: list[str], kinds: list[str], simple: bool) -> str | None:
    if kind == "text":
        return x
    return f"str({x})" if kind == "int" else None


def _contains(x: str, kind: str, arguments: list[str], kinds: list[str], simple: bool) -> str | None:
    return f"({arguments[0]} in {x})" if kind == kinds[0] == "text" else None


def _contain_key(x: str, kind: str, arguments: list[str], kinds: list[str], simple: bool) -> str | None:
    return f"({arguments[0]} in {x})" if kind == "dict" and kinds[0] in ("text", "int") else None


def _own(method: str) -> Shortcut:
    """A method that Python's texts have too."""

    def write(x: str, kind: str, arguments: list[str], kinds: list[str], simple: bool) -> str | None:
        if kind == "text" and all(found == "text" for found in kinds):
            return f"{x}.{method}({', '.join(arguments)})"
        return None

    return write


SHORTCUTS: dict[tuple[str, int], Shortcut] = {
    ("get", 1): _get,
    ("size", 0): _size,
    ("length", 0): _length,
    ("len", 0): _length,
    ("tostring", 0): _to_string,
    ("totext", 0): _to_string,
    ("contains", 1): _contains,
    ("containkey", 1): _contain_key,
    ("containskey", 1): _contain_key,
    ("touppercase", 0): _own("upper"),
    ("upper", 0): _own("upper"),
    ("tolowercase", 0): _own("lower"),
    ("lower", 0): _own("lower"),
    ("trim", 0): _own("strip"),
    ("startswith", 1): _own("startswith"),
    ("endswith", 1): _own("endswith"),
    ("indexof", 1): _own("find"),
    ("lastindexof", 1): _own("rfind"),
}


def _put(x: str, kind: str, arguments: list[str], mark: str) -> list[str]:
    key, value = arguments
    if kind == "dict":
        return [f"{mark}{x}[{key}] = {value}"]
    general = f"{mark}f_put({x}, {key}, {value})"
    if kind or len(key) + len(value) > _LONG:
        return [general]
    return [f"if type({x}) is dict: {x}[{key}] = {value}", f"else: {general}"]


def _add(x: str, kind: str, arguments: list[str], mark: str) -> list[str]:
    value = arguments[0]
    if kind == "list":
        return [f"{mark}{x}.append({value})"]
    general = f"{mark}f_add({x}, {value})"
    if kind or len(value) > _LONG:
        return [general]
    return [f"if type({x}) is list: {x}.append({value})", f"else: {general}"]


STATEMENTS: dict[tuple[str, int], StatementShortcut] = {("put", 2): _put, ("add", 1): _add}
