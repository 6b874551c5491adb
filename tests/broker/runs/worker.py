"""Makes processes that take runs from the queue, each a fork of this one: what takes long to import is there already.

Reads one JSON line of settings and pace. Then, at each line `begin`, it makes one and tells its id; at `wait ID` it
tells how that one ended. One that is sent SIGTERM ends as a server does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from isthmus.app import assemble, open_vault
from isthmus.broker.runs.queue import Pace
from isthmus.catalog.catalog import Catalog
from isthmus.catalog.causes import Causes
from isthmus.settings import Settings
from isthmus.storage import open_storage

TERM = {signal.SIGTERM}


async def take_runs(asked: dict[str, Any]) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TERM)
    settings = Settings.load(asked["environ"])
    storage = await open_storage(settings)
    isthmus = assemble(settings, storage, await open_vault(settings, storage), pace=Pace(**asked["pace"]))
    await isthmus.start()
    await told.wait()
    await isthmus.stop()


def begin(asked: dict[str, Any]) -> int:
    process = os.fork()
    if process:
        return process
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    asyncio.run(take_runs(asked))
    os._exit(0)


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    # A child is not to end by it before it can heed it.
    signal.pthread_sigmask(signal.SIG_BLOCK, TERM)
    Catalog.load()
    Causes.load()
    for line in sys.stdin:
        word, *rest = line.split()
        answer = begin(asked) if word == "begin" else os.waitstatus_to_exitcode(os.waitpid(int(rest[0]), 0)[1])
        print(answer, flush=True)


if __name__ == "__main__":
    main()
