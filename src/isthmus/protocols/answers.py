"""Reading third-party answers: JSON or form bodies into a mapping, and dotted paths into that mapping.

Whatever arrives, the outcome is a mapping or a ProtocolError; nothing of the body gets into the error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any, NoReturn

from isthmus.errors import ProtocolError
from isthmus.protocols.jwt import claims_of
from isthmus.protocols.text import clean, has_control
from isthmus.protocols.urls import query_octets
from isthmus.protocols.xml import read_xml
from isthmus.records import HttpResponse

ANSWER_BYTES = 1024 * 1024
ANSWER_DEPTH = 32
_STEP = r"(?:[^.\[]+(?:\[[^\]]*\])?|\[[^\]]*\])"
_STEPS = re.compile(_STEP)
_PATH = re.compile(rf"{_STEP}(?:\.{_STEP})*")
_INDEX = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_FORM_FIELDS = 200
_COPIED_CHARACTERS = 4000
_SHAPES = {"{": "json", "[": "a list", "<": "markup (an HTML or XML page)", '"': "a bare value"}


def read_answer(response: HttpResponse) -> Mapping[str, Any]:
    """The answer's body as a mapping, from a JSON object or a form, whatever the Content-Type says; from XML only where
    it says so.

    A byte order mark is tolerated. Raises ProtocolError (`provider_answer_not_understood`, with the status) for
    everything else: empty, too large, not UTF-8, cut off, a list, a page, nested too deeply, a repeated form field.
    """
    body = response.body
    if len(body) > ANSWER_BYTES:
        raise _refused(response, "is too large")
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise _refused(response, "is not text in UTF-8") from None
    if not text:
        raise _refused(response, "is empty")
    shape = _SHAPES.get(text[0], "form")
    if shape == "json":
        return _read_json(response, text)
    if text[0] == "<" and "xml" in (response.header("content-type") or "").lower():
        document = read_xml(text)
        if document is None or _is_too_deep(document):
            raise _refused(response, "is not valid XML, or was cut off")
        return document
    if shape != "form":
        raise _refused(response, f"is {shape}, not an object")
    return _read_form(response, text)


def value_at(document: Any, path: str) -> Any:
    """What stands at a dotted path (`authed_user.access_token`, `data.0.id`), or None if there is nothing.

    A whole number is a list index, from the end where it is negative. `accounts[is_default=true].id` takes the first
    item of a list (or of an object's values) with that value; `@claims` are the claims of a JWT, `@first` the first
    value of an object or list. Alternatives are separated by `|`, the first that holds something wins. An empty path
    holds nothing.
    """
    for alternative in path.split("|"):
        found = _walk(document, alternative.strip())
        if found is not None:
            return found
    return None


def text_at(document: Any, path: str) -> str | None:
    """The text or number at a path as text; None if there is nothing, or something that is no plain text."""
    return _plain(value_at(document, path))


def _plain(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = json.dumps(value)
    if not isinstance(value, str) or has_control(value) or len(value) > _COPIED_CHARACTERS:
        return None
    return value


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """An answer that may carry what is wanted in any of its parts. `document` is a mapping or a list, empty where the
    body is neither; `raw` is the body as text."""

    response: HttpResponse = field(repr=False)
    document: Any = field(repr=False)
    raw: str = field(repr=False)

    def value(self, path: str) -> Any:
        """As `value_at`; besides, `header:NAME`, `cookie:NAME`, and `body:` for the whole body as text."""
        for alternative in path.split("|"):
            kind, colon, name = alternative.strip().partition(":")
            part = _PARTS.get(kind) if colon else None
            found = part(self, name) if part is not None else _walk(self.document, alternative.strip())
            if found is not None:
                return found
        return None

    def text(self, path: str) -> str | None:
        """As `text_at`."""
        return _plain(self.value(path))

    def header(self, name: str) -> str | None:
        return self.response.header(name)

    def cookie(self, name: str) -> str | None:
        for header, value in self.response.headers:
            if header == "set-cookie":
                try:
                    cookie = SimpleCookie(value).get(name)
                except CookieError:
                    continue
                if cookie is not None and cookie.value:
                    return cookie.value
        return None

    def body(self, name: str) -> str | None:
        return self.raw.strip() or None


_PARTS = {"header": AnswerParts.header, "cookie": AnswerParts.cookie, "body": AnswerParts.body}


def read_parts(response: HttpResponse) -> AnswerParts:
    """The answer with its body read as far as it can be: JSON (a list, too), a form or XML. Never raises."""
    raw = response.body[:ANSWER_BYTES].decode("utf-8", "replace")
    document: Any = {}
    try:
        if raw.lstrip()[:1] == "[" and len(response.body) <= ANSWER_BYTES:
            document = json.loads(raw, parse_constant=_refuse_constant)
            document = {} if _is_too_deep(document) else document
        else:
            document = read_answer(response)
    except (ValueError, RecursionError, ProtocolError):
        document = {}
    return AnswerParts(response, document, raw)


def error_word(value: Any) -> str | None:
    """A third party's error as one short word, from text, a number or an object; None where it says "no error".

    Null, false, zero and empty mean that there is none.
    """
    if not value or value == "0":
        return None
    if isinstance(value, Mapping):
        inner = (error_word(value.get(key)) for key in ("code", "type", "error", "status", "name"))
        return next((word for word in inner if word), "error")
    if isinstance(value, str):
        return clean(value, limit=100) or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:100]
    return "error"


def error_text(value: Any) -> str | None:
    """A third party's description of an error, fit to be shown as text; None if there is none."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("message", "description", "detail") if key in value), None)
    return (clean(value) or None) if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str, ...]:
    """The steps of a well-formed path; for any other, one that leads nowhere."""
    return tuple(_STEPS.findall(path)) if _PATH.fullmatch(path) else ("[]",)


def _walk(document: Any, path: str) -> Any:
    for step in _steps(path):
        name, bracket, condition = step.partition("[")
        if name or not bracket:
            document = _child(document, name)
        if bracket:
            document = _chosen(document, condition[:-1])
        if document is None:
            return None
    return document


def _child(document: Any, name: str) -> Any:
    if name == "@claims":
        return claims_of(document)
    if name == "@first":
        values = list(document.values()) if isinstance(document, Mapping) else document
        return values[0] if isinstance(values, list) and values else None
    if isinstance(document, Mapping):
        return document.get(name)
    if isinstance(document, list) and _INDEX.fullmatch(name):
        index = int(name)
        return document[index] if -len(document) <= index < len(document) else None
    return None


def _chosen(document: Any, condition: str) -> Any:
    """The first item that has this value: `is_default=true`, `type=business`."""
    key, _, wanted = condition.partition("=")
    items = list(document.values()) if isinstance(document, Mapping) else document
    if not isinstance(items, list):
        return None
    return next((item for item in items if isinstance(item, Mapping) and _as_text(item.get(key)) == wanted), None)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _read_json(response: HttpResponse, text: str) -> Mapping[str, Any]:
    # RecursionError: the parser's own limit lies far above ours, and it is reached before anything is built.
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _refused(response, "is not valid JSON, or was cut off") from None
    if not isinstance(document, dict):
        raise _refused(response, "is not an object")
    if _is_too_deep(document):
        raise _refused(response, "is nested too deeply")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_too_deep(document: Any) -> bool:
    level = [document]
    for _ in range(ANSWER_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _read_form(response: HttpResponse, text: str) -> Mapping[str, Any]:
    # A form has neither blanks nor line breaks; a sentence or a stack trace with a `=` in it has.
    if "=" not in text or any(character.isspace() for character in text) or text.count("&") >= _FORM_FIELDS:
        raise _refused(response, "is neither JSON nor a form")
    fields: dict[str, str] = {}
    try:
        for name, value in query_octets(text):
            if fields.setdefault(name.decode(), value.decode()) != value.decode():
                raise _refused(response, "gives a field twice")
    except UnicodeDecodeError:
        raise _refused(response, "is not text in UTF-8") from None
    return fields


def _refused(response: HttpResponse, what: str) -> ProtocolError:
    return ProtocolError(f"The provider's answer (HTTP {response.status}) {what}.", status=response.status)
