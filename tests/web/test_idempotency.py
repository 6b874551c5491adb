from __future__ import annotations

import asyncio

import httpx
import pytest
from tests.web.stand_in import StandIn

from isthmus import errors

pytestmark = pytest.mark.anyio

PATH = "/api/v1/connections/crm/invoke"
BODY = {"url": "/orders", "type": "POST"}
KEY = {"Idempotency-Key": "k1"}


@pytest.mark.parametrize("key", ["", "x" * 256, "line\tbreak", b"\xff"])
async def test_a_malformed_key_is_refused(admin: httpx.AsyncClient, app: StandIn, key: str | bytes) -> None:
    answer = await admin.post(PATH, json=BODY, headers={"Idempotency-Key": key})  # type: ignore[dict-item]
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_malformed"
    assert app.calls.made == []


async def test_another_request_under_the_same_key_is_refused(admin: httpx.AsyncClient, app: StandIn) -> None:
    await admin.post(PATH, json=BODY, headers=KEY)
    answer = await admin.post(PATH, json={**BODY, "url": "/other"}, headers=KEY)
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert app.calls.count("invoke") == 1


async def test_a_request_still_under_way_is_not_begun_again(admin: httpx.AsyncClient, app: StandIn) -> None:
    app.calls.pause_seconds = 0.2
    first, second = await asyncio.gather(
        admin.post(PATH, json=BODY, headers=KEY), admin.post(PATH, json=BODY, headers=KEY)
    )
    assert sorted((first.status_code, second.status_code)) == [200, 409]
    assert app.calls.count("invoke") == 1


async def test_the_same_request_gets_the_same_answer_and_is_done_once(admin: httpx.AsyncClient, app: StandIn) -> None:
    first = await admin.post(
        "/api/v1/services", json={"link_name": "a", "name": "A", "auth_type": "basic"}, headers=KEY
    )
    again = await admin.post(
        "/api/v1/services", json={"link_name": "a", "name": "A", "auth_type": "basic"}, headers=KEY
    )
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert first.headers["content-type"] == again.headers["content-type"]
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert app.calls.count("create_service") == 1


async def test_a_key_belongs_to_one_caller_and_one_route(admin: httpx.AsyncClient, app: StandIn) -> None:
    await admin.post("/api/v1/connections/crm/enable", headers=KEY)
    await admin.post("/api/v1/connections/crm/disable", headers=KEY)
    await admin.post("/api/v1/connections/crm/enable", headers={**KEY, "Authorization": f"Bearer {app.keys['member']}"})
    assert app.calls.count("set_enabled") == 3


async def test_an_answer_that_says_nothing_was_done_is_not_kept(admin: httpx.AsyncClient, app: StandIn) -> None:
    for error in (errors.InputError("No."), errors.NotConnected("No."), errors.StorageError("No.")):
        app.calls.fail_with = error
        await admin.post(PATH, json=BODY, headers=KEY)
    app.calls.fail_with = None
    answer = await admin.post(PATH, json=BODY, headers=KEY)
    assert answer.status_code == 200
    assert app.calls.count("invoke") == 4


@pytest.mark.parametrize("error", [errors.TimedOut("Slow."), errors.Unreachable("Gone."), RuntimeError("bug")])
async def test_a_failure_after_which_something_may_have_been_done_is_kept(
    admin: httpx.AsyncClient, app: StandIn, error: Exception
) -> None:
    app.calls.fail_with = error
    first = await admin.post(PATH, json=BODY, headers=KEY)
    app.calls.fail_with = None
    again = await admin.post(PATH, json=BODY, headers=KEY)
    assert first.status_code == again.status_code >= 500
    assert first.json()["code"] == again.json()["code"]
    assert app.calls.count("invoke") == 1


async def test_a_key_on_a_request_that_is_no_post_changes_nothing(admin: httpx.AsyncClient, app: StandIn) -> None:
    for _ in range(2):
        await admin.delete("/api/v1/services/practice", headers=KEY)
    assert app.calls.count("delete_service") == 2
    assert app.idempotency.known == {}
