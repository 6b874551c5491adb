"""JSON text into values: strictly first, then with the freedoms that scripts take."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.values import numeric

MAX_JSON = 5 * 1024 * 1024
MAX_LEVELS = 60
TOKEN = re.compile(
    """\\s+|"(?:[^"\\\\]|\\\\[\\s\\S])*"|'(?:[^'\\\\]|\\\\[\\s\\S])*'|[{}\\[\\]:,]|[^\\s{}\\[\\]:,"'][^{}\\[\\]:,"']*"""
)


def json_value(written: str, name: str) -> Any:
    """The value of a JSON text. Keys and texts may be bare or in single quotes.

    Whole numbers keep all their digits, others are DECIMALs.
    """
    if len(written) > MAX_JSON:
        raise ValueError("'" + name + "' function: the text is over the limit of 5 MB.")
    try:
        value = json.loads(written, parse_float=Decimal)
    except (ValueError, RecursionError):
        value = loose_value(written, name)
    return value


def loose_value(written: str, name: str) -> Any:
    """A value in the loose notation."""
    pieces = TOKEN.findall(written)
    if sum([len(piece) for piece in pieces]) != len(written):
        not_json(name)
    tokens = [piece.strip() for piece in pieces if piece.strip()]
    if not tokens or tokens[0] not in ("{", "["):
        not_json(name)
    tokens.append("")
    value, end = loose(tokens, 0, name, 0)
    if end < len(tokens) - 1:
        not_json(name)
    return value


def not_json(name: str) -> Any:
    """Raise what a text that is no JSON gets."""
    raise ValueError("'" + name + "' function: the text is not JSON.")


def loose(tokens: list[str], at: int, name: str, depth: int) -> tuple[Any, int]:
    """A value, and the token after it."""
    if depth > MAX_LEVELS:
        raise ValueError("'" + name + "' function: nested deeper than the limit of " + str(MAX_LEVELS) + " levels.")
    token = tokens[at]
    if token == "{":
        return loose_map(tokens, at + 1, name, depth)
    if token == "[":
        return loose_list(tokens, at + 1, name, depth)
    if token in ("", "}", "]", ":", ","):
        not_json(name)
    if token[0] in ("'", '"'):
        return unquoted(token, name), at + 1
    # A bare value may have colons, as a time or an address has.
    while tokens[at + 1] == ":":
        token = token + ":" + tokens[at + 2]
        at += 2
    return bare(token), at + 1


def bare(word: str) -> Any:
    """A value without quotes."""
    if word in ("true", "false"):
        return word == "true"
    if word == "null":
        return None
    number = numeric(word)
    return word if number is None else number


def unquoted(token: str, name: str) -> str:
    """The text of a token in quotes."""
    inner = token[1 : len(token) - 1]
    if "\\" not in inner:
        return inner
    if token[0] == "'":
        return inner.replace("\\'", "'").replace("\\\\", "\\")
    try:
        return str(json.loads(token))
    except ValueError:
        return str(not_json(name))


def loose_list(tokens: list[str], at: int, name: str, depth: int) -> tuple[Any, int]:
    """The rest of a list after its bracket."""
    items: list[Any] = []
    if tokens[at] == "]":
        return items, at + 1
    while True:
        value, at = loose(tokens, at, name, depth + 1)
        items.append(value)
        at += 1
        if tokens[at - 1] == "]":
            return items, at
        if tokens[at - 1] != ",":
            not_json(name)


def loose_map(tokens: list[str], at: int, name: str, depth: int) -> tuple[Any, int]:
    """The rest of a map after its brace."""
    entries: dict[str, Any] = {}
    if tokens[at] == "}":
        return entries, at + 1
    while True:
        key = tokens[at]
        if key in ("", "{", "}", "[", "]", ":", ",") or tokens[at + 1] != ":":
            not_json(name)
        if key[0] in ("'", '"'):
            key = unquoted(key, name)
        value, at = loose(tokens, at + 2, name, depth + 1)
        entries[key] = value
        at += 1
        if tokens[at - 1] == "}":
            return entries, at
        if tokens[at - 1] != ",":
            not_json(name)
