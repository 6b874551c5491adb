"""Processes of our own modules without the price of a start: forks of one that has loaded the product.

They do what `python -m` does with the same words, and end as it does; `tests.fork_server` makes them. What is about
starting itself, about memory or about several workers starts an interpreter of its own.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
NAMES = ("stdin", "stdout", "stderr")
_ONE_AT_A_TIME = threading.Lock()


class Forked:
    """A running process: of `subprocess.Popen` what tests use. What it writes into a pipe must find room there."""

    def __init__(
        self,
        module: str,
        *words: str,
        environ: Mapping[str, str] | None = None,
        directory: Path | None = None,
        stdin: Any = subprocess.DEVNULL,
        stdout: Any = subprocess.DEVNULL,
        stderr: Any = subprocess.DEVNULL,
    ) -> None:
        self.args = [sys.executable, "-m", module, *words]
        self.returncode: int | None = None
        self.stdin: IO[str] | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        asked = {
            "module": module,
            "words": words,
            "environ": dict(os.environ if environ is None else environ),
            "directory": str(directory or Path.cwd()),
        }
        theirs: list[int] = []
        try:
            for name, kind in zip(NAMES, (stdin, stdout, stderr), strict=True):
                theirs.append(self._file(name, kind))
            told, tell = os.pipe()
            self._told = os.fdopen(told, "rb", buffering=0)
            theirs.append(tell)
            socket.send_fds(_fork_server(), [json.dumps(asked).encode()], theirs)
        finally:
            for file in theirs:
                os.close(file)
        self.pid = int(self._line() or "0")
        assert self.pid, "the fork server has ended"

    def _file(self, name: str, kind: Any) -> int:
        """A file for the process under this name; the other end of a pipe becomes ours."""
        if kind == subprocess.DEVNULL:
            return os.open(os.devnull, os.O_RDWR)
        if kind != subprocess.PIPE:
            return os.dup(kind.fileno())
        reading, writing = os.pipe()
        ours, mode, theirs = (writing, "w", reading) if name == "stdin" else (reading, "r", writing)
        setattr(self, name, os.fdopen(ours, mode, encoding="utf-8"))
        return theirs

    def _line(self) -> bytes:
        """What the fork server tells next; nothing once it has ended."""
        line = b""
        while not line.endswith(b"\n") and (byte := self._told.read(1)):
            line += byte
        return line

    def poll(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it runs."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises TimeoutExpired where it runs on for so many seconds."""
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _wait(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            waiting = select.poll()
            waiting.register(self._told, select.POLLIN)
            if waiting.poll(None if seconds is None else max(0, seconds) * 1000):
                line = self._line()
                self._told.close()
                assert line, "the fork server has ended, and all it made"
                self.returncode = int(line)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote into its pipes, once it has ended."""
        self.wait(timeout)
        written = []
        for pipe in (self.stdout, self.stderr):
            written.append("" if pipe is None else pipe.read())
            if pipe is not None:
                pipe.close()
        return written[0], written[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    module: str, *words: str, environ: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, as `subprocess.run` does, its output captured. Raises TimeoutExpired."""
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        process = Forked(module, *words, environ=environ, stdin=given, stdout=out, stderr=err)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(process.args, code, out.read().decode(), err.read().decode())


def _fork_server() -> socket.socket:
    """The way to the one server of this process, which ends with it."""
    with _ONE_AT_A_TIME:
        return _started()


@cache
def _started() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            env=environ,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    atexit.register(process.wait, 20)
    atexit.register(ours.close)
    return ours
