"""Just enough HTTP over ASGI: a request read whole or as it comes, an answer sent."""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, unquote_plus

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Request:
    """One request. `path` is decoded, `raw_path` is as sent; header names are lower case."""

    scope: Scope
    receive: Receive
    method: str
    path: str
    raw_path: str
    query_string: str
    headers: dict[str, str]
    _body: bytes | None = None

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> Request:
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        raw = scope.get("raw_path") or scope["path"].encode()
        return cls(
            scope,
            receive,
            scope["method"],
            scope["path"],
            raw.decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            headers,
        )

    @property
    def origin(self) -> str:
        return f"{self.scope.get('scheme', 'http')}://{self.headers.get('host', 'localhost')}"

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, or what was read of it before."""
        if self._body is not None:
            yield self._body
            return
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]

    async def body(self) -> bytes:
        """The whole body (at most 16 MiB)."""
        if self._body is None:
            parts: list[bytes] = []
            size = 0
            async for chunk in self.chunks():
                size += len(chunk)
                if size > 16 * 1024 * 1024:
                    break
                parts.append(chunk)
            self._body = b"".join(parts)
        return self._body

    def query(self) -> dict[str, str]:
        return dict(split_pairs(self.query_string))

    @property
    def is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

    async def form_pairs(self) -> Pairs:
        """The fields of a form body; nothing for another kind of body."""
        return split_pairs((await self.body()).decode("utf-8", "replace")) if self.is_form else []


@dataclass(slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: Iterable[bytes] | None = None
    lost: bool = False


def split_pairs(text: str) -> Pairs:
    """A query or form taken apart, duplicates and empty values kept."""
    pairs: Pairs = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote_plus(name), unquote_plus(value)))
    return pairs


def json_answer(document: Any, status: int = 200, **headers: str) -> Answer:
    body = json.dumps(document, ensure_ascii=False).encode()
    return Answer(status, body, headers=[(name.replace("_", "-"), value) for name, value in headers.items()])


def form_answer(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), "application/x-www-form-urlencoded")


def redirect(location: str, status: int = 303) -> Answer:
    return Answer(status, b"", "text/plain", [("location", quote(location, safe="!#$%&'()*+,/:;=?@[]~"))])


def page(title: str, content: str, status: int = 200) -> Answer:
    """A plain page; `content` is trusted, the title is not."""
    safe = html.escape(title)
    text = f"<!doctype html><html lang=en><meta charset=utf-8><title>{safe}</title><h1>{safe}</h1>{content}</html>"
    return Answer(status, text.encode(), "text/html; charset=utf-8")


async def send_answer(send: Send, answer: Answer, now: float, *, head_only: bool = False) -> None:
    """The answer with a Date by the practice party's clock."""
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"date", formatdate(now, usegmt=True).encode()),
        *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers),
    ]
    bodiless = head_only or answer.status in (204, 304)
    if answer.chunks is None and answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.chunks is not None and not bodiless:
        for chunk in answer.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if bodiless or answer.chunks is not None else answer.body})
