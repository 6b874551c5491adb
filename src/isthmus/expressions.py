"""The small language of slots, `${...}`: a name, or one of five functions over names and quoted texts.

`${shop}`, `${key_file.client_email}` (a field of a value that is JSON), `${base64(id, ':', secret)}`,
`${hmac(secret, text)}` and `${sha256(text)}` (hex, or base64 of the digest inside `base64`), `${now()}`,
`${now('milliseconds', 3600)}`, `${random(16)}`. Knows no clock and draws nothing: the caller hands a Moment in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from isthmus.errors import InputError

FUNCTIONS = ("base64", "hmac", "sha256", "now", "random")
TIMES = ("seconds", "milliseconds", "iso8601", "http_date")
NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN = re.compile(r"\s*(?:([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)*)|'([^']*)'|(-?[0-9]{1,9})|([(),]))")
_MOST_RANDOM_BYTES = 64


@dataclass(frozen=True, slots=True)
class Moment:
    """When a message is built, in seconds since 1970, and fresh random text for it, as the caller drew them."""

    timestamp: float
    noise: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    function: str
    arguments: tuple[_Term, ...]


_Term = _Name | _Call | str
_Value = str | bytes


class Malformed(ValueError):
    """A slot that is not of the language; the message says what is wrong with it."""


def names(text: str) -> list[str]:
    """The names that the slots of a text use, in order. Raises Malformed."""
    return [name for part in _parse(text) if not isinstance(part, str) for name in _names(part[1])]


def is_dynamic(text: str) -> bool:
    """Whether a text comes out differently at every use, by `now` or `random`. Raises Malformed."""
    return "${" in text and any(_is_dynamic(part[1]) for part in _parse(text) if not isinstance(part, str))


def fill(
    text: str,
    values: Mapping[str, str],
    *,
    moment: Moment | None = None,
    encode: Callable[[str], str] | None = None,
    partial: bool = False,
) -> str:
    """The text with its slots filled; `encode` fits each value to its place.

    With `partial` a slot that lacks a value, or a moment, stays as it is. Raises InputError (`slot_unfilled`) for
    one that lacks it otherwise, Malformed for a slot that is not of the language.
    """
    if "${" not in text:
        return text
    filled: list[str] = []
    for part in _parse(text):
        if isinstance(part, str):
            filled.append(part)
            continue
        source, term = part
        if partial and not _is_fillable(term, values, moment):
            filled.append(source)
            continue
        value = _text(_value(term, values, moment))
        filled.append(encode(value) if encode else value)
    return "".join(filled)


def fill_structure(structure: Any, fill_text: Callable[[str], str]) -> Any:
    """Nested data, as JSON has it, with `fill_text` done to each of its texts."""
    if isinstance(structure, str):
        return fill_text(structure)
    if isinstance(structure, Mapping):
        return {key: fill_structure(item, fill_text) for key, item in structure.items()}
    if isinstance(structure, list | tuple):
        return [fill_structure(item, fill_text) for item in structure]
    return structure


def xml_escape(text: str) -> str:
    """A value as it may stand in XML, between tags or in quotes."""
    return escape(text, {'"': "&quot;", "'": "&apos;"})


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[str | tuple[str, _Term], ...]:
    """Plain texts, and slots with their source."""
    parts: list[str | tuple[str, _Term]] = []
    rest = text
    while rest:
        before, mark, after = rest.partition("${")
        if before:
            parts.append(before)
        if not mark:
            break
        end = _end(after)
        source = after[:end]
        parts.append(("${" + source + "}", _parse_term(source)))
        rest = after[end + 1 :]
    return tuple(parts)


def _end(text: str) -> int:
    quoted = False
    for index, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif character == "}" and not quoted:
            return index
    raise Malformed("A slot does not end; close it with }.")


def _parse_term(source: str) -> _Term:
    tokens = list(_tokens(source))
    term, used = _read(tokens, 0)
    if used != len(tokens) or isinstance(term, str):
        raise Malformed(f"${{{source[:40]}}} is not a name or a function.")
    return term


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(source.rstrip()):
        match = _TOKEN.match(source, position)
        if match is None:
            raise Malformed(f"${{{source[:40]}}} holds a sign that does not belong there.")
        name, quoted, number, sign = match.groups()
        if name is not None:
            yield "name", name
        elif quoted is not None or number is not None:
            yield "text", quoted if quoted is not None else number
        else:
            yield "sign", sign
        position = match.end()


def _read(tokens: list[tuple[str, str]], at: int, depth: int = 0) -> tuple[_Term, int]:
    if at >= len(tokens) or depth > 4:
        raise Malformed("A slot is empty, unfinished or nested too deeply.")
    kind, value = tokens[at]
    if kind == "text":
        return value, at + 1
    if kind != "name":
        raise Malformed(f"{value!r} stands where a name belongs.")
    if tokens[at + 1 : at + 2] != [("sign", "(")]:
        first, *path = value.split(".")
        return _Name(first, tuple(path)), at + 1
    if value not in FUNCTIONS:
        raise Malformed(f"There is no function {value!r}; there are {', '.join(FUNCTIONS)}.")
    arguments: list[_Term] = []
    at += 2
    while tokens[at : at + 1] != [("sign", ")")]:
        if arguments:
            if tokens[at : at + 1] != [("sign", ",")]:
                raise Malformed(f"The arguments of {value} are not separated by commas, or do not end.")
            at += 1
        argument, at = _read(tokens, at, depth + 1)
        arguments.append(argument)
    _check_call(value, arguments)
    return _Call(value, tuple(arguments)), at + 1


def _check_call(function: str, arguments: list[_Term]) -> None:
    if function in ("base64", "sha256") and not arguments:
        raise Malformed(f"{function} needs something to work on.")
    if function == "hmac" and len(arguments) < 2:
        raise Malformed("hmac needs a key and a text.")
    if function == "random":
        size = arguments[0] if arguments else "16"
        if len(arguments) > 1 or not isinstance(size, str) or not size.isdigit() or not _fits(int(size)):
            raise Malformed(f"random takes a number of bytes, at most {_MOST_RANDOM_BYTES}.")
    if function == "now":
        good = len(arguments) <= 2 and all(isinstance(argument, str) for argument in arguments)
        if not good or (arguments and arguments[0] not in TIMES) or not re.fullmatch(r"-?\d+", _offset(arguments)):
            raise Malformed(f"now takes one of {', '.join(TIMES)} in quotes, and seconds to add.")


def _fits(size: int) -> bool:
    return 1 <= size <= _MOST_RANDOM_BYTES


def _offset(arguments: list[_Term] | tuple[_Term, ...]) -> str:
    return str(arguments[1]) if len(arguments) > 1 else "0"


def _names(term: _Term) -> Iterator[str]:
    if isinstance(term, _Name):
        yield term.name
    elif isinstance(term, _Call):
        for argument in term.arguments:
            yield from _names(argument)


def _is_dynamic(term: _Term) -> bool:
    if not isinstance(term, _Call):
        return False
    return term.function in ("now", "random") or any(map(_is_dynamic, term.arguments))


def _is_fillable(term: _Term, values: Mapping[str, str], moment: Moment | None) -> bool:
    return all(name in values for name in _names(term)) and (moment is not None or not _is_dynamic(term))


def _value(term: _Term, values: Mapping[str, str], moment: Moment | None) -> _Value:
    if isinstance(term, str):
        return term
    if isinstance(term, _Name):
        return _lookup(term, values)
    if term.function == "now":
        return _now(term, _given(moment).timestamp)
    if term.function == "random":
        return _random(int(str(term.arguments[0])) if term.arguments else 16, _given(moment).noise)
    arguments = [_bytes(_value(argument, values, moment)) for argument in term.arguments]
    if term.function == "base64":
        return base64.b64encode(b"".join(arguments)).decode("ascii")
    if term.function == "hmac":
        return hmac.digest(arguments[0], b"".join(arguments[1:]), "sha256")
    return hashlib.sha256(b"".join(arguments)).digest()


def _given(moment: Moment | None) -> Moment:
    if moment is None:
        raise InputError(
            "A slot uses now or random in a place that is filled once and kept.",
            code="slot_unfilled",
            hint="Use them in a header, a parameter or the body of a request.",
        )
    return moment


def _lookup(term: _Name, values: Mapping[str, str]) -> str:
    value = values.get(term.name)
    if value is None:
        raise InputError(
            f"There is no value for the slot ${{{term.name}}}.",
            code="slot_unfilled",
            field=term.name,
            hint="Give the value when you connect, or correct the service.",
        )
    if not term.path:
        return value
    try:
        found: Any = json.loads(value)
        for step in term.path:
            found = found[step]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, str):
        raise InputError(
            f"The value of {term.name} is not JSON with a text at {'.'.join(term.path)}.",
            code="slot_unfilled",
            field=term.name,
            hint="Enter the whole file or document as the third party gave it.",
        )
    return found


def _now(term: _Call, timestamp: float) -> str:
    unit = term.arguments[0] if term.arguments else "seconds"
    seconds = timestamp + int(_offset(term.arguments))
    if unit == "seconds":
        return str(int(seconds))
    if unit == "milliseconds":
        return str(int(seconds * 1000))
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))
    return format_datetime(moment, usegmt=True) if unit == "http_date" else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _random(size: int, noise: str) -> str:
    return hashlib.shake_256(noise.encode()).hexdigest(size)


def _text(value: _Value) -> str:
    return value if isinstance(value, str) else value.hex()


def _bytes(value: _Value) -> bytes:
    return value.encode() if isinstance(value, str) else value
