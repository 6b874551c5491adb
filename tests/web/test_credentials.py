from __future__ import annotations

from base64 import b64encode

import httpx
import pytest
from tests.web.stand_in import ADDRESS, SESSION, StandIn, connected_client

from isthmus.web.credentials import read_cookies

pytestmark = pytest.mark.anyio
OWN_ORIGIN = {"Origin": "http://127.0.0.1:8400"}


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize("path", ["/api/v1/me", "/proxy/crm/x"])
async def test_a_request_without_credential_is_refused_without_details(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="isthmus"'
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("path", ["/api/v1/me", "/proxy/crm/x"])
@pytest.mark.parametrize("value", ["Bearer wrong", "Bearer", "Digest x", "", "bearer \xff"])
async def test_a_credential_that_is_none_is_refused(client: httpx.AsyncClient, path: str, value: str) -> None:
    answer = await client.get(path, headers={"Authorization": value.encode("latin-1")})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("path", ["/api/v1/me", "/proxy/crm/x"])
async def test_two_credentials_in_one_request_are_refused(client: httpx.AsyncClient, app: StandIn, path: str) -> None:
    key = app.keys["member"]
    answer = await client.get(path, headers={"Authorization": f"Bearer {key}", "Isthmus-Key": key})
    assert answer.status_code == 400
    assert answer.json()["code"] == "two_credentials"
    twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    assert (await client.get(path, headers=twice)).status_code == 400
    assert app.calls.made == []


async def test_a_key_beside_a_session_is_refused(client: httpx.AsyncClient, app: StandIn) -> None:
    headers = {"Authorization": f"Bearer {app.keys['member']}", "Cookie": f"isthmus={SESSION}"}
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 400


async def test_a_key_in_the_query_is_no_credential(client: httpx.AsyncClient, app: StandIn) -> None:
    answer = await client.get("/api/v1/me", params={"access_token": app.keys["member"]})
    assert answer.status_code == 401


async def test_basic_is_for_the_proxy_only(client: httpx.AsyncClient, app: StandIn) -> None:
    for text in (f"{app.keys['member']}:", f"anything:{app.keys['member']}"):
        assert (await client.get("/api/v1/me", headers={"Authorization": basic(text)})).status_code == 401
        assert (await client.get("/proxy/crm/x", headers={"Authorization": basic(text)})).status_code == 200
    for value in (basic("ann:secret"), "Basic !!!", "Basic"):
        assert (await client.get("/proxy/crm/x", headers={"Authorization": value})).status_code == 401


async def test_a_session_is_no_credential_for_the_proxy(client: httpx.AsyncClient) -> None:
    answer = await client.get("/proxy/crm/x", headers={"Cookie": f"isthmus={SESSION}", **OWN_ORIGIN})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/me", "/proxy/crm/x"])
@pytest.mark.parametrize("header", ["Authorization: Bearer ", "Authorization: token ", "Isthmus-Key: "])
async def test_a_key_is_known_in_each_of_its_places(
    client: httpx.AsyncClient, app: StandIn, path: str, header: str
) -> None:
    name, _, prefix = header.partition(": ")
    answer = await client.get(path, headers={name: prefix + app.keys["member"]})
    assert answer.status_code == 200
    assert app.protect.addresses == [ADDRESS]


async def test_forwarded_headers_do_not_change_the_caller_s_address(client: httpx.AsyncClient, app: StandIn) -> None:
    spoofed = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Real-IP": "10.0.0.1"}
    headers = {"Authorization": f"Bearer {app.keys['member']}", **spoofed}
    for path in ("/api/v1/me", "/proxy/crm/x"):
        await client.get(path, headers=headers)
    assert set(app.protect.addresses) == {ADDRESS}
    assert {line["address"] for line in app.log if "address" in line} == {ADDRESS}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8400.evil.example"},
        {"Origin": "https://127.0.0.1:8400"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:8400", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_a_session_changes_nothing_for_another_site(
    client: httpx.AsyncClient, app: StandIn, headers: dict[str, str]
) -> None:
    for method, path in (("POST", "/api/v1/connections/crm/revoke"), ("DELETE", "/api/v1/services/practice")):
        answer = await client.request(method, path, headers={"Cookie": f"isthmus={SESSION}", **headers})
        assert answer.status_code == 403
        assert answer.json()["code"] == "cross_site"
    assert app.calls.made == []


@pytest.mark.parametrize("headers", [OWN_ORIGIN, {"Sec-Fetch-Site": "same-origin"}])
async def test_a_session_changes_something_for_our_own_pages(
    client: httpx.AsyncClient, app: StandIn, headers: dict[str, str]
) -> None:
    cookie = {"Cookie": f"isthmus={SESSION}"}
    answer = await client.post("/api/v1/connections/crm/revoke", headers={**cookie, **headers})
    assert answer.status_code == 200
    assert (await client.get("/api/v1/me", headers=cookie)).json()["id"] == "user:ann"


async def test_an_ended_session_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/me", headers={"Cookie": "isthmus=unknown"})
    assert answer.status_code == 401
    assert answer.json()["code"] == "session_ended"


async def test_a_cookie_that_came_twice_counts_for_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/me", headers={"Cookie": f"isthmus=planted; isthmus={SESSION}"})
    assert answer.status_code == 401
    assert read_cookies([(b"cookie", b"a=1; b=2; a=3"), (b"cookie", b"c=4=5; odd")]) == {"b": "2", "c": "4=5"}


async def test_behind_https_only_the_host_bound_cookie_counts() -> None:
    app = StandIn(public_url="https://isthmus.example")
    async with connected_client(app) as client:
        assert (await client.get("/api/v1/me", headers={"Cookie": f"isthmus={SESSION}"})).status_code == 401
        assert (await client.get("/api/v1/me", headers={"Cookie": f"__Host-isthmus={SESSION}"})).status_code == 200
