from __future__ import annotations

import json

import httpx
import pytest
from tests.web.stand_in import StandIn, connected_client

from isthmus.web.bodies import DEEPEST, LimitedBody, parse_json
from isthmus.web.errors import Refusal

JSON = {"Content-Type": "application/json"}
SERVICE = {"link_name": "mine", "name": "Mine", "auth_type": "basic"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "json_malformed"),
        (b"{} {}", "json_malformed"),
        (b'{"a":NaN}', "json_malformed"),
        (b'{"a":-Infinity}', "json_malformed"),
        (b'{"a":1e999}', "json_malformed"),
        (b'{"a":"\xff"}', "json_malformed"),
        (b"\xef\xbb\xbf{}", "json_malformed"),
        (b'{"a":' + b"9" * 5000 + b"}", "json_malformed"),
        (b'{"a":1,"a":2}', "json_duplicate_key"),
        (b'{"a":{"b":1,"b":1}}', "json_duplicate_key"),
        (b'{"\\u0061":1,"a":2}', "json_duplicate_key"),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "json_too_deep"),
        (b"[" * 100_000, "json_too_deep"),
        (b'{"a":"\\u0000"}', "json_text_refused"),
        (b'{"\\u0000":1}', "json_text_refused"),
        (b'{"a":["\\ud800"]}', "json_text_refused"),
    ],
)
def test_a_body_that_is_not_plain_json_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_json(raw)
    assert caught.value.code == code
    assert caught.value.status == 422


def test_plain_json_is_read_exactly() -> None:
    value = {"n": 2**70, "t": "a\\u0000 é 😀", "f": 1.5, "l": [None, True]}
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST)
    assert parse_json(b'{"a":"\\u0000"}', nul_allowed=True) == {"a": "\0"}


@pytest.mark.anyio
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
async def test_a_body_of_another_type_is_refused(admin: httpx.AsyncClient, app: StandIn, media_type: str) -> None:
    answer = await admin.post("/api/v1/services", content=json.dumps(SERVICE), headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert answer.json()["code"] == "content_type_unsupported"
    assert app.calls.made == []


@pytest.mark.anyio
async def test_a_field_that_cannot_be_set_is_named(admin: httpx.AsyncClient, app: StandIn) -> None:
    for extra in ("tenant_id", "role", "id", "is_admin", "client_secret_sealed", "__proto__"):
        answer = await admin.post("/api/v1/services", json={**SERVICE, extra: "x"})
        assert answer.status_code == 422
        assert answer.json()["code"] == "field_unknown"
        assert answer.json()["field"] == extra
    assert app.calls.made == []


@pytest.mark.anyio
async def test_a_wrong_value_is_named_and_not_repeated(admin: httpx.AsyncClient) -> None:
    body = {**SERVICE, "client_secret": ["hunter2-secret"], "scopes": [{"name": 5}]}
    answer = await admin.post("/api/v1/services", json=body)
    assert answer.status_code == 422
    assert {item["field"] for item in answer.json()["errors"]} == {"client_secret", "scopes.0.name"}
    assert "hunter2" not in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("content", [b"", b"[]", b'"text"', b"null"])
async def test_a_body_that_is_no_object_is_refused(admin: httpx.AsyncClient, content: bytes) -> None:
    answer = await admin.post("/api/v1/services", content=content, headers=JSON)
    assert answer.status_code == 422


@pytest.mark.anyio
async def test_who_asks_is_judged_before_the_body(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/services", content=b"{", headers=JSON)
    assert answer.status_code == 401


@pytest.mark.anyio
async def test_a_body_that_is_declared_too_large_is_not_waited_for() -> None:
    async def receive() -> dict[str, object]:
        raise AssertionError("the body was asked for")

    limited = LimitedBody({"headers": [(b"content-length", b"101")]}, receive, most=100, seconds=1)
    with pytest.raises(Refusal) as caught:
        await limited()
    assert caught.value.code == "body_too_large"


@pytest.mark.anyio
async def test_a_declared_body_over_the_limit_is_refused_unread() -> None:
    app = StandIn(request_bytes=100)
    async with connected_client(app) as client:
        headers = {**JSON, "Authorization": f"Bearer {app.keys['administrator']}"}
        answer = await client.post("/api/v1/services", content=b" " * 101, headers=headers)
        assert answer.status_code == 413
        assert answer.json()["code"] == "body_too_large"
        assert answer.json()["limit"] == 100
        answer = await client.post("/login", content=b"a" * 101)
        assert answer.status_code == 413


@pytest.mark.anyio
async def test_an_optional_body_may_be_left_out(admin: httpx.AsyncClient, app: StandIn) -> None:
    assert (await admin.post("/api/v1/connections/crm/connect")).status_code == 200
    assert app.calls.last("begin")[0][2] == {}
    assert (await admin.post("/api/v1/connections/crm/connect", json={"user": "u"})).status_code == 200
    assert app.calls.last("begin")[0][2] == {"user": "u"}


@pytest.mark.anyio
async def test_what_only_the_server_writes_is_passed_over_so_that_an_answer_can_be_sent_back(
    admin: httpx.AsyncClient, app: StandIn
) -> None:
    extra = {"kind": "default", "redirect_url": "https://x", "created_at": "1999-01-01T00:00:00Z", "connections": 9}
    answer = await admin.post("/api/v1/services", json={**SERVICE, **extra})
    assert answer.status_code == 201
    _, arguments, _ = app.calls.made[-1]
    assert not set(extra) & set(arguments[1])
