"""Values of functions: as JSON for people and callers, and packed whole for a run that has to be taken up again."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from isthmus.functions.host import File

_TAG = "$"


def to_json(value: Any) -> Any:
    """The value as JSON has it: None, bool, int, float, Decimal (an exact number), str, list, dict.

    Dates and times become ISO 8601 text, bytes `{"content_base64"}`, a file its name, type and content. Text that is
    no Unicode has what cannot be written replaced.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _writable(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        return {_writable(str(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"content_base64": b64encode(value).decode()}
    if isinstance(value, File):
        content = b64encode(value.content).decode()
        return {"name": _writable(value.name), "content_type": value.content_type, "content_base64": content}
    return _writable(str(value))


def write_json(value: Any) -> str:
    """JSON text of a value (see `to_json`), every number with all its digits."""
    parts: list[str] = []
    _write(to_json(value), parts)
    return "".join(parts)


def read_json(text: str | bytes) -> Any:
    """What `write_json` wrote; numbers with a fraction come back as Decimal."""
    return json.loads(text, parse_float=Decimal)


def pack(value: Any) -> bytes:
    """Any value of the seam, losslessly."""
    return json.dumps(_packed(value), ensure_ascii=True, separators=(",", ":"), allow_nan=True).encode()


def unpack(data: bytes) -> Any:
    """What was packed. Only for bytes of our own (they were sealed): malformed ones raise ValueError or KeyError."""
    return _unpacked(json.loads(data))


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, dict):
        opening = "{"
        for key, item in value.items():
            parts.append(f"{opening}{json.dumps(key, ensure_ascii=False)}:")
            _write(item, parts)
            opening = ","
        parts.append("}" if value else "{}")
    elif isinstance(value, list):
        opening = "["
        for item in value:
            parts.append(opening)
            _write(item, parts)
            opening = ","
        parts.append("]" if value else "[]")
    elif isinstance(value, Decimal):
        parts.append(str(value))
    else:
        parts.append(json.dumps(value, ensure_ascii=False))


def _number(value: float | Decimal) -> Any:
    """None for what JSON has no number for. A Decimal that is a short float anyway becomes one."""
    if value != value or value in (float("inf"), float("-inf")):
        return None
    if isinstance(value, float):
        return value
    if value == value.to_integral_value() and value.adjusted() < 400:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else value


def _writable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_packed(item) for item in value]
    if isinstance(value, Mapping):
        plain = {str(key): _packed(item) for key, item in value.items()}
        return {_TAG: "map", "of": plain} if _TAG in plain else plain
    if isinstance(value, bytes):
        return {_TAG: "bytes", "of": b64encode(value).decode()}
    if isinstance(value, File):
        return {_TAG: "file", "of": {**asdict(value), "content": b64encode(value.content).decode()}}
    for kind, name in _TEXTS:  # a datetime is a date as well, so the order counts
        if isinstance(value, kind):
            return {_TAG: name, "of": str(value) if kind is Decimal else value.isoformat()}
    raise TypeError(f"a value of type {type(value).__name__} cannot be kept")


_TEXTS: tuple[tuple[Any, str], ...] = ((Decimal, "decimal"), (datetime, "datetime"), (date, "date"), (time, "time"))


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind: Any = value.get(_TAG)
    inner: Any = value.get("of")
    if kind is None:
        return {key: _unpacked(item) for key, item in value.items()}
    if kind == "map":
        return {key: _unpacked(item) for key, item in inner.items()}
    if kind == "file":
        return File(**{**inner, "content": b64decode(inner["content"])})
    if kind == "bytes":
        return b64decode(inner)
    return _READERS[kind](inner)


_READERS: dict[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}
