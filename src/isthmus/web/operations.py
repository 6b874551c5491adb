"""For whoever runs the server: is it alive, is it ready, its counters; and the fixed files of the plain pages."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

import orjson
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from isthmus.errors import IsthmusError
from isthmus.web.asgi import RawHeaders, Scope, Send, accepts_gzip, send_answer
from isthmus.web.assets import STATIC, fingerprint_of
from isthmus.web.edge import Edge
from isthmus.web.openapi import Description

_JSON = b"application/json"
_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
}
_ENDLESS = b"public, max-age=31536000, immutable"
METHODS = frozenset({"GET", "HEAD"})


class Operations:
    """Answers the paths in `paths`, without authentication: nothing here tells about anybody's data."""

    def __init__(self, edge: Edge, description: Description) -> None:
        self._edge = edge
        self._description = description
        self._files = {
            f"/static/{file.relative_to(STATIC).as_posix()}": file
            for file in STATIC.rglob("*")
            if file.suffix in _TYPES and file.is_file()
        }
        self.paths = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", *self._files})

    async def __call__(self, scope: Scope, send: Send) -> None:
        """The answer to GET or HEAD."""
        path = scope["path"]
        if path in self._files:
            await self._file(scope, send, path)
        elif path == "/openapi.json":
            await _answer(scope, send, 200, _JSON, self._description.json)
        elif path == "/healthz":
            await _answer(scope, send, 200, _JSON, b'{"status":"ok"}')
        elif path == "/metrics":
            await _answer(scope, send, 200, CONTENT_TYPE_PLAIN_0_0_4.encode(), self._edge.metrics.render())
        else:
            await self._ready(scope, send)

    async def _file(self, scope: Scope, send: Send, path: str) -> None:
        """A fixed file, compressed where the browser takes that; under its fingerprint it is kept for ever."""
        file, cache = self._files[path], b"public, max-age=3600"
        body, packed = _contents(file)
        headers: RawHeaders = [(b"content-type", _TYPES[file.suffix])]
        if packed is not None:
            headers.append((b"vary", b"accept-encoding"))
            if accepts_gzip(scope):
                headers.append((b"content-encoding", b"gzip"))
                body = packed
        if scope["query_string"] == b"v=" + fingerprint_of(path.removeprefix("/static/")).encode():
            cache = _ENDLESS
        headers.append((b"cache-control", cache))
        await send_answer(send, 200, headers, body, head_only=scope["method"] == "HEAD")

    async def _ready(self, scope: Scope, send: Send) -> None:
        try:
            checks = dict(await self._edge.app.ready())
        except IsthmusError as problem:
            body = {"status": "unavailable", "code": problem.code, "detail": problem.message, "hint": problem.hint}
            await _answer(scope, send, 503, _JSON, orjson.dumps(body))
            return
        if self._edge.draining:
            await _answer(scope, send, 503, _JSON, b'{"status":"draining"}')
            return
        await _answer(scope, send, 200, _JSON, orjson.dumps({"status": "ready", "checks": checks}))


@lru_cache(maxsize=100)
def _contents(file: Path) -> tuple[bytes, bytes | None]:
    """The file, and compressed where that makes it smaller."""
    content = file.read_bytes()
    packed = gzip.compress(content, 9, mtime=0)
    return content, packed if len(packed) < len(content) else None


async def _answer(scope: Scope, send: Send, status: int, kind: bytes, body: bytes, cache: bytes = b"no-store") -> None:
    headers: RawHeaders = [(b"content-type", kind), (b"cache-control", cache)]
    await send_answer(send, status, headers, body, head_only=scope["method"] == "HEAD")
