"""`isthmus serve` in a process of its own, and the practice third party beside it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.forked import Forked, run
from tests.ports import free_port

from isthmus.app import build
from isthmus.settings import Settings


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


OPENER = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


@dataclass
class Served:
    """A running server. `key` is an administrator's."""

    url: str
    environ: dict[str, str]
    log_path: Path
    process: subprocess.Popen[bytes] | Forked
    key: str = ""
    ready_seconds: float = 0.0

    def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """One request, redirects not followed, whatever the status."""
        sent = {"Authorization": f"Bearer {self.key if key is None else key}", **(headers or {})}
        if key == "":
            del sent["Authorization"]
        if document is not None:
            body = json.dumps(document).encode()
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=body, headers=sent, method=method)
        try:
            with OPENER.open(request, timeout=60) as response:
                return Reply(response.status, response.headers, response.read())
        except urllib.error.HTTPError as answer:
            return Reply(answer.code, answer.headers, answer.read())

    def cli(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One `isthmus` command on the same data."""
        return run("isthmus", *words, environ=self.environ, stdin=stdin)

    def processor_seconds(self) -> float:
        """What the server's process has used of a processor since it began."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def end(self, *, hard: bool = False) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        return self.process.wait(timeout=40)


def start_server(
    data_dir: Path, *words: str, port: int | None = None, key: str = "", fresh: bool = False, **settings: str
) -> Served:
    """Start `isthmus serve`, wait until it is ready, make an administrator's key unless there is one.

    With `fresh` it is an interpreter of its own, as a user starts it; otherwise it is forked, which is much cheaper.
    """
    port = port or free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")},
        "ISTHMUS_DATA_DIR": str(data_dir / "data"),
        "ISTHMUS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ISTHMUS_EGRESS_ALLOW": "127.0.0.0/8",
        **{f"ISTHMUS_{name.upper()}": value for name, value in settings.items()},
    }
    log_path = data_dir / f"server-{port}.out"
    started = time.perf_counter()
    with log_path.open("ab") as log:
        process = start(["serve", "--port", str(port), *words], environ, log, fresh=fresh)
    served = Served(f"http://127.0.0.1:{port}", environ, log_path, process, key)
    wait_until_ready(served)
    served.ready_seconds = time.perf_counter() - started
    if key:
        return served
    # Another process would do the same, and take a second longer. A browser's event loop may run in this thread.
    with ThreadPoolExecutor(1) as thread:
        served.key = thread.submit(asyncio.run, make_key(served)).result()
    return served


def start(
    words: list[str], environ: dict[str, str], log: IO[bytes], *, fresh: bool
) -> subprocess.Popen[bytes] | Forked:
    """A running `isthmus` command."""
    if not fresh:
        return Forked("isthmus", *words, environ=environ, stdout=log, stderr=log)
    return subprocess.Popen(
        [sys.executable, "-m", "isthmus", *words], env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )


async def make_key(served: Served) -> str:
    """An administrator's key, made as the operator makes one."""
    isthmus = await build(Settings.load(served.environ))
    try:
        asked = {"name": "tests", "role": "administrator"}
        made = await isthmus.accounts.create_api_key(isthmus.protect.system_actor(), asked)
        return str(made["key"])
    finally:
        await isthmus.stop()


def wait_until_ready(served: Served, seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while True:
        if served.process.poll() is not None:
            raise AssertionError(f"the server ended with {served.process.returncode}:\n{served.log()[-3000:]}")
        try:
            if served.ask("GET", "/readyz", key="").status == 200:
                return
        except OSError:
            pass
        if time.monotonic() > ends:
            served.end(hard=True)
            raise AssertionError(f"not ready after {seconds} s:\n{served.log()[-3000:]}")
        time.sleep(0.05)


@contextmanager
def serving(data_dir: Path, *words: str, fresh: bool = False, **settings: str) -> Iterator[Served]:
    served = start_server(data_dir, *words, fresh=fresh, **settings)
    try:
        yield served
    finally:
        served.end()
