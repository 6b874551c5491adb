"""Pages of the console with much on them: fifty connections, 5,000 runs, every default service."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from isthmus.app import Isthmus, build
from isthmus.broker.functions.recorder import Recorder
from isthmus.broker.tokens import draw_id
from isthmus.records import Run
from isthmus.settings import Settings
from isthmus.web.logs import LineWriter, Logs
from isthmus.web.server import create_asgi

CONNECTIONS, FUNCTIONS, RUNS_EACH = 50, 5, 1000
URL = "http://127.0.0.1:8400"
PASSWORD = "correct horse battery"
PAGES = (
    "/",
    "/connections",
    "/connections/crm_7",
    "/new/connection",
    "/new/connection?q=zo",
    "/services",
    "/functions",
    "/functions/standalone.f0",
    "/functions/standalone.f0/runs",
    "/functions/standalone.f0/runs?state=failed",
    "/functions/standalone.f0/versions",
    "/activity",
    "/users",
    "/keys",
    "/new/key",
    "/settings",
)


async def pages(directory: Path, times: int = 15) -> dict[str, float]:
    """Path -> milliseconds of the whole answer in this process, median of so many."""
    isthmus = await build(Settings(data_dir=directory, public_url=URL, proactive_refresh=False))
    await _furnish(isthmus)

    async def built() -> Isthmus:
        return isthmus

    asgi = create_asgi(built, logs=Logs("error", LineWriter(lambda _: None)))
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    life = asyncio.create_task(asgi({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    await from_app.get()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url=URL, timeout=60) as client:
        form = (await client.get("/login")).text
        token = re.findall(r'name="form_token" value="([^"]+)"', form)[0]
        sent = {"form_token": token, "email": "ada@example.com", "password": PASSWORD, "next": "/"}
        await client.post("/login", data=sent, headers={"Origin": "null"})
        measured = {path: await _median(client, path, times) for path in PAGES}
    await to_app.put({"type": "lifespan.shutdown"})
    await life
    return measured


async def _median(client: httpx.AsyncClient, path: str, times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        answer = await client.get(path)
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
    return statistics.median(taken)


async def _furnish(isthmus: Isthmus) -> None:
    actor = isthmus.protect.system_actor()
    person = {"email": "ada@example.com", "name": "Ada", "role": "administrator", "password": PASSWORD}
    await isthmus.accounts.create_user(actor, person)
    service = {"link_name": "crm", "name": "CRM", "auth_type": "api_key", "base_url": "https://api.example.com"}
    await isthmus.directory.create_service(
        actor, {**service, "parameters": [{"key": "X-Key", "display_name": "Key", "placement": "header"}]}
    )
    for number in range(CONNECTIONS):
        document = {"link_name": f"crm_{number}", "name": f"Customers {number}", "service": "crm"}
        await isthmus.directory.create_connection(actor, document)
    recorder = Recorder(storage=isthmus._storage, keep=RUNS_EACH, clock=lambda: datetime.now(UTC))
    now = datetime.now(UTC)
    for number in range(FUNCTIONS):
        name = f"standalone.f{number}"
        code = "def main(name: str = 'Ada'):\n    return name\n"
        await isthmus.functions.edit.create(actor, {"name": name, "language": "python", "code": code})
        function = await isthmus._storage.function(name)
        assert function is not None
        runs = [
            Run(
                id=draw_id(),
                function_id=function.id,
                function=name,
                version=1,
                language="python",
                trigger="rest",
                actor=actor.id,
                run_as=actor.id,
                state="failed" if count % 9 == 0 else "finished",
                created_at=now - timedelta(seconds=count),
                ended_at=now,
            )
            for count in range(RUNS_EACH)
        ]
        await asyncio.gather(*(recorder.put(run) for run in runs))
