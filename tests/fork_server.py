"""Makes processes that run a module as `python -m` does, each a fork of this one, which has loaded the product already.

Its one word is the number of a socket. Each message there asks for a process: module, words, environment, directory,
and four files: stdin, stdout, stderr, and where to tell the new process's id and, when it has ended, how. It ends when
the socket does, and so do all it has made.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from importlib import import_module
from typing import Any

from isthmus.catalog.catalog import Catalog
from isthmus.catalog.causes import Causes
from isthmus.cli.commands import HOMES, load

FILES = 4
LARGEST = 1 << 20
HELD = {signal.SIGINT, signal.SIGTERM}
"""Signals that wait until a new process is what it shall be."""
LATE = """
    aiosqlite asyncpg sqlalchemy.dialects.postgresql.asyncpg sqlalchemy.dialects.sqlite.aiosqlite
""".split()
"""What the product loads when it is under way."""
DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def load_all() -> None:
    """Load what a command or a server may come to, but not their own start, which is in `isthmus.__main__`."""
    gc.disable()
    for command in HOMES:
        load(command)
    for module in LATE:
        import_module(module)
    Catalog.load()
    Causes.load()
    gc.collect()
    gc.freeze()
    gc.enable()
    # A fork has no thread but the one that made it.
    assert len(os.listdir("/proc/self/task")) == 1


def wait_for_work(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What to run and its files: this comes back in the processes that are made, never in the one that makes them."""
    running: dict[int, int] = {}
    ended, woken = socket.socketpair()
    woken.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno())
    with control, ended, woken, selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is ended:
                    ended.recv(4096)
                    _tell_of_ended(running)
                    continue
                message, files, _, _ = socket.recv_fds(control, LARGEST, FILES)
                if not message:
                    raise SystemExit
                process = os.fork()
                if not process:
                    signal.set_wakeup_fd(-1)
                    return json.loads(message), files[:3]
                running[process] = files.pop()
                os.write(running[process], b"%d\n" % process)
                for file in files:
                    os.close(file)


def _tell_of_ended(running: dict[int, int]) -> None:
    for process, told in list(running.items()):
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(told)
            del running[process]


def become(asked: dict[str, Any], files: list[int]) -> None:
    """Make of this fork what a new process is: its own files, signals, environment and directory, nothing else open."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["directory"])
    sys.path[0] = asked["directory"]
    sys.argv[1:] = asked["words"]
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)


def main() -> str:
    """The module to run."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    load_all()
    asked, files = wait_for_work(socket.socket(fileno=int(sys.argv[1])))
    become(asked, files)
    return str(asked["module"])


if __name__ == "__main__":
    # Here and not further in: what ends the module ends the process, as in one that was started for it.
    runpy.run_module(main(), run_name="__main__", alter_sys=True)
