from __future__ import annotations

import dataclasses
from typing import Any

import httpx
import pytest
from tests.web.stand_in import StandIn

from isthmus import errors, records
from isthmus.web.api.requests import NewService

pytestmark = pytest.mark.anyio

SERVICE = {"link_name": "mine", "name": "Mine", "auth_type": "basic"}
CONNECTION = {"link_name": "crm", "service": "practice"}
PERSON = {"email": "bob@example.com", "password": "long enough"}
V1 = "/api/v1"

ROUTES: list[tuple[str, str, dict[str, Any] | None, int, str]] = [
    ("GET", "/services", None, 200, "services"),
    ("POST", "/services", SERVICE, 201, "create_service"),
    ("GET", "/services/practice", None, 200, "service"),
    ("PATCH", "/services/practice", {"name": "New"}, 200, "update_service"),
    ("DELETE", "/services/practice", None, 204, "delete_service"),
    ("POST", "/services/practice/clone", {"link_name": "copy"}, 201, "clone_service"),
    ("GET", "/connections", None, 200, "connections"),
    ("POST", "/connections", CONNECTION, 201, "create_connection"),
    ("GET", "/connections/crm", None, 200, "connection"),
    ("PATCH", "/connections/crm", {"name": "New"}, 200, "update_connection"),
    ("DELETE", "/connections/crm", None, 204, "delete_connection"),
    ("POST", "/connections/crm/connect", {"username": "a", "password": "b"}, 200, "begin"),
    ("POST", "/connections/crm/test", None, 200, "test"),
    ("POST", "/connections/crm/revoke", {"user": "u"}, 200, "revoke"),
    ("POST", "/connections/crm/refresh", None, 200, "refresh"),
    ("POST", "/connections/crm/disable", None, 200, "set_enabled"),
    ("POST", "/connections/crm/enable", None, 200, "set_enabled"),
    ("GET", "/connections/crm/authorizations", None, 200, "authorizations"),
    ("DELETE", "/connections/crm/authorizations/a1", None, 204, "delete_authorization"),
    ("GET", "/connections/crm/snippet", None, 200, "snippet"),
    ("GET", "/connections/crm/timeline", None, 200, "timeline"),
    ("GET", "/connections/crm/calls", None, 200, "calls"),
    ("POST", "/connections/crm/invoke", {"url": "/x"}, 200, "invoke"),
    ("GET", "/connections/crm/credential", None, 200, "lease"),
    ("GET", "/users", None, 200, "users"),
    ("POST", "/users", PERSON, 201, "create_user"),
    ("GET", "/users/u1", None, 200, "user"),
    ("PATCH", "/users/u1", {"role": "developer"}, 200, "update_user"),
    ("DELETE", "/users/u1", None, 204, "delete_user"),
    ("GET", "/api-keys", None, 200, "api_keys"),
    ("POST", "/api-keys", {"name": "CI"}, 201, "create_api_key"),
    ("GET", "/api-keys/k1", None, 200, "api_key"),
    ("DELETE", "/api-keys/k1", None, 204, "revoke_api_key"),
    ("GET", "/me", None, 200, ""),
    ("GET", "/activity", None, 200, "activity"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "use_case"), ROUTES)
async def test_a_route_needs_somebody_and_then_asks_its_use_case(
    client: httpx.AsyncClient,
    app: StandIn,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    status: int,
    use_case: str,
) -> None:
    assert (await client.request(method, V1 + path, json=body)).status_code == 401
    assert app.calls.made == []
    key = {"Authorization": f"Bearer {app.keys['member']}"}
    answer = await client.request(method, V1 + path, json=body, headers=key)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    if use_case:
        arguments, _ = app.calls.last(use_case)
        assert arguments[0].id == "api_key:member"
    if status == 204:
        assert answer.content == b""
    if status == 201:
        assert answer.headers["location"].startswith("/api/v1/")


@pytest.mark.parametrize(("method", "path", "body", "status", "use_case"), [row for row in ROUTES if row[4]])
async def test_a_route_tells_the_error_of_its_use_case(
    admin: httpx.AsyncClient,
    app: StandIn,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    status: int,
    use_case: str,
) -> None:
    app.calls.fail_with = errors.AccessDenied("Not yours.", hint="Ask.")
    answer = await admin.request(method, V1 + path, json=body)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["isthmus-request-id"]


@pytest.mark.parametrize("name", ["Upper", "1st", "a-b", "a" * 51, "%00", "..", "%2e%2e", "a%2fb"])
async def test_a_malformed_name_in_a_path_is_answered_like_an_unknown_one(
    admin: httpx.AsyncClient, app: StandIn, name: str
) -> None:
    for path in (f"/services/{name}", f"/connections/{name}", f"/connections/{name}/timeline"):
        answer = await admin.get(V1 + path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert app.calls.made == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=%00", "limit=-1"])
async def test_a_list_refuses_a_page_it_does_not_give(admin: httpx.AsyncClient, query: str) -> None:
    answer = await admin.get(f"{V1}/connections?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"] == query.split("=")[0]


async def test_a_list_hands_on_its_page_and_filters(admin: httpx.AsyncClient, app: StandIn) -> None:
    answer = await admin.get(f"{V1}/services?kind=custom&category=crm&q=zo&marked=true&limit=7&cursor=abc")
    assert answer.json()["next_cursor"] == "next"
    assert app.calls.last("services")[1] == {
        "kind": "custom",
        "category": "crm",
        "q": "zo",
        "marked": True,
        "limit": 7,
        "cursor": "abc",
    }


async def test_an_unknown_address_and_method_are_problems(admin: httpx.AsyncClient) -> None:
    answer = await admin.get(f"{V1}/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")
    answer = await admin.put(f"{V1}/services")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    for method in ("TRACE", "CONNECT", "BREW"):
        assert (await admin.request(method, f"{V1}/services")).status_code == 405


async def test_head_answers_like_get_without_the_body(admin: httpx.AsyncClient, app: StandIn) -> None:
    for path in ("/connections/no_such", "/services", "/me", "/nowhere"):
        app.calls.fail_with = None
        whole, head = await admin.get(V1 + path), await admin.head(V1 + path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.headers["content-type"] == whole.headers["content-type"]
    assert (await admin.head(f"{V1}/connections/link/connect")).status_code == 405


async def test_options_tells_the_methods_and_lets_no_other_origin_in(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, app: StandIn
) -> None:
    answer = await client.options(f"{V1}/connections/link", headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert (await admin.options(f"{V1}/nowhere")).status_code == 404
    assert app.calls.made == []


async def test_a_method_cannot_be_overridden(admin: httpx.AsyncClient, app: StandIn) -> None:
    await admin.post(f"{V1}/services", json=SERVICE, headers={"X-HTTP-Method-Override": "DELETE"})
    assert app.calls.count("delete_service") == 0


async def test_only_what_was_sent_is_changed(admin: httpx.AsyncClient, app: StandIn) -> None:
    await admin.patch(f"{V1}/services/practice", json={"client_secret": "s", "description": None})
    assert app.calls.last("update_service")[0][2] == {"client_secret": "s", "description": None}


async def test_the_request_id_is_ours_and_new_each_time(admin: httpx.AsyncClient) -> None:
    given = {"X-Request-Id": "theirs", "Isthmus-Request-Id": "theirs"}
    ids = [(await admin.get(f"{V1}/me", headers=given)).headers["isthmus-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert "theirs" not in ids


@pytest.mark.parametrize("host", ["evil.example/path", "a b", "a\x00b", "[", "ok.example@evil", "a" * 300, ""])
async def test_a_host_that_could_be_none_is_refused(admin: httpx.AsyncClient, host: str) -> None:
    sane = host == "["  # characters only are judged; nothing is built from it
    for path in (f"{V1}/me", "/proxy/crm/x", "/healthz"):
        answer = await admin.get(path, headers={"Host": host})
        assert answer.status_code == (200 if sane else 400)


def test_every_field_of_a_service_can_be_set_but_what_is_ours() -> None:
    ours = {"kind"}
    fields = {field.name for field in dataclasses.fields(records.Service)} - ours
    assert fields <= set(NewService.model_fields)
    assert set(NewService.model_fields) - fields == {"client_secret"}
