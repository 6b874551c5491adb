"""Request bodies of our own API and pages: how long they may take, how large they may be, what JSON they may hold.

The server closes slow heads; a body that drips in one byte a second is ours to end (an absolute deadline).
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any
from urllib.parse import parse_qsl

from isthmus.web.asgi import Message, Receive, Scope
from isthmus.web.errors import Refusal

DEEPEST = 64
_CLOSE = {"Connection": "close"}


class LimitedBody:
    """An ASGI receive that refuses more than `most` bytes, and a body that is not there after `seconds`."""

    def __init__(self, scope: Scope, receive: Receive, *, most: int, seconds: float) -> None:
        self._receive = receive
        self._most = most
        self._size = 0
        self._complete = False
        self._until = asyncio.get_running_loop().time() + seconds
        self._declared = _declared_length(scope)

    async def __call__(self) -> Message:
        """The next message. Raises Refusal 413 (`body_too_large`) or 408 (`body_too_slow`)."""
        if self._complete:
            return await self._receive()
        if self._declared > self._most:
            raise self._too_large()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(
                408,
                code="body_too_slow",
                detail="The body was not there in time.",
                hint="Send it in one go; ISTHMUS_REQUEST_BODY_SECONDS is the limit.",
                headers=_CLOSE,
            ) from None
        self._size += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._size > self._most:
            raise self._too_large()
        return message

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            code="body_too_large",
            detail=f"The body has more than {self._most} bytes.",
            hint="Send less, use the streaming proxy, or raise ISTHMUS_REQUEST_BYTES.",
            headers=_CLOSE,
            extra={"limit": self._most},
        )


def parse_json(raw: bytes, *, nul_allowed: bool = False) -> Any:
    """The value of a JSON text. Stricter than most: no duplicate keys, no NaN, at most 64 levels, no NUL and no half
    surrogate in a text.

    Raises Refusal 422 (`json_malformed`, `json_duplicate_key`, `json_too_deep`, `json_text_refused`).
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise _malformed("It is not UTF-8.") from None
    except json.JSONDecodeError as problem:
        raise _malformed(f"{problem.msg} at line {problem.lineno}, column {problem.colno}.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise _malformed("A number is too long.") from None
    if b"\\u" in raw or raw.count(b"[") + raw.count(b"{") > DEEPEST:
        _inspect(value, nul_allowed=nul_allowed)
    return value


def parse_form(raw: bytes) -> dict[str, str]:
    """The fields of an HTML form. Raises Refusal 400 for one that is malformed or names a field twice."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict", max_num_fields=50
        )
    except ValueError:
        pairs = [("", ""), ("", "")]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refusal(400, code="form_malformed", detail="The form could not be read.", hint="Go back and try again.")
    return fields


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Refusal(
                    422,
                    code="json_duplicate_key",
                    detail="An object has the same key twice.",
                    hint="Send each key once; which of the two was meant cannot be told.",
                    field=key[:200].encode("utf-8", "replace").decode(),
                )
            seen.add(key)
    return value


def _inspect(value: Any, *, nul_allowed: bool) -> None:
    """Walk without recursion; the depth is part of what is checked."""
    rest = [(value, 1)]
    while rest:
        item, depth = rest.pop()
        if isinstance(item, str):
            _check_text(item, nul_allowed=nul_allowed)
            continue
        if not isinstance(item, dict | list):
            continue
        if depth > DEEPEST:
            raise _too_deep()
        inside = [*item.keys(), *item.values()] if isinstance(item, dict) else item
        rest.extend((part, depth + 1) for part in inside)


def _check_text(text: str, *, nul_allowed: bool) -> None:
    if not nul_allowed and "\x00" in text:
        raise _refused_text("A text holds the character NUL.")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _refused_text("A text holds half of a surrogate pair, which is no character.")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _malformed("A number is too large.")
    return value


def _refuse_constant(name: str) -> Any:
    raise _malformed(f"{name} is not JSON.")


def _malformed(why: str) -> Refusal:
    return Refusal(
        422,
        code="json_malformed",
        detail=f"The body is not valid JSON. {why}",
        hint="Send one JSON text in UTF-8.",
    )


def _too_deep() -> Refusal:
    return Refusal(
        422, code="json_too_deep", detail=f"The body is nested deeper than {DEEPEST} levels.", hint="Flatten it."
    )


def _refused_text(why: str) -> Refusal:
    return Refusal(422, code="json_text_refused", detail=why, hint="Leave the character out.")


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
