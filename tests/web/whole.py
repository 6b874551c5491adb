"""The whole application over HTTP, with an API key of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.tables import lay_tables
from tests.web.stand_in import running
from tests.world import ADMIN, PUBLIC_URL, environ

from isthmus.app import Isthmus, build
from isthmus.settings import Settings
from isthmus.web.logs import LineWriter

HELLO = 'def main(name: str = "you") -> str:\n    info("told", name)\n    return "Hello " + name\n'
FUNCTION = {"name": "standalone.hello", "language": "python", "code": HELLO}
PATH = "/api/v1/functions/standalone.hello"


@dataclass
class Api:
    """`keys` by name; those of the three roles are there from the start."""

    isthmus: Isthmus
    client: httpx.AsyncClient
    keys: dict[str, str]

    async def ask(self, method: str, path: str, body: Any = None, key: str = "administrator", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[key]}", **more}
        return await self.client.request(method, path, json=body, headers=headers)

    async def live(self, **changes: Any) -> None:
        """A function, published."""
        function = {**FUNCTION, **changes}
        assert (await self.ask("POST", "/api/v1/functions", function)).status_code == 201
        published = await self.ask("POST", f"/api/v1/functions/{function['name']}/publish")
        assert published.status_code == 200, published.text

    async def add_key(self, name: str, **document: Any) -> str:
        """Another API key, known by this name; its id."""
        made = await self.isthmus.accounts.create_api_key(ADMIN, {"name": name, "role": "member", **document})
        self.keys[name] = made["key"]
        return str(made["id"])


@asynccontextmanager
async def open_api(data_dir: Path) -> AsyncIterator[Api]:
    await lay_tables(data_dir)
    isthmus = await build(Settings.load(environ(data_dir)))
    async with running(isthmus, writer=LineWriter(lambda line: None)) as asgi:
        transport = httpx.ASGITransport(app=asgi, client=("192.0.2.7", 4711), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            api = Api(isthmus, client, {})
            for role in ("administrator", "developer", "member"):
                await api.add_key(role, role=role)
            yield api
