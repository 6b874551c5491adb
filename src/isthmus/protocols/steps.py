"""Requests written as data: a step filled and built, and its answer judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial as bind
from typing import Any
from urllib.parse import quote

from isthmus.errors import ProtocolError
from isthmus.expressions import Moment, fill, fill_structure, names, xml_escape
from isthmus.protocols.answers import error_text, error_word, read_parts, value_at
from isthmus.protocols.placement import with_headers
from isthmus.protocols.text import check_plain
from isthmus.records import HttpRequest, HttpResponse, Step

_TYPES = {"json": "application/json", "xml": "application/xml", "text": "text/plain; charset=utf-8"}


def fill_step(step: Step, values: Mapping[str, str], moment: Moment) -> Step:
    """A step of a resolved service with what is known now (credential, time, earlier answers).

    Raises InputError (`slot_unfilled`) for a slot that nothing fills.
    """
    encode = xml_escape if step.format == "xml" else None
    return replace(
        step,
        url=fill(step.url, values, moment=moment, encode=bind(quote, safe="")),
        headers={name: fill(text, values, moment=moment) for name, text in step.headers.items()},
        body=fill_structure(step.body, bind(fill, values=values, moment=moment, encode=encode)),
    )


def uses(step: Step, name: str) -> bool:
    """Whether a slot of the step is filled with this name."""
    used: set[str] = set()

    def look(text: str) -> str:
        used.update(names(text))
        return text

    fill_structure([step.url, dict(step.headers), step.body], look)
    return name in used


def step_request(step: Step, headers: Mapping[str, str]) -> HttpRequest:
    """The request of a filled step, with these headers beneath its own; without a credential.

    Raises InputError for a value that cannot stand in a header, URL or form.
    """
    check_plain(step.url, field="url")
    given = with_headers((("Accept", "application/json"),), tuple(headers.items()))
    if step.format in _TYPES:
        given = with_headers((("Content-Type", _TYPES[step.format]),), given)
    given = with_headers(given, tuple(step.headers.items()))
    if step.format == "form":
        return HttpRequest(step.method, step.url, given, form=tuple((name, str(v)) for name, v in step.body.items()))
    if step.format == "none":
        return HttpRequest(step.method, step.url, given)
    body = json.dumps(step.body, ensure_ascii=False) if step.format == "json" else str(step.body)
    return HttpRequest(step.method, step.url, given, body.encode())


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """What a step brought: the values it copies that were there, and the names of those that were not."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    missing: tuple[str, ...] = ()


def judge_step(step: Step, response: HttpResponse) -> StepAnswer:
    """The values that the step copies.

    Raises ProtocolError: `provider_refused` where the answer is an error, by status or by the step's `ok` and `error`;
    `provider_answer_not_understood` where it must be read and cannot.
    """
    parts = read_parts(response)
    word = None
    if step.error is not None:
        word = error_word(value_at(parts.document, step.error))
    if word is None and step.ok is not None and not _is_yes(value_at(parts.document, step.ok)):
        word = "error"
    if word is None and response.status >= 400:
        word = error_word(value_at(parts.document, "error|code|status")) or f"http_{response.status}"
    if word is not None:
        described = map(error_text, (value_at(parts.document, path) for path in _DESCRIPTIONS))
        raise ProtocolError(
            f"The third party refused a step (HTTP {response.status}).",
            code="provider_refused",
            error=word,
            description=next((text for text in described if text), None),
            status=response.status,
            hint="Compare what was entered with the third party's own pages; see its words.",
        )
    found = {name: parts.text(path) for name, path in step.copy.items()}
    values = {name: value for name, value in found.items() if value}
    return StepAnswer(values, tuple(name for name in found if name not in values))


_DESCRIPTIONS = ("error_description", "message", "error.message", "error", "detail")


def _is_yes(value: Any) -> bool:
    return value not in (None, False, 0, "") and not (isinstance(value, str) and value.lower() in ("false", "0", "no"))
