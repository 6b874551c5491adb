"""A function's declared arguments, and what a caller gives for them: checked and brought to the declared type."""

from __future__ import annotations

import difflib
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from isthmus.broker.functions.values import read_json, write_json
from isthmus.errors import InputError
from isthmus.functions.host import Argument, File

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
MOST = 100
_LONGEST_NUMBER = 1000
_UNFIT = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
"""What a reader raises for a value that is not of its type."""

_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DELUGE_DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})(?:[ T](\d{1,2}:\d{2}(?::\d{2})?))?")


def read_arguments(value: Any) -> tuple[Argument, ...]:
    """The declaration, `[{"name", "type", "default"}]`. Raises InputError that names the argument."""
    if not isinstance(value, list | tuple) or len(value) > MOST:
        raise InputError(
            f"Arguments are a list of at most {MOST}.",
            field="arguments",
            hint='Send [{"name": "email", "type": "string"}].',
        )
    declared: list[Argument] = []
    for number, item in enumerate(value):
        argument = _read_argument(item, f"arguments[{number}]")
        if any(argument.name == other.name for other in declared):
            raise InputError(f"The argument {argument.name!r} is declared twice.", field=f"arguments[{number}].name")
        declared.append(argument)
    return tuple(declared)


def argument_document(argument: Argument) -> dict[str, Any]:
    """The declaration as it is stored and shown."""
    document = {"name": argument.name, "type": argument.type, "required": argument.required}
    return document if argument.required else {**document, "default": argument.default}


def bind(declared: Sequence[Argument], given: Mapping[str, Any], *, language: str = "") -> dict[str, Any]:
    """Argument name -> value of the declared type, in the order of the declaration, defaults filled in.

    What Deluge calls a `date` may have a time of day, which is kept then.

    Raises InputError that names the argument: `argument_unknown`, `argument_missing`, `argument_type`.
    """
    names = [argument.name for argument in declared]
    for name in given:
        if name not in names:
            raise _unknown(str(name), names)
    bound: dict[str, Any] = {}
    for argument in declared:
        if argument.name in given:
            bound[argument.name] = coerce(given[argument.name], argument, language)
        elif argument.required:
            raise InputError(
                f"The argument {argument.name!r} is missing.",
                field=f"arguments.{argument.name}",
                code="argument_missing",
                hint=f"Give it a value{_of(argument.type)}, or declare a default.",
            )
        elif argument.default is not None or language != "python":  # else the code has a default that is no literal
            bound[argument.name] = coerce(argument.default, argument, language)
    return bound


def by_position(declared: Sequence[Argument], values: Sequence[Any]) -> dict[str, Any]:
    """What another function passes, by position. Raises InputError (`argument_count`)."""
    if len(values) > len(declared):
        raise InputError(
            f"It takes {len(declared)} arguments; {len(values)} were given.", code="argument_count", field="arguments"
        )
    return {argument.name: value for argument, value in zip(declared, values, strict=False)}


def coerce(value: Any, argument: Argument, language: str = "") -> Any:
    """The value in the argument's type; null stays null. A time without an offset stays one: it is meant in the time
    zone of the run. Raises InputError (`argument_type`)."""
    reader = READERS.get(argument.type.lower())
    if language == "deluge" and reader is _date:
        reader = _date_or_moment
    if value is None or reader is None:
        return value
    try:
        return reader(value)
    except _UNFIT:
        raise InputError(
            f"The argument {argument.name!r} takes a value{_of(argument.type)}; {_kind(value)} was given.",
            field=f"arguments.{argument.name}",
            code="argument_type",
            hint=HINTS.get(argument.type.lower(), "Give a value of that type."),
        ) from None


def _read_argument(item: Any, where: str) -> Argument:
    if not isinstance(item, Mapping):
        raise InputError("An argument is an object.", field=where, hint='Such as {"name": "email", "type": "string"}.')
    for key in item:
        if key not in ("name", "type", "default", "required"):
            raise InputError(
                f"Unknown field {str(key)[:100]!r}.",
                field=f"{where}.{str(key)[:100]}",
                hint="Known: name, type, default.",
            )
    name, kind = item.get("name"), item.get("type") or ""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(
            "An argument's name is malformed.",
            field=f"{where}.name",
            hint="Begin with a letter; go on with letters, digits and underscores; at most 100 characters.",
        )
    if not isinstance(kind, str) or (kind and kind.lower() not in READERS and kind.lower() not in _UNCHECKED):
        raise InputError(f"The type of {name!r} is unknown.", field=f"{where}.type", hint=f"Known: {', '.join(TYPES)}.")
    required = item.get("required", "default" not in item)
    if not isinstance(required, bool) or (required and item.get("default") is not None):
        raise InputError("`required` is false where there is a default.", field=f"{where}.required")
    argument = Argument(name, kind, item.get("default"), required)
    if not required:
        try:
            coerce(argument.default, argument)
        except InputError as problem:
            problem.field = f"{where}.default"
            raise
    return argument


def _unknown(name: str, names: Sequence[str]) -> InputError:
    close = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return InputError(
        f"The function has no argument {name[:100]!r}.",
        field=f"arguments.{name[:100]}",
        code="argument_unknown",
        hint=f"{hint}It has: {', '.join(names)}." if names else "It has none.",
    )


def _of(kind: str) -> str:
    return f" of type {kind}" if kind else ""


def _kind(value: Any) -> str:
    """What was given, without repeating it: it may be anybody's secret."""
    names = {bool: "true or false", int: "a number", float: "a number", Decimal: "a number", str: "a text"}
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else names.get(type(value), f"a {type(value).__name__}")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | File):
        raise TypeError
    return value.isoformat() if isinstance(value, date | time) else write_json(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int):
        return value
    number = _decimal(value)
    if number != number.to_integral_value() or number.adjusted() > _LONGEST_NUMBER:
        raise ValueError
    return int(number)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > _LONGEST_NUMBER):
        raise TypeError
    number = (
        Decimal(repr(value))
        if isinstance(value, float)
        else Decimal(value.strip() if isinstance(value, str) else value)
    )
    if not number.is_finite():
        raise ValueError
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[value.strip().lower()]


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    found = _DELUGE_DATE.fullmatch(value.strip())
    if found:
        return date(int(found[3]), _MONTHS[found[2].lower()], int(found[1]))
    return datetime.fromisoformat(value.strip()).date()


def _date_or_moment(value: Any) -> date:
    if isinstance(value, date):
        return value
    text = value.strip()
    found = _DELUGE_DATE.fullmatch(text)
    has_time = found[4] is not None if found else len(text) > len("20300131T") and ("T" in text or ":" in text)
    return _moment(text) if has_time else _date(text)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    found = _DELUGE_DATE.fullmatch(value.strip())
    if found:
        day = date(int(found[3]), _MONTHS[found[2].lower()], int(found[1]))
        return datetime.combine(day, time.fromisoformat(_two_digits(found[4] or "00:00")))
    return datetime.fromisoformat(value.strip())


def _time(value: Any) -> time:
    return value if isinstance(value, time) else time.fromisoformat(_two_digits(value.strip()))


def _two_digits(text: str) -> str:
    """`9:05` -> `09:05`."""
    return f"0{text}" if text[1:2] == ":" else text


def _map(value: Any) -> dict[str, Any]:
    found = read_json(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise TypeError
    return {str(key): item for key, item in found.items()}


def _list(value: Any) -> list[Any]:
    found = read_json(value) if isinstance(value, str) else value
    if not isinstance(found, list | tuple):
        raise TypeError
    return list(found)


def _collection(value: Any) -> Any:
    found = read_json(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping | list):
        raise TypeError
    return found


def _file(value: Any) -> File:
    if isinstance(value, File):
        return value
    content = b64decode(value["content_base64"], validate=True)
    name, kind = value.get("name", "file"), value.get("content_type", "application/octet-stream")
    if not isinstance(name, str) or not isinstance(kind, str):
        raise TypeError
    return File(name, content, kind)


READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("string", "text", "str"), _text),
    **dict.fromkeys(("int", "long", "bigint", "number", "integer"), _whole),
    **dict.fromkeys(("decimal", "double", "percent", "currency"), _decimal),
    "float": lambda value: float(_decimal(value)),
    **dict.fromkeys(("bool", "boolean"), _flag),
    "date": _date,
    **dict.fromkeys(("datetime", "date-time", "timestamp"), _moment),
    "time": _time,
    **dict.fromkeys(("map", "dict", "key-value"), _map),
    "list": _list,
    "collection": _collection,
    "file": _file,
}
"""Type name, in small letters -> reader. Deluge's names and Python's; an unnamed or any other type is not checked."""

_UNCHECKED = frozenset({"any", "void", "object"})
TYPES = ("string", "int", "decimal", "bool", "date", "datetime", "time", "map", "list", "collection", "file", "any")
HINTS = {
    **dict.fromkeys(("int", "long", "bigint", "number", "integer"), "Give a whole number, or a text that is one."),
    **dict.fromkeys(("decimal", "double", "float", "percent", "currency"), "Give a number, or a text that is one."),
    **dict.fromkeys(("bool", "boolean"), "Give true or false."),
    "date": "Give a date such as 2030-01-31.",
    **dict.fromkeys(("datetime", "date-time", "timestamp"), "Give a time such as 2030-01-31T12:00:00Z."),
    "time": "Give a time of day such as 12:30:00.",
    **dict.fromkeys(("map", "dict", "key-value"), "Give an object, or a text that is JSON of one."),
    "list": "Give a list, or a text that is JSON of one.",
    "collection": "Give a list or an object, or a text that is JSON of one.",
    "file": 'Give {"name": "a.txt", "content_type": "text/plain", "content_base64": "..."}.',
}
