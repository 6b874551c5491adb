"""The outermost ASGI application: life of the server, and what every request outside the data path has in common.

The data path is recognised by the raw path and left alone; everything else gets its request id, its limits, the
headers that every answer carries, a log line and a count.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

from isthmus.errors import IsthmusError
from isthmus.web.application import create_application
from isthmus.web.asgi import (
    ERROR_CODE,
    REQUEST_ID,
    AnswerCutOff,
    ASGIApp,
    ClientGone,
    Message,
    RawHeaders,
    Receive,
    Scope,
    Send,
    is_sane_host,
    peer_address,
    send_answer,
)
from isthmus.web.bodies import LimitedBody
from isthmus.web.edge import Edge
from isthmus.web.errors import Refusal, method_not_allowed
from isthmus.web.logs import Logs
from isthmus.web.metrics import Metrics
from isthmus.web.operations import METHODS, Operations
from isthmus.web.proxy import CLIENT_GONE, PREFIX, Proxy
from isthmus.web.site import JSON_POLICY, Site

if TYPE_CHECKING:
    from isthmus.app import Isthmus

_ACTOR = "isthmus.actor"
_STARTING = b'{"title":"Starting","status":503,"code":"starting","detail":"The server is not ready yet."}'


def create_asgi(build: Callable[[], Awaitable[Isthmus]], *, logs: Logs | None = None) -> ASGIApp:
    """The server's application. `build` is awaited once, when the server starts; `logs` is for tests."""
    return Server(build, logs)


class Server:
    """Dispatches by type of connection, and starts and stops the application with the server (ASGI lifespan)."""

    def __init__(self, build: Callable[[], Awaitable[Isthmus]], logs: Logs | None) -> None:
        self._build = build
        self._logs = logs
        self._edge: Edge | None = None
        self._proxy: Proxy | None = None
        self._desk: Desk | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            if self._proxy is None or self._desk is None:
                await send_answer(send, 503, [(b"content-type", b"application/problem+json")], _STARTING)
            elif scope["raw_path"].startswith(PREFIX):
                await self._proxy(scope, receive, send)
            else:
                await self._desk(scope, receive, send)
        elif kind == "lifespan":
            await self._live(receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1003})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as error:
            logs = self._logs or Logs("info")
            if isinstance(error, IsthmusError):
                logs.event("error", "start_failed", code=error.code, detail=error.message, hint=error.hint)
            else:
                logs.unexpected(error, request_id="")
            message = error.message if isinstance(error, IsthmusError) else type(error).__name__
            await send({"type": "lifespan.startup.failed", "message": message})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        app = await self._build()
        logs = self._logs or Logs(app.settings.log_level)
        logs.configure()
        await app.start()
        edge = Edge(app, Site.of(app.settings), logs, Metrics())
        self._desk = Desk(edge)
        self._proxy = Proxy(edge)
        self._edge = edge
        # What was built to stay is not looked at again by the collector: a full pass over it stops calls for 50 ms.
        gc.collect()
        gc.freeze()
        _give_back_memory()
        gc.set_threshold(20_000, 20, 20)
        logs.event("info", "started", public_url=edge.site.public_url)

    async def _stop(self) -> None:
        if self._edge is None:
            return
        self._edge.draining = True
        try:
            await self._edge.app.stop()
        except Exception as error:
            self._edge.logs.unexpected(error, request_id="")
        self._edge.logs.event("info", "stopped")
        self._edge.logs.writer.flush()


def _give_back_memory() -> None:
    """What starting needed and running does not goes back to the system, where its C library knows how."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class _Sending:
    """A `send` that adds to the head what every answer carries, and remembers the status.

    With `head_only` the body stays here: what answers need not know that it was HEAD (RFC 9110 section 9.3.2).
    """

    def __init__(self, send: Send, headers: RawHeaders, request_id: str) -> None:
        self._send = send
        self._headers = headers
        self._request_id = request_id
        self.head_only = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name for name, _ in given}
            added = [header for header in self._headers if header[0] not in names]
            message = {
                **message,
                "headers": [*given, *added, (b"isthmus-request-id", self._request_id.encode())],
            }
        elif self.head_only:
            message = {**message, "body": b""}
        await self._send(message)


class Desk:
    """Everything but the data path."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._application = create_application(edge)
        self._operations = Operations(edge, self._application.state.description)
        self._headers: RawHeaders = [
            *edge.site.common_headers(),
            (b"content-security-policy", JSON_POLICY.encode()),
            (b"cache-control", b"no-store"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        edge = self._edge
        scope[REQUEST_ID] = edge.ids.draw()
        sending = _Sending(send, self._headers, scope[REQUEST_ID])
        method = scope["method"]
        if method == "HEAD" and scope["path"].startswith("/api/"):
            # Pages stay with GET: a callback that was only looked at must not be used up.
            scope["method"], sending.head_only = "GET", True
        edge.metrics.in_flight += 1
        error = ""
        try:
            await self._answer(scope, receive, sending)
        except ClientGone:
            error = "client_gone"
        except Exception as problem:
            error = await self._tell(problem, scope, sending)
        finally:
            edge.metrics.in_flight -= 1
            scope["method"] = method
            self._note(scope, sending.status, error, perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        _check_head(scope)
        if scope["path"] in self._operations.paths:
            if scope["method"] not in METHODS:
                raise method_not_allowed(sorted(METHODS))
            await self._operations(scope, send)
            return
        settings = self._edge.app.settings
        limited = LimitedBody(scope, receive, most=settings.request_bytes, seconds=settings.request_body_seconds)
        await self._application(scope, limited, send)

    async def _tell(self, error: Exception, scope: Scope, sending: _Sending) -> str:
        problem = self._edge.judge(error, scope)
        if sending.status:
            # The framework has answered and raises once more, so that the server may log it; we have.
            if sending.status < 500:
                raise AnswerCutOff from None
            return problem.code
        headers: RawHeaders = [
            (b"content-type", b"application/problem+json"),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
        ]
        body = self._edge.problem_body(problem, scope)
        await send_answer(sending, problem.status, headers, body, head_only=scope["method"] == "HEAD")
        return problem.code

    def _note(self, scope: Scope, status: int, error: str, seconds: float) -> None:
        path = shown_path(scope["path"])
        surface = _surface(path)
        self._edge.metrics.count(surface, status or CLIENT_GONE, seconds)
        if surface == "operations":
            return
        actor = scope.get(_ACTOR)
        self._edge.logs.call(
            {
                "at": datetime.now(UTC),
                "level": "info",
                "event": "request",
                "surface": surface,
                "request_id": scope[REQUEST_ID],
                "actor": actor.id if actor else None,
                "address": peer_address(scope),
                "method": scope["method"],
                "path": path,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "error": error or scope.get(ERROR_CODE),
            }
        )


def shown_path(path: str) -> str:
    """The path as it may be logged: no query, and not the token of a webhook, a connect or a set-up link."""
    for secret in ("/connect/", "/setup/", "/api/v1/hooks/"):
        if path.startswith(secret):
            return secret + "***"
    return path[:500]


def _check_head(scope: Scope) -> None:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if (len(hosts) != 1 and (hosts or scope["http_version"] == "1.1")) or not all(map(is_sane_host, hosts)):
        raise Refusal(400, code="host_malformed", detail="The Host header is missing, double or malformed.")


def _surface(path: str) -> str:
    if path.startswith("/api/"):
        return "api"
    return "operations" if path in ("/healthz", "/readyz", "/metrics") or path.startswith("/static/") else "page"
