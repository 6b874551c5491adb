"""The routes of triggers and webhooks, over HTTP, on the whole application."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.tables import lay_tables
from tests.web.stand_in import running
from tests.world import ADMIN, PUBLIC_URL, environ

from isthmus.app import build
from isthmus.settings import Settings
from isthmus.web.logs import LineWriter

pytestmark = pytest.mark.anyio

CODE = 'def main(email: str = ""):\n    return email\n'
NAME = "standalone.hello"
PATH = "/api/v1/triggers"
SECRET = "the sender's"


class Logged(LineWriter):
    """Keeps what a log has."""

    def __init__(self) -> None:
        self.kept = b""
        super().__init__(self._keep)

    def _keep(self, data: bytes) -> None:
        self.kept += data


class Api:
    def __init__(self, client: httpx.AsyncClient, keys: dict[str, str], logged: Logged) -> None:
        self.client = client
        self.keys = keys
        self.logged = logged

    async def ask(self, method: str, path: str, body: Any = None, key: str = "administrator") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[key]}"}
        return await self.client.request(method, path, json=body, headers=headers)

    async def made(self, **document: Any) -> dict[str, Any]:
        answer = await self.ask("POST", PATH, {"function": NAME, **document})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def hook(self, signature: str = "github") -> str:
        webhook = {"signature": signature, **({"secret": SECRET} if signature != "none" else {})}
        made = await self.made(kind="webhook", webhook=webhook, mapping={"email": "${body.email}"})
        return str(made["webhook"]["url"])


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    await lay_tables(tmp_path)
    isthmus = await build(Settings.load(environ(tmp_path, request_bytes="20000")))
    keys = {}
    for role in ("administrator", "member"):
        keys[role] = (await isthmus.accounts.create_api_key(ADMIN, {"name": role, "role": role}))["key"]
    await isthmus.functions.edit.create(ADMIN, {"name": NAME, "language": "python", "code": CODE})
    await isthmus.functions.edit.publish(ADMIN, NAME)
    logged = Logged()
    async with running(isthmus, writer=logged) as asgi:
        transport = httpx.ASGITransport(app=asgi, client=("192.0.2.7", 4711), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            yield Api(client, keys, logged)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "function"),
        ({"function": NAME, "kind": "moon"}, "kind"),
        ({"function": NAME, "kind": "schedule", "schedule": {"cron": 5}}, "schedule.cron"),
        ({"function": NAME, "kind": "schedule", "schedule": {"cron": "* * * *"}}, "schedule.cron"),
        ({"function": NAME, "kind": "webhook", "token_hash": "x"}, "token_hash"),
    ],
)
async def test_a_malformed_trigger_is_refused_and_its_field_named(api: Api, body: Any, field: str) -> None:
    answer = await api.ask("POST", PATH, body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert (await api.ask("GET", PATH)).json()["items"] == []


async def test_without_a_credential_or_the_right_there_are_no_triggers(api: Api) -> None:
    assert (await api.client.get(PATH)).status_code == 401
    assert (await api.ask("GET", PATH, key="member")).status_code == 403
    assert (await api.ask("POST", PATH, {"function": NAME, "kind": "webhook"}, key="member")).status_code == 403


async def test_a_trigger_is_made_read_changed_and_removed(api: Api) -> None:
    made = await api.made(kind="schedule", schedule={"cron": "30 8 * * MON-FRI", "timezone": "Europe/Berlin"})
    path = f"{PATH}/{made['id']}"
    assert (await api.ask("GET", path)).json() == made
    assert made["schedule"]["next_times"]
    changed = await api.ask("PATCH", path, {"enabled": False, "name": "morning"})
    assert (changed.status_code, changed.json()["enabled"], changed.json()["name"]) == (200, False, "morning")
    assert (await api.ask("PATCH", path, {"kind": "event"})).status_code == 422
    assert [one["id"] for one in (await api.ask("GET", f"{PATH}?function={NAME}")).json()["items"]] == [made["id"]]
    assert (await api.ask("DELETE", path)).status_code == 204
    assert (await api.ask("GET", path)).status_code == 404


async def test_a_delivery_needs_no_credential_but_its_signature(api: Api) -> None:
    url, body = await api.hook(), b'{"email": "ann@example.com"}'
    good = {"X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
    for headers in ({}, {"X-Hub-Signature-256": "sha256=00"}, {"Authorization": f"Bearer {api.keys['administrator']}"}):
        refused = await api.client.post(url, content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "signature_refused")
    answer = await api.client.post(url, content=body, headers={**good, "Content-Type": "application/json"})
    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    run = (await api.ask("GET", f"/api/v1/runs/{answer.json()['run_id']}")).json()
    assert (run["trigger"], run["arguments"]) == ("webhook", {"email": "ann@example.com"})


async def test_an_unknown_url_is_404_and_a_large_body_413(api: Api) -> None:
    url = await api.hook("none")
    assert (await api.client.post(url + "x", content=b"{}")).status_code == 404
    assert (await api.client.post("/api/v1/hooks/" + "x" * 5000)).status_code in (404, 414)
    large = await api.client.post(url, content=b"x" * 20001, headers={"Content-Type": "text/plain"})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert (await api.client.post(url, content=b"{", headers={"Content-Type": "application/json"})).status_code == 422
    assert (await api.client.get(url)).status_code == 405


async def test_the_url_of_a_webhook_is_in_no_log_line(api: Api) -> None:
    url = await api.hook("none")
    assert (await api.client.post(url)).status_code == 202
    assert (await api.client.post(url + "x")).status_code == 404
    api.logged.flush()
    assert b"/api/v1/hooks/***" in api.logged.kept
    assert url.rsplit("/", 1)[1].encode() not in api.logged.kept
