"""Workers' memory with the built-ins already in it, so that a run restores them in place of reading them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from isthmus.functions.host import Program
from isthmus.functions.library import Library
from isthmus.functions.sandbox.workers import Ticket, Workers, enforced, policy

LIBRARIES = {
    "deluge": Library(Path(__file__).parent.parent / "deluge" / "prelude", "isthmus.functions.deluge.prelude"),
    "python": Library(Path(__file__).parent.parent / "python_prelude", "isthmus.functions.python_prelude"),
}
ENTRY = "finish"
"""What every program ends with: it hands the value out."""
_KEPT = 64


def ask(*_: Any) -> None:
    """Stands for the host inside the sandbox; never called on this side."""


class Images:
    """One image for each set of built-ins and time zone that programs use; the latest 64 are kept.

    A restored worker takes its clock, its way of sleeping and its number of questions from the image, and only time,
    memory and depth from where it is restored.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._kept: OrderedDict[tuple[str, str, frozenset[str]], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def image(self, program: Program, timezone: str, ticket: Ticket) -> bytes:
        """The image for a program. Called in a thread that may use a worker."""
        library = LIBRARIES[program.language]
        names = library.needed(program.compiled) | {ENTRY}
        key = (program.language, timezone, names)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        limits = enforced(seconds=10, memory=64 * 1024 * 1024, recursion=200)
        with self._workers.session(ticket, limits=limits, os_policy=policy(timezone)) as session:
            session.feed_run(library.source(names), inputs={"ask": ask})
            made = session.dump()
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made
