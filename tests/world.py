"""A whole Isthmus for tests: real storage, real outbound, the practice third party on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.tables import lay_tables

from isthmus.app import Isthmus, build
from isthmus.broker.call import Answer, Call
from isthmus.broker.connect import Finished
from isthmus.practice import definitions, sample_values
from isthmus.records import Actor
from isthmus.settings import Settings

ADMIN = Actor("system", "system", "operator", "administrator")
PUBLIC_URL = "http://127.0.0.1:8400"


def person(name: str, role: Any = "member") -> Actor:
    """Somebody who is signed in."""
    return Actor("user", f"user:{name}", name, role)


def environ(data_dir: Path, **more: str) -> dict[str, str]:
    """Settings for tests: loopback may be reached, nothing happens in the background unless asked for."""
    return {
        "ISTHMUS_DATA_DIR": str(data_dir),
        "ISTHMUS_PUBLIC_URL": PUBLIC_URL,
        "ISTHMUS_EGRESS_ALLOW": "127.0.0.0/8",
        "ISTHMUS_PROACTIVE_REFRESH": "false",
        **{f"ISTHMUS_{key.upper()}": value for key, value in more.items()},
    }


@dataclass(frozen=True)
class World:
    """The product and a third party to use it on."""

    isthmus: Isthmus
    practice: Any

    async def service(self, like: str, **changes: Any) -> dict[str, Any]:
        """Create one of the practice party's services as a custom service, with changes."""
        document = next(d for d in definitions(self.practice.url) if d["link_name"] == like)
        return await self.isthmus.directory.create_service(ADMIN, {**document, **changes})

    async def connection(self, service: str, link_name: str = "link", **more: Any) -> dict[str, Any]:
        document = {"link_name": link_name, "name": link_name, "service": service, **more}
        return await self.isthmus.directory.create_connection(ADMIN, document)

    async def begin(self, link_name: str = "link", actor: Actor = ADMIN, **document: Any) -> str:
        """The token of the connect link."""
        answer = await self.isthmus.connect.begin(actor, link_name, document)
        assert answer["status"] == "connecting"
        return str(answer["authorize_url"].rsplit("/", 1)[1])

    async def authorize(
        self,
        link_name: str = "link",
        actor: Actor = ADMIN,
        *,
        visitor: Actor | None = None,
        account: str = "ada",
        **document: Any,
    ) -> Finished:
        """A consent from the connect link to the stored grant, in one browser."""
        token = await self.begin(link_name, actor, **document)
        proceeding = await self.isthmus.connect.proceed(token, visitor)
        callback = self.practice.approve(proceeding.location, account=account)
        cookies = {proceeding.cookie_name: proceeding.browser_secret}
        return await self.finish(callback, cookies, visitor)

    async def finish(self, callback: str, cookies: Mapping[str, str], visitor: Actor | None = None) -> Finished:
        parts = urlsplit(callback)
        service = parts.path.rsplit("/", 1)[1]
        parameters = parse_qsl(parts.query, keep_blank_values=True)
        return await self.isthmus.connect.finish(service, parameters, cookies, visitor)

    async def connected(self, service: str = "practice_oauth2", link_name: str = "link", **more: Any) -> None:
        """A service, a connection and its grant, in one go."""
        created = await self.service(service)
        await self.connection(service, link_name, **more)
        values: dict[str, Any] = sample_values().get(service, {})
        if created["auth_type"] in ("basic", "api_key") or created["grant_type"] != "authorization_code":
            await self.isthmus.connect.begin(ADMIN, link_name, values)
        else:
            await self.authorize(link_name)

    async def call(self, url: str = "/me", link_name: str = "link", actor: Actor = ADMIN, **more: Any) -> Answer:
        return await self.isthmus.invoker.invoke(actor, link_name, Call(url=url, **more))

    async def shown(self, link_name: str = "link", actor: Actor = ADMIN) -> dict[str, Any]:
        """The connection's document, once what was observed has been written."""
        await self.isthmus._observer.settle()
        return await self.isthmus.directory.connection(actor, link_name)

    async def story(self, link_name: str = "link") -> list[str]:
        """The kinds of the timeline's entries, oldest first."""
        page = await self.isthmus.directory.timeline(ADMIN, link_name, limit=100)
        return [entry["kind"] for entry in reversed(page.items)]


@asynccontextmanager
async def open_world(data_dir: Path, practice: Any, **settings: str) -> AsyncIterator[World]:
    """A World on SQLite in `data_dir`, or on the database that `settings` name."""
    if "database_url" not in settings:
        await lay_tables(data_dir)
    isthmus = await build(Settings.load(environ(data_dir, **settings)))
    try:
        yield World(isthmus, practice)
    finally:
        await isthmus.stop()
