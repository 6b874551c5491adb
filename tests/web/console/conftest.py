"""The whole product on an empty data directory, in this process, and browsers that only keep cookies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.tables import lay_tables

from isthmus.app import Isthmus, build
from isthmus.authserver.passwords import Passwords
from isthmus.practice import definitions
from isthmus.records import Role
from isthmus.settings import Settings
from isthmus.web.logs import LineWriter, Logs
from isthmus.web.server import create_asgi

URL = "http://127.0.0.1:8400"
PASSWORD = "correct horse battery"
Sent = list[tuple[str, str]]


class House:
    """A running product. `browser()` is nobody's; `browser("administrator")` belongs to a signed-in person."""

    def __init__(self, isthmus: Isthmus, asgi: Any) -> None:
        self.isthmus = isthmus
        self.lines: list[bytes] = []
        self._asgi = asgi
        self._open: list[httpx.AsyncClient] = []

    async def browser(self, role: Role | None = None, name: str = "") -> Browser:
        transport = httpx.ASGITransport(app=self._asgi, client=("192.0.2.7", 4711), raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=URL)
        self._open.append(client)
        browser = Browser(client)
        if role is not None:
            await self.person(role, name or role)
            answer = await browser.send("/login", {"email": f"{name or role}@example.com", "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return browser

    async def person(self, role: Role, name: str) -> dict[str, Any]:
        actor = self.isthmus.protect.system_actor()
        document = {"email": f"{name}@example.com", "name": name.title(), "role": role, "password": PASSWORD}
        return await self.isthmus.accounts.create_user(actor, document)

    async def close(self) -> None:
        for client in self._open:
            await client.aclose()


class Browser:
    """Sends a form as a browser does: all hidden fields of the page's form that posts there, then what was typed."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def page(self, path: str) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("location"), answer.text)
        return answer.text

    async def send(
        self, path: str, fields: Mapping[str, str] | Sent | None = None, *, on: str | None = None
    ) -> httpx.Response:
        """Fill the form on the page `on` (by default the one at `path`) that posts to `path`, and send it."""
        text = (await self.client.get(on or path)).text
        return await self.post(path, [*hidden_of(text, path), *pairs_of(fields)])

    async def post(self, path: str, fields: Mapping[str, str] | Sent | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
        return await self.client.post(path, content=urlencode(pairs_of(fields)), headers=headers)


def pairs_of(fields: Mapping[str, str] | Sent | None) -> Sent:
    return list(fields.items()) if isinstance(fields, Mapping) else list(fields or [])


def hidden_of(text: str, action: str) -> Sent:
    """The hidden fields of the form that posts to `action`."""
    found = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.S)
    assert found, f"no form posts to {action}"
    inputs = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', found[1])
    return [(name, unescape(value)) for name, value in inputs]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings(data_dir=tmp_path, public_url=URL, egress_allow=("127.0.0.0/8",), proactive_refresh=False)
    await lay_tables(tmp_path)
    isthmus = await build(settings)
    isthmus.accounts._passwords = Passwords(time_cost=1, memory_kib=64, parallelism=1)

    async def built() -> Isthmus:
        return isthmus

    lines: list[bytes] = []
    asgi = create_asgi(built, logs=Logs("info", LineWriter(lines.append)))
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(asgi({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    house = House(isthmus, asgi)
    house.lines = lines
    yield house
    await house.close()
    await to_app.put({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await life


async def add_service(house: House, practice: Any, like: str, **changes: Any) -> dict[str, Any]:
    """A service of the practice third party; `like` is its name there."""
    document = next(one for one in definitions(practice.url) if one["link_name"] == like)
    return await house.isthmus.directory.create_service(house.isthmus.protect.system_actor(), {**document, **changes})


async def add_connection(house: House, practice: Any, like: str, link_name: str = "crm", **more: Any) -> None:
    """A connection to such a service; not yet authorized."""
    await add_service(house, practice, like)
    document = {"link_name": link_name, "name": link_name.upper(), "service": like, **more}
    await house.isthmus.directory.create_connection(house.isthmus.protect.system_actor(), document)


async def consent(browser: Browser, practice: Any, path: str) -> httpx.Response:
    """Press Proceed on the consent page at `path`, agree at the third party, come back."""
    away = await browser.send(path)
    assert away.status_code == 303, away.text
    back = await asyncio.to_thread(practice.approve, away.headers["location"])
    return await browser.get(back.removeprefix(URL))
