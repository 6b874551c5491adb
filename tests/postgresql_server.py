"""A private PostgreSQL for tests, from Debian's package: its own directory, its own port, ended by its pid.

    with PostgresqlServer() as server:
        url = server.create_database()

As pytest fixtures: `postgresql` and `postgresql_url` below; import them into a conftest. Where PostgreSQL is not installed the tests
fail, since a suite that skips them would prove nothing.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import psycopg
import pytest
from tests.ports import free_port

_ATTEMPTS = 5
_START_SECONDS = 20.0
_BINARIES = Path("/usr/lib/postgresql")
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class PostgresqlServer:
    """One server. With `fast` it does not sync to disk: for tests that do not pull its plug."""

    def __init__(self, *, fast: bool = False) -> None:
        self._fast = fast
        self._binaries = find_binaries()
        self._account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> PostgresqlServer:
        self._directory = Path(tempfile.mkdtemp(prefix="isthmus-pg-"))
        if self._account is not None:
            os.chown(self._directory, self._account.pw_uid, self._account.pw_gid)
        try:
            self._initialise()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def directory(self) -> Path:
        assert self._directory is not None, "the server was not entered"
        return self._directory

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def create_database(self, *, like: str | None = None) -> str:
        """A new database, empty or a copy of the one at the URL `like` (which nobody may be using); its URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        template = like.rpartition("/")[2] if like else "template1"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self._url(name)

    def socket_url(self, url: str) -> str:
        """The same database through the server's unix socket."""
        return f"postgresql://postgres@/{url.rpartition('/')[2]}?host={self.directory}&port={self.port}"

    def start(self) -> None:
        """Start on a free port, or after `kill` or `stop` again on the same one."""
        for _ in range(_ATTEMPTS):
            port = self.port or free_port()
            if self._launch(port):
                self.port = port
                return
        raise RuntimeError(f"PostgreSQL did not start: {self._log()}")

    def stop(self) -> None:
        """End it at once but in order: open transactions are rolled back, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """What a crash does: the postmaster is gone without a word, and so are its children."""
        children = _children(self.pid)
        self._end(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        _wait_until_gone(children)

    def freeze(self) -> None:
        """Stop all its processes without ending them: the server is there and does not answer."""
        for process in (self.pid, *_children(self.pid)):
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        for process in (*_children(self.pid), self.pid):
            os.kill(process, signal.SIGCONT)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _command(self, program: str, *arguments: str) -> list[str]:
        command = [str(self._binaries / program), *arguments]
        if self._account is None:
            return command
        account = self._account
        return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]

    def _initialise(self) -> None:
        options = [
            "-D",
            str(self.directory / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-instructions",
        ]
        # The server syncs its own writes; that its first files reach the disk matters to no test.
        done = subprocess.run(
            self._command("initdb", *options, "--no-sync", "--locale=C.UTF-8"),
            cwd=self.directory,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr.decode(errors='replace')}")

    def _launch(self, port: int) -> bool:
        options = [
            f"port={port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.directory}",
            "max_connections=120",
            "shared_buffers=32MB",
            *(_FAST if self._fast else ("fsync=on",)),
        ]
        arguments = [part for option in options for part in ("-c", option)]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self.directory / "data"), *arguments),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends and self._process.poll() is None:
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2),
            ):
                return True
            time.sleep(0.03)
        self._end(signal.SIGKILL)
        return False

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)
        self._process = None

    def _remove(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.thaw()
            children = _children(self._process.pid)
            self._end(signal.SIGINT)
            _wait_until_gone(children)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _log(self) -> str:
        path = self.directory / "log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else "no log was written"


def find_binaries() -> Path:
    """The newest installed server's programs. Fails the test, with the remedy, where there is none."""
    found = sorted(_BINARIES.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not found:
        pytest.fail("PostgreSQL is not installed: `apt-get update && apt-get install -y postgresql`.", pytrace=False)
    return found[-1].parent


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A server for the whole session (each worker of pytest-xdist starts one) that does not sync to disk."""
    with PostgresqlServer(fast=True) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer) -> str:
    """The URL of an empty database of the session's server."""
    return postgresql.create_database()


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split()]


def _wait_until_gone(processes: list[int]) -> None:
    ends = time.monotonic() + 10.0
    while time.monotonic() < ends and any(_is_alive(process) for process in processes):
        time.sleep(0.01)


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
