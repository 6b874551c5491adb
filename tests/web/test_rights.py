"""Role by route by object, over every route of the API as its description lists them, against docs/rights.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.whole import Api

from isthmus.authserver.passwords import Passwords
from isthmus.records import Grant, IssuedToken
from isthmus.storage.contract import Journal

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"
ACTORS = ("limited", "member", "developer", "administrator")
WORDS = {401: "unknown", 403: "no", 404: "hidden"}
ID = "0" * 32
MISSING = {"connections": "missing", "services": "missing", "functions": "standalone.missing"}
CODE = "def main() -> int:\n    return 1\n"
BASIC = {"auth_type": "basic", "base_url": "https://127.0.0.1:1/rest", "hosts": ["127.0.0.1:1"]}
BODIES: dict[str, Any] = {
    "POST /services": {"link_name": "svc_new", "name": "New", **BASIC},
    "PATCH /services/{link_name}": {"name": "Renamed"},
    "POST /services/{link_name}/clone": {"link_name": "svc_copy", "name": "Copy"},
    "POST /connections": {"link_name": "con_new", "name": "New", "service": "wiki"},
    "PATCH /connections/{link_name}": {"name": "Renamed"},
    "POST /connections/{link_name}/connect": {"username": "ada", "password": "x"},
    "POST /connections/{link_name}/invoke": {"url": "/me"},
    "POST /functions": {"name": "standalone.fresh", "language": "python", "code": CODE},
    "POST /functions/check": {"language": "python", "code": CODE},
    "POST /functions/complete": {"language": "deluge", "code": "inf", "line": 1, "column": 4},
    "PUT /functions/{name}": {"description": "Changed"},
    "POST /functions/{name}/roll-back": {"version": 1},
    "POST /triggers": {"function": "standalone.there", "kind": "webhook"},
    "PATCH /triggers/{id}": {"enabled": False},
    "POST /users": {"email": "new@example.com", "role": "member", "password": "long enough"},
    "PATCH /users/{id}": {"name": "Renamed"},
    "POST /api-keys": {"name": "Another", "role": "member"},
    "POST /clients": {"name": "Another", "client_type": "device"},
    "PATCH /clients/{client_id}": {"name": "Renamed"},
    "POST /clients/{client_id}/code": {},
}
"""What each route is sent, so that nothing but the right is in the way."""


@dataclass
class Place:
    """Makes an administrator's object of any kind; its ids by parameter."""

    api: Api
    numbers: Any = field(default_factory=count)

    async def made(self, path: str, document: dict[str, Any] | None, method: str = "POST") -> dict[str, Any]:
        answer = await self.api.ask(method, f"/api/v1{path}", document)
        assert answer.status_code in (200, 201), (path, answer.text)
        return dict(answer.json())

    async def furnish(self) -> None:
        self.api.isthmus.accounts._passwords = Passwords(time_cost=1, memory_kib=64, parallelism=1)
        await self.api.add_key("limited", role="administrator", connections=["elsewhere"])
        await self.made("/services", {"link_name": "wiki", "name": "Wiki", **BASIC})
        await self.function("standalone.there")

    async def function(self, name: str) -> str:
        document = {"name": name, "language": "python", "code": CODE, "run_roles": ["administrator"]}
        await self.made("/functions", document)
        await self.made(f"/functions/{name}/publish", {})
        return name

    async def object(self, path: str) -> dict[str, str]:
        """The ids of an object that this route is about, made for the purpose."""
        kind, number = path.split("/")[1], next(self.numbers)
        if kind == "services":
            made = await self.made("/services", {"link_name": f"svc{number}", "name": f"S{number}", **BASIC})
            return {"link_name": made["link_name"]}
        if kind == "connections":
            return await self._connection(f"con{number}", personal="authorizations" in path)
        if kind == "functions":
            return {"name": await self.function(f"standalone.f{number}")}
        if kind == "runs":
            return {"id": (await self.made("/functions/standalone.there/execute", {}))["run_id"]}
        if kind == "triggers":
            return {"id": (await self.made("/triggers", BODIES["POST /triggers"]))["id"]}
        if kind == "users":
            document = {"email": f"p{number}@example.com", "role": "member", "password": "long enough"}
            return {"id": (await self.made("/users", document))["id"]}
        if kind == "api-keys":
            return {"id": (await self.made("/api-keys", {"name": "Key", "role": "member"}))["id"]}
        client = await self.made("/clients", {"name": "Theirs", "client_type": "self"})
        if kind == "grants":
            return {"id": await self._grant(client["client_id"])}
        return {"client_id": client["client_id"], "id": client["secrets"][0]["id"]}

    async def _connection(self, link_name: str, *, personal: bool) -> dict[str, str]:
        document = {"link_name": link_name, "name": link_name, "service": "wiki", "policy": {"credential_export": True}}
        await self.made("/connections", {**document, "use_credentials_of_login_user": personal})
        given = {"username": "ada", "password": "x", **({"user": "customer-1"} if personal else {})}
        await self.made(f"/connections/{link_name}/connect", given)
        if not personal:
            return {"link_name": link_name}
        found = await self.made(f"/connections/{link_name}/authorizations", None, "GET")
        return {"link_name": link_name, "id": found["items"][0]["id"]}

    async def _grant(self, client_id: str) -> str:
        now, grant_id = datetime.now(UTC), f"{next(self.numbers):032x}"
        grant = Grant(grant_id, client_id, "client_credentials", ("connections.read",), "", "", now, now + timedelta(1))
        token = IssuedToken(f"{grant_id}{grant_id}", "access", grant_id, grant.scopes, now, now + timedelta(1), "")
        await self.api.isthmus.clients._storage.add_grant(grant, (token,), Journal())
        return grant_id

    async def ask(self, method: str, path: str, actor: str, values: dict[str, str]) -> httpx.Response:
        answer: httpx.Response = await self.api.ask(
            method, f"/api/v1{path.format_map(values)}", BODIES.get(f"{method} {path}"), actor
        )
        return answer


def missing(path: str) -> dict[str, str]:
    kind = path.split("/")[1]
    named = MISSING.get(kind, ID)
    return {"link_name": named, "name": named, "client_id": ID, "id": ID}


def told(answer: httpx.Response, values: dict[str, str]) -> tuple[int, str]:
    """Status and body, without what differs between any two requests or names what was asked for."""
    text = re.sub(r'"request_id":"[^"]*"', "", answer.text)
    for value in sorted(set(values.values()), key=len, reverse=True):
        text = text.replace(value, "IT")
    return answer.status_code, text


def published() -> dict[str, tuple[str, ...]]:
    """Route -> what each actor finds, as the page says."""
    rows = re.findall(r"^\| `(\w+ [^`]+)` \| (\w+) \| (\w+) \| (\w+) \| (\w+) \|$", PAGE.read_text("utf-8"), re.M)
    return {route: tuple(words) for route, *words in rows}


def routes(document: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for path, methods in document["paths"].items():
        if path.startswith("/api/v1/") and not path.startswith("/api/v1/hooks/"):
            found += [(method.upper(), path.removeprefix("/api/v1")) for method in methods]
    return found


async def test_the_page_is_what_every_route_answers_to_every_role(api: Api) -> None:
    place = Place(api)
    await place.furnish()
    document = (await api.client.get("/openapi.json")).json()
    found: dict[str, tuple[str, ...]] = {}
    for method, path in routes(document):
        values = await place.object(path) if "{" in path else {}
        words = []
        for actor in ACTORS:
            answer = await place.ask(method, path, actor, values)
            assert "invalid_input" not in answer.text, (method, path, answer.text)  # the body hid the right
            words.append(WORDS.get(answer.status_code, "yes"))
            if method != "GET" and words[-1] == "yes" and "{" in path:
                values = await place.object(path)
        found[f"{method} {path}"] = tuple(reversed(words))
    expected = published()
    lines = [f"| `{route}` | {' | '.join(words)} |" for route, words in found.items() if expected.get(route) != words]
    assert not lines, "docs/rights.md must say:\n" + "\n".join(lines)
    assert expected.keys() == found.keys()


async def test_what_one_may_not_reach_is_answered_like_what_is_not_there(api: Api) -> None:
    """Status and body are the same for an object that one may not read and for none: nobody learns what there is."""
    place = Place(api)
    await place.furnish()
    compared, page = 0, published()
    for route, words in page.items():
        method, path = route.split(" ")
        reads = page.get(f"GET {'/'.join(path.split('/')[:3])}", words)
        refused = [
            actor for actor, word, read in zip(reversed(ACTORS), words, reads, strict=True) if "yes" not in (word, read)
        ]
        if "{" not in path or not refused:
            continue
        theirs, none = await place.object(path), missing(path)
        for actor in refused:
            foreign = await place.ask(method, path, actor, theirs)
            nowhere = await place.ask(method, path, actor, none)
            assert told(foreign, theirs) == told(nowhere, none), (route, actor)
            compared += 1
    assert compared > 60


async def test_nothing_is_answered_without_a_key(api: Api) -> None:
    for method, path in routes((await api.client.get("/openapi.json")).json()):
        target = f"/api/v1{path.format_map(missing(path) if '{' in path else {})}"
        answer = await api.client.request(method, target, json=BODIES.get(f"{method} {path}"))
        assert answer.status_code == 401, (method, path)
