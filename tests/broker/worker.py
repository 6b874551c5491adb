"""A process of its own that uses a connection, and on demand dies at a chosen point of a refresh.

Reads one JSON line of settings, says "ready", waits for a line, then makes the calls and prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from isthmus.app import Isthmus, assemble, open_vault
from isthmus.broker.call import Call
from isthmus.errors import IsthmusError
from isthmus.outbound import Outbound
from isthmus.records import Actor, HttpRequest
from isthmus.settings import Settings
from isthmus.storage import open_storage

ACTOR = Actor("system", "system", "worker", "administrator")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStorage:
    """Storage that kills its process around the two writes of a refresh."""

    def __init__(self, storage: Any, point: str) -> None:
        self._storage = storage
        self._point = point

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def take_lease(self, *args: Any, **named: Any) -> Any:
        held = await self._storage.take_lease(*args, **named)
        if held is not None and self._point == "before_sending":
            die()
        return held

    async def commit_refresh(self, *args: Any, **named: Any) -> Any:
        if self._point == "after_answer":
            die()
        row = await self._storage.commit_refresh(*args, **named)
        if self._point == "after_commit":
            die()
        return row


class DyingOutbound(Outbound):
    """The door to the network, which kills its process a moment after a token request went out."""

    async def send(self, request: HttpRequest, **named: Any) -> Any:
        if "/token" in request.url:
            task = asyncio.create_task(super().send(request, **named))
            await asyncio.wait([task], timeout=0.4)
            die()
        return await super().send(request, **named)


async def call(isthmus: Isthmus, link_name: str, url: str) -> Any:
    try:
        answer = await isthmus.invoker.invoke(ACTOR, link_name, Call(url=url))
        return answer.status
    except IsthmusError as problem:
        return problem.code


async def main() -> None:
    asked = json.loads(sys.stdin.readline())
    settings = Settings.load(asked["environ"])
    storage: Any = await open_storage(settings)
    vault = await open_vault(settings, storage)
    point = asked.get("die", "")
    if point in ("before_sending", "after_answer", "after_commit"):
        storage = DyingStorage(storage, point)
    outbound = DyingOutbound(settings) if point == "after_sending" else None
    isthmus = assemble(settings, storage, vault, outbound=outbound)
    print("ready", flush=True)
    # In a thread: the event loop must go on, as a server's does, or a transaction would be left standing.
    while line := await asyncio.to_thread(sys.stdin.readline):
        callers = int(line)
        if callers == 0:
            break
        outcomes = await asyncio.gather(*(call(isthmus, asked["link_name"], asked["url"]) for _ in range(callers)))
        print(json.dumps(outcomes), flush=True)
    await isthmus.stop()


if __name__ == "__main__":
    asyncio.run(main())
