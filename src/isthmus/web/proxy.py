"""The data path, `ANY /proxy/{link_name}/{path}`: plain ASGI, streamed both ways, no framework per request.

The path and query travel byte for byte. Our own credential and cookies stop here, as do hop-by-hop headers
(RFC 9110 §7.6.1). The answer is the third party's; an error of ours before its head is a problem document, after it
the connection is aborted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

from isthmus.broker.call import StreamAnswer, StreamCall
from isthmus.errors import NotFound
from isthmus.records import Actor, Headers
from isthmus.web.api.scopes import require_use
from isthmus.web.asgi import (
    REQUEST_ID,
    AnswerCutOff,
    ClientGone,
    RawHeaders,
    Receive,
    Scope,
    Send,
    is_sane_host,
    send_answer,
)
from isthmus.web.credentials import Shown, read_authorization, read_bound, two_credentials
from isthmus.web.edge import Edge
from isthmus.web.errors import Refusal
from isthmus.web.origin import unauthenticated
from isthmus.web.site import JSON_POLICY, PROXY_POLICY

PREFIX = b"/proxy/"
CLIENT_GONE = 499
WATCHED_BYTES = 64 * 1024
WATCHED_SECONDS = 0.25
"""From here on an answer is long enough to look whether anybody still reads it."""
_STOPPED_NAMES = (
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    b"upgrade expect host content-length authorization cookie dpop forwarded via x-forwarded-for x-forwarded-host "
    b"x-forwarded-proto x-forwarded-port x-forwarded-prefix x-forwarded-server x-real-ip"
)
_STOPPED = frozenset(_STOPPED_NAMES.split())
_WITHHELD_NAMES = (
    "set-cookie set-cookie2 connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding "
    "upgrade content-security-policy content-security-policy-report-only x-content-type-options x-frame-options "
    "referrer-policy cross-origin-opener-policy cross-origin-resource-policy strict-transport-security "
    "isthmus-request-id clear-site-data public-key-pins"
)
_WITHHELD = frozenset(_WITHHELD_NAMES.split())
_raw_names: dict[str, bytes] = {}
_REMEMBERED_NAMES = 4096
_REMEMBERED_CHARACTERS = 64
_PLAIN_CONNECTION = frozenset((b"keep-alive", b"close", b"Keep-Alive", b"Close"))
_REFUSED_METHODS = frozenset(("TRACE", "CONNECT"))


@dataclass(slots=True)
class _Read:
    """What the head of a request says."""

    link_name: str
    target: str
    headers: Headers = ()
    key: str | None = field(default=None, repr=False)
    proof: str = field(default="", repr=False)
    user: str | None = None
    content_length: int | None = None
    has_body: bool = False


class _Course:
    """One call's state: what is to be logged about it, and whether the head of the answer is out."""

    __slots__ = ("actor", "answering", "body_done", "error", "read", "status")

    def __init__(self) -> None:
        self.actor: Actor | None = None
        self.read: _Read | None = None
        self.status = 0
        self.error = ""
        self.answering = False
        self.body_done = True


class Proxy:
    """Carries one call after the other. Session cookies are never accepted here: a page must not reach third parties
    by a person's being signed in."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._logs = edge.logs
        self._metrics = edge.metrics
        common = edge.site.common_headers()
        self._on_answers: RawHeaders = [*common, (b"content-security-policy", PROXY_POLICY.encode())]
        self._on_problems: RawHeaders = [
            *common,
            (b"content-security-policy", JSON_POLICY.encode()),
            (b"content-type", b"application/problem+json"),
            (b"cache-control", b"no-store"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        scope[REQUEST_ID] = self._edge.ids.draw()
        course = _Course()
        self._metrics.in_flight += 1
        try:
            await self._carry(scope, receive, send, course)
        except ClientGone:
            course.status, course.error = CLIENT_GONE, "client_gone"
        except Exception as error:
            await self._tell(error, scope, send, course)
        finally:
            self._metrics.in_flight -= 1
            self._note(scope, course, perf_counter() - started)

    async def _carry(self, scope: Scope, receive: Receive, send: Send, course: _Course) -> None:
        course.read = read = read_head(scope)
        if read.key is None:
            raise unauthenticated()
        client = scope.get("client")
        app = self._edge.app
        if read.proof:
            actor = await self._edge.bound_actor(scope, Shown("bound", read.key, read.proof))
        else:
            actor = await app.protect.actor_for_key(read.key, client[0] if client else "")
        course.actor = actor
        require_use(actor, read.link_name)
        body: AsyncIterator[bytes] | None = None
        if read.has_body:
            course.body_done = False
            body = _body(receive, course)
        call = StreamCall(
            scope["method"], read.target, read.headers, body, read.content_length, read.user, scope[REQUEST_ID]
        )
        async with app.invoker.stream(actor, read.link_name, call) as answer:
            course.status = answer.status
            head, length = self._head(scope, answer)
            course.answering = True
            await send({"type": "http.response.start", "status": answer.status, "headers": head})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            else:
                await _forward(answer.chunks, length, receive, send, course)

    def _head(self, scope: Scope, answer: StreamAnswer) -> tuple[RawHeaders, int | None]:
        head: RawHeaders = []
        length: int | None = None
        cached = False
        for name, value in answer.headers:
            raw = _raw_names.get(name)
            if raw is None:
                raw = _raw_name(name)
            if not raw:
                continue
            if raw == b"content-length" and value.isdigit():
                length = int(value)
            elif raw == b"cache-control":
                cached = True
            head.append((raw, value.encode("latin-1")))
        head += self._on_answers
        head.append((b"isthmus-request-id", scope[REQUEST_ID].encode()))
        if not cached:
            # A cache in front of us knows Authorization, but not our own header; its answers are private too.
            head.append((b"cache-control", b"private"))
        return head, length

    async def _tell(self, error: Exception, scope: Scope, send: Send, course: _Course) -> None:
        problem = self._edge.judge(error, scope)
        course.error = problem.code
        if course.answering:
            course.status = 0
            raise AnswerCutOff from None
        course.status = problem.status
        headers = [
            *self._on_problems,
            (b"isthmus-request-id", scope[REQUEST_ID].encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
        ]
        body = self._edge.problem_body(problem, scope)
        await send_answer(send, problem.status, headers, body, head_only=scope["method"] == "HEAD")

    def _note(self, scope: Scope, course: _Course, seconds: float) -> None:
        self._metrics.count("proxy", course.status, seconds)
        if not self._logs.info:
            return
        read, actor, client = course.read, course.actor, scope.get("client")
        self._logs.call(
            {
                "at": datetime.now(UTC),
                "level": "info",
                "event": "call",
                "surface": "proxy",
                "request_id": scope[REQUEST_ID],
                "actor": actor.id if actor else None,
                "address": client[0] if client else "",
                "connection": read.link_name if read else None,
                "method": scope["method"],
                "path": read.target.partition("?")[0] if read else None,
                "status": course.status,
                "ms": round(seconds * 1000, 2),
                "error": course.error or None,
            }
        )


def _raw_name(name: str) -> bytes:
    """The name of a third party's header as the server takes it, empty for one that is withheld; remembered."""
    raw = b"" if name in _WITHHELD else name.encode("latin-1")
    if len(name) <= _REMEMBERED_CHARACTERS:
        if len(_raw_names) >= _REMEMBERED_NAMES:
            _raw_names.clear()
        _raw_names[name] = raw
    return raw


def read_head(scope: Scope) -> _Read:
    """Take the head of a request apart. Raises Refusal, NotFound, NotAuthenticated."""
    if scope["method"] in _REFUSED_METHODS:
        raise Refusal(405, code="method_not_allowed", detail="This method is not carried.")
    read = _read_path(scope)
    kept: list[tuple[str, str]] = []
    dropped: frozenset[str] = frozenset()
    hosts = 0
    for name, value in scope["headers"]:
        if name in _STOPPED:
            if name == b"authorization":
                bound = read_bound(value, scope["headers"])
                _take_key(read, bound.value if bound else read_authorization(value, basic=True))
                read.proof = bound.proof if bound else ""
            elif name == b"content-length":
                read.content_length = int(value) if value.isdigit() else None
                read.has_body = value != b"0"
            elif name == b"host":
                hosts += is_sane_host(value) or 2
            elif name == b"transfer-encoding":
                read.has_body = True
            elif name == b"connection" and value not in _PLAIN_CONNECTION:
                dropped |= frozenset(part.strip().lower() for part in value.decode("latin-1").split(","))
        elif name.startswith(b"isthmus-"):
            if name == b"isthmus-key":
                _take_key(read, value.strip().decode("latin-1"))
            elif name == b"isthmus-user":
                read.user = _read_user(value)
        else:
            kept.append((name.decode("latin-1"), value.decode("latin-1")))
    if hosts > 1 or (hosts == 0 and scope["http_version"] == "1.1"):
        raise Refusal(400, code="host_malformed", detail="The Host header is missing, double or malformed.")
    if scope["http_version"] != "1.1" and scope["method"] not in ("GET", "HEAD") and read.content_length is None:
        read.has_body = True  # HTTP/2 needs neither header for a body
    read.headers = tuple(header for header in kept if header[0] not in dropped) if dropped else tuple(kept)
    return read


def _read_path(scope: Scope) -> _Read:
    raw = scope["raw_path"][len(PREFIX) :]
    name, slash, rest = raw.partition(b"/")
    link_name = name.decode("latin-1")
    if not 0 < len(link_name) <= 50 or not link_name.isascii() or not link_name.replace("_", "a").isalnum():
        raise NotFound("There is no such connection.", code="connection_not_found", field="link_name")
    target = (slash + rest).decode("latin-1") or "/"
    query = scope["query_string"]
    return _Read(link_name, f"{target}?{query.decode('latin-1')}" if query else target)


def _take_key(read: _Read, key: str) -> None:
    if read.key is not None:
        raise two_credentials()
    read.key = key


def _read_user(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(422, code="user_malformed", detail="Isthmus-User is not UTF-8.", field="Isthmus-User") from None


async def _body(receive: Receive, course: _Course) -> AsyncIterator[bytes]:
    """The request's body as it comes; the server reads on only when the third party took what there was."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body")
        more = message.get("more_body", False)
        if not more:
            course.body_done = True
        if chunk:
            yield chunk
        if not more:
            return


async def _forward(
    chunks: AsyncIterator[bytes], length: int | None, receive: Receive, send: Send, course: _Course
) -> None:
    """Send the answer's body as it comes. Where its length is known, the last chunk says that it is the last."""
    sent = 0
    watch: _Watch | None = None
    watched_from = perf_counter() + WATCHED_SECONDS
    try:
        async for chunk in chunks:
            sent += len(chunk)
            last = sent == length
            await send({"type": "http.response.body", "body": chunk, "more_body": not last})
            if last:
                break
            if watch is None and course.body_done and (sent > WATCHED_BYTES or perf_counter() > watched_from):
                watch = _Watch(receive)
            if watch is not None and watch.client_gone:
                raise ClientGone
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        with suppress(Exception):  # to the end, so that the connection can be used again; the answer is complete
            async for _ in chunks:
                pass
    except asyncio.CancelledError:
        if watch is None or not watch.client_gone:
            raise
        raise ClientGone from None
    finally:
        if watch is not None:
            watch.end()


class _Watch:
    """Interrupts a long answer when the client goes away: the server does not tell the sender."""

    def __init__(self, receive: Receive) -> None:
        self.client_gone = False
        self._task = asyncio.current_task()
        self._waiting = asyncio.create_task(_disconnected(receive))
        self._waiting.add_done_callback(self._came)

    def end(self) -> None:
        self._waiting.remove_done_callback(self._came)
        self._waiting.cancel()
        if self.client_gone and self._task is not None:
            self._task.uncancel()

    def _came(self, waiting: asyncio.Task[None]) -> None:
        if waiting.cancelled() or waiting.exception() is not None:
            return
        self.client_gone = True
        if self._task is not None:
            self._task.cancel()


async def _disconnected(receive: Receive) -> None:
    """Return when the client is gone. An empty request body, if nobody has read it yet, comes first."""
    while (await receive())["type"] != "http.disconnect":
        pass
