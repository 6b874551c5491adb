from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path, practice: Any) -> AsyncIterator[World]:
    async with open_world(tmp_path, practice) as opened:
        yield opened


class Elsewhere:
    """A server of another origin, which remembers what reached it: the headers of each request, and its path, query
    and body. `location` says where a path is redirected to, if anywhere; the first `busy` answers are 503."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []
        self.whole: list[str] = []
        self.busy = 0
        self.location: Callable[[str], str | None] = lambda path: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                outer.requests.append({name.lower(): value for name, value in self.headers.items()})
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outer.whole.append(f"{self.path}\n{self.headers}\n{body.decode('latin-1')}")
                location = outer.location(self.path)
                self.send_response(503 if outer.busy else 302 if location else 200)
                if outer.busy:
                    outer.busy -= 1
                    self.send_header("Retry-After", "0")
                elif location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = _answer

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()
