"""Takes runs from the queue as a server does, with the settings and the pace that it reads; ends by SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

from isthmus.app import assemble, open_vault
from isthmus.broker.runs.queue import Pace
from isthmus.settings import Settings
from isthmus.storage import open_storage


async def take_runs(asked: dict[str, Any]) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    settings = Settings.load(asked["environ"])
    storage = await open_storage(settings)
    isthmus = assemble(settings, storage, await open_vault(settings, storage), pace=Pace(**asked["pace"]))
    await isthmus.start()
    await told.wait()
    await isthmus.stop()


if __name__ == "__main__":
    asyncio.run(take_runs(json.load(sys.stdin)))
