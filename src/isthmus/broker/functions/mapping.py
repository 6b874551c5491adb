"""From a record to arguments: `${Leads.Email}`, nested, by index, with a default.

A template that is one slot alone gives the record's value as it is; slots within text give text.
`$${` stands for `${` itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from isthmus.broker.functions.values import write_json
from isthmus.errors import InputError

_SEGMENT = re.compile(r"[^\s.\[\]|{}\"']+(?: +[^\s.\[\]|{}\"']+)*|\[(\d{1,6})\]|\[\"([^\"\]]+)\"\]")
_EXAMPLE = "Such as ${Leads.Email}, ${Deals.Items[0].Price}, or ${Leads.Phone|none} with a default."
_MOST_ARGUMENTS = 200
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Slot:
    """One `${path|default}`; `default` None where there is none."""

    path: tuple[str | int, ...]
    text: str
    default: str | None = None


Template = tuple[str | Slot, ...]


def read_mapping(document: Any, names: frozenset[str] | None = None) -> dict[str, Template]:
    """Argument name -> template. Raises InputError (`mapping_malformed`) that names the argument, also for an
    argument that the function does not have where `names` tells them."""
    if not isinstance(document, Mapping) or len(document) > _MOST_ARGUMENTS:
        raise InputError(
            "A mapping is an object of templates by argument.",
            field="mapping",
            code="mapping_malformed",
            hint='Send {"email": "${Leads.Email}"}.',
        )
    for name in document:
        if names is not None and name not in names:
            known = f"It has: {', '.join(sorted(names))}." if names else "It has none."
            raise InputError(
                f"The function has no argument {str(name)[:100]!r}.",
                field=f"mapping.{str(name)[:100]}",
                code="argument_unknown",
                hint=known,
            )
    return {str(name): read_template(text, f"mapping.{name}") for name, text in document.items()}


def read_template(text: Any, field: str) -> Template:
    """The parts of one template. Raises InputError (`mapping_malformed`)."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise _malformed(field, "A template is a text.")
    parts: list[str | Slot] = []
    place = 0
    while True:
        start = text.find("${", place)
        if start < 0:
            break
        if start > 0 and text[start - 1] == "$":
            parts.append(text[place : start - 1] + "${")
            place = start + 2
            continue
        end = text.find("}", start)
        if end < 0:
            raise _malformed(field, f"The slot that begins at character {start + 1} is not closed by a brace.")
        parts += [text[place:start], _read_slot(text[start + 2 : end], field)]
        place = end + 1
    parts.append(text[place:])
    return tuple(part for part in parts if part != "")


def fill(mapping: Mapping[str, Template], record: Any) -> dict[str, Any]:
    """The arguments that this record gives. Raises InputError (`mapping_value_missing`) that names the path."""
    if not isinstance(record, Mapping):
        raise InputError("A record is an object.", field="record", hint='Send {"Leads": {"Email": "a@example.com"}}.')
    return {name: _fill_one(template, record, f"mapping.{name}") for name, template in mapping.items()}


def _fill_one(template: Template, record: Mapping[str, Any], field: str) -> Any:
    if len(template) == 1 and isinstance(template[0], Slot):
        return _value(template[0], record, field)
    return "".join(part if isinstance(part, str) else _as_text(_value(part, record, field)) for part in template)


def _value(slot: Slot, record: Any, field: str) -> Any:
    value: Any = record
    for depth, step in enumerate(slot.path):
        found, value = _step(value, step)
        if not found:
            if slot.default is not None:
                return slot.default
            raise _missing(slot, depth, field)
    return slot.default if value is None and slot.default is not None else value


def _step(value: Any, step: str | int) -> tuple[bool, Any]:
    if isinstance(value, Mapping):
        return (True, value[str(step)]) if str(step) in value else (False, None)
    if isinstance(value, list | tuple):
        number = int(step) if isinstance(step, int) or (step.isascii() and step.isdigit()) else -1
        return (True, value[number]) if 0 <= number < len(value) else (False, None)
    return False, None


def _missing(slot: Slot, depth: int, field: str) -> InputError:
    reached = _path_text(slot.path[:depth])
    where = f"{reached} has no {slot.path[depth]}" if reached else f"it has no {slot.path[depth]}"
    return InputError(
        f"The record has no value at {slot.text}: {where}.",
        field=field,
        code="mapping_value_missing",
        hint=f"Correct the path, or give a default: ${{{slot.text}|none}}.",
    )


def _path_text(path: tuple[str | int, ...]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date | time) else write_json(value)


def _read_slot(inner: str, field: str) -> Slot:
    path_text, bar, default = inner.partition("|")
    path_text = path_text.strip()
    path: list[str | int] = []
    place = 0
    while place < len(path_text):
        if path and path_text[place] == ".":
            place += 1
        elif path and path_text[place] != "[":
            raise _malformed(field, f"The path {path_text[:100]!r} is malformed.")
        found = _SEGMENT.match(path_text, place)
        if found is None:
            raise _malformed(field, f"The path {path_text[:100]!r} is malformed.")
        path.append(int(found[1]) if found[1] else found[2] or found[0])
        place = found.end()
    if not path or path_text.endswith("."):
        raise _malformed(field, "A slot names a path." if not path else f"The path {path_text[:100]!r} is malformed.")
    return Slot(tuple(path), path_text, default if bar else None)


def _malformed(field: str, message: str) -> InputError:
    return InputError(message, field=field[:200], code="mapping_malformed", hint=_EXAMPLE)
