"""invokeurl: where a credential may go, how it is attached, and what comes back."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from tests.world import ADMIN, World, person

from isthmus.broker.call import StreamCall
from isthmus.errors import AccessDenied, DestinationDenied, InputError, NotConnected, OutboundError, StorageError

pytestmark = pytest.mark.anyio

TRICKS = [
    "https://elsewhere.example/me",
    "http://127.0.0.1:1/me",
    "http://HOST@elsewhere.example/",
    "http://elsewhere.example#@HOST/",
    "http://elsewhere.example?@HOST/",
    "http://HOST.elsewhere.example/",
    "http://HOST\\.elsewhere.example/",
    "http://HOST\t/",
    "http://HOST\n/",
    "//elsewhere.example/me",
    "file:///etc/passwd",
    "gopher://HOST/",
    "javascript:alert(1)",
    "http://user:password@HOST/me",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "ftp://HOST/",
]


@pytest.mark.parametrize("trick", TRICKS)
async def test_no_url_takes_the_credential_elsewhere(world: World, trick: str) -> None:
    await world.connected("practice_basic")
    calls = world.practice.counters()["api_calls"]
    host = world.practice.url.removeprefix("http://")
    with pytest.raises((DestinationDenied, InputError)) as caught:
        await world.call(trick.replace("HOST", host))
    assert caught.value.hint
    assert world.practice.counters()["api_calls"] == calls


@pytest.mark.parametrize(
    "headers",
    [
        (("X-A", "b\r\nX-Injected: 1"),),
        (("X-A\r\n", "b"),),
        (("X-A", "b\0"),),
        (("Host", "elsewhere.example"),),
        (("Content-Length", "5"),),
        (("Transfer-Encoding", "chunked"),),
        (("Connection", "X-Api-Key"),),
        (("Proxy-Authorization", "x"),),
    ],
)
async def test_no_header_breaks_out(world: World, headers: Any) -> None:
    await world.connected("practice_basic")
    calls = world.practice.counters()["api_calls"]
    with pytest.raises(InputError) as caught:
        await world.call("/echo", headers=headers)
    assert (caught.value.field or "").startswith("headers")
    assert world.practice.counters()["api_calls"] == calls


async def test_a_callers_authorization_is_replaced_not_doubled(world: World) -> None:
    await world.connected("practice_api_key")
    answer = await world.call("/echo", headers=(("x-api-key", "mine"), ("X-Other", "kept")))
    headers = json.loads(answer.body)["headers"]
    assert headers["x-other"] == "kept"
    assert headers["x-api-key"].startswith("sha256:")
    assert b"mine" not in answer.body


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "service", ["practice_basic", "practice_api_key", "practice_two_keys", "practice_oauth2", "practice_oauth1"]
)
async def test_a_redirect_never_carries_the_credential_to_another_origin(
    world: World, service: str, code: int, elsewhere: Any
) -> None:
    await world.connected(service)
    shown = await world.isthmus.directory.service(ADMIN, service)
    hosts = [*shown["hosts"], elsewhere.host]
    await world.isthmus.directory.update_service(ADMIN, service, {"hosts": hosts})
    answer = await world.call(f"/redirect?code={code}&to={elsewhere.url}/x", headers=(("X-Private-Token", "mine"),))
    assert answer.status == 200
    (seen,) = elsewhere.requests
    assert "authorization" not in seen
    assert "x-api-key" not in seen
    assert "x-app-key" not in seen
    assert "x-private-token" not in seen


async def test_a_redirect_outside_the_hosts_is_refused(world: World, elsewhere: Any) -> None:
    await world.connected("practice_basic")
    with pytest.raises(DestinationDenied):
        await world.call(f"/redirect?to={elsewhere.url}/x")
    assert elsewhere.requests == []


async def test_a_redirect_within_the_origin_is_followed_with_the_credential(world: World) -> None:
    await world.connected("practice_oauth1")  # signed anew for the other URL
    answer = await world.call("/redirect?to=/oauth1/api/me")
    assert answer.status == 200
    assert b"ada" in answer.body


async def test_the_policy_limits_methods_and_paths(world: World) -> None:
    await world.connected("practice_basic", policy={"methods": ["GET"], "path_prefixes": ["/items", "/me"]})
    assert (await world.call("/me")).status == 200
    assert (await world.call("/items?x=1")).status == 200
    for url, method in (("/me", "POST"), ("/echo", "GET"), ("/mean", "GET"), ("/items/../echo", "GET")):
        with pytest.raises((AccessDenied, DestinationDenied)):
            await world.call(url, method=method)


async def test_a_lease_needs_the_policys_leave_and_is_written_down_first(world: World) -> None:
    await world.connected("practice_oauth2")
    with pytest.raises(AccessDenied) as caught:
        await world.isthmus.invoker.lease(ADMIN, "link")
    assert caught.value.code == "export_denied"
    await world.isthmus.directory.update_connection(ADMIN, "link", {"policy": {"credential_export": True}})
    lease = await world.isthmus.invoker.lease(ADMIN, "link")
    assert lease["headers"]["Authorization"].startswith("Bearer at_")
    assert lease["expires_at"]
    activity = await world.isthmus.directory.activity(ADMIN, target="link")
    assert "credential.lease" in [entry["action"] for entry in activity.items]


async def test_what_cannot_be_written_down_is_not_done(world: World) -> None:
    await world.connected("practice_oauth2", policy={"credential_export": True})
    before = await world.shown()
    with closing(sqlite3.connect(next(world.isthmus.settings.data_dir.glob("*.sqlite")))) as database:
        database.execute("ALTER TABLE activity RENAME TO away")
        database.commit()
        for act in (
            lambda: world.isthmus.invoker.lease(ADMIN, "link"),
            lambda: world.isthmus.directory.update_connection(ADMIN, "link", {"name": "Other"}),
            lambda: world.isthmus.directory.delete_connection(ADMIN, "link"),
            lambda: world.isthmus.connect.begin(ADMIN, "link", {}),
        ):
            with pytest.raises(StorageError):
                await act()
        database.execute("ALTER TABLE away RENAME TO activity")
        database.commit()
    shown = await world.shown()
    assert (shown["name"], shown["status"]) == (before["name"], "connected")


async def test_a_signed_credential_is_not_leased(world: World) -> None:
    await world.connected("practice_oauth1", policy={"credential_export": True})
    with pytest.raises(InputError) as caught:
        await world.isthmus.invoker.lease(ADMIN, "link")
    assert caught.value.code == "not_exportable"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    ("call", "content_type", "body"),
    [
        ({"parameters": {"a": "1", "b": ["x", "y z"]}}, "application/x-www-form-urlencoded", "a=1&b=x&b=y+z"),
        ({"parameters": "as it is"}, "text/plain", "as it is"),
        ({"body": {"n": 12345678901234567890}}, "application/json", '{"n": 12345678901234567890}'),
        ({"parameters": {"a": 1}, "content_type": "application/json"}, "application/json", '{"a": 1}'),
        ({"body": "<x/>", "content_type": "application/xml"}, "application/xml", "<x/>"),
    ],
)
async def test_bodies_arrive_as_given(
    world: World, method: str, call: dict[str, Any], content_type: str, body: str
) -> None:
    await world.connected("practice_basic")
    seen = json.loads((await world.call("/echo", method=method, **call)).body)
    assert seen["method"] == method
    assert seen["headers"]["content-type"].startswith(content_type)
    assert seen["body"] == body


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_parameters_of_other_methods_go_into_the_query(world: World, method: str) -> None:
    await world.connected("practice_basic")
    seen = json.loads((await world.call("/echo?x=0", method=method, parameters={"a": "b c", "d": [1, 2]})).body)
    assert seen["query"] == [["x", "0"], ["a", "b c"], ["d", "1"], ["d", "2"]]


async def test_whatever_the_third_party_answers_comes_back(world: World) -> None:
    await world.connected("practice_basic")
    for status in (200, 204, 400, 403, 404, 409, 500):
        assert (await world.call(f"/status/{status}", method="POST")).status == status


async def test_a_dead_third_party_is_told_as_unreachable(world: World) -> None:
    await world.connected("practice_basic")
    from tests.served import free_port

    port = free_port()
    await world.isthmus.directory.update_service(
        ADMIN, "practice_basic", {"hosts": [f"127.0.0.1:{port}"], "base_url": f"http://127.0.0.1:{port}", "test": None}
    )
    with pytest.raises(OutboundError) as caught:
        await world.call("/me")
    assert caught.value.code == "connection_refused"
    assert str(port) not in caught.value.message


async def test_a_signed_form_travels_through_the_proxy_as_it_was_sent(world: World) -> None:
    await world.connected("practice_oauth1")
    body = b"a=1&a=1&b=%C3%A4+x&c="

    async def chunks() -> Any:
        yield body

    headers = (("content-type", "application/x-www-form-urlencoded"), ("content-length", str(len(body))))
    call = StreamCall("POST", "/echo?q=%2F", headers, chunks(), len(body), None, "r1")
    async with world.isthmus.invoker.stream(ADMIN, "link", call) as answer:
        assert answer.status == 200
        seen = json.loads(b"".join([chunk async for chunk in answer.chunks]))
    assert sorted(seen["body"].split("&")) == sorted(["a=1", "a=1", "b=%C3%A4+x", "c="])


async def test_a_personal_connection_needs_to_know_whose(world: World) -> None:
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2", use_credentials_of_login_user=True)
    with pytest.raises(InputError) as caught:
        await world.call()
    assert caught.value.field == "user"
    with pytest.raises(NotConnected):
        await world.call(user="customer-1")
    with pytest.raises(AccessDenied):
        await world.call(actor=person("first"), user="user:second")


async def test_a_clock_that_is_off_is_learnt_from_the_answer(world: World) -> None:
    await world.connected("practice_oauth1")
    world.practice.dials(clock_skew_seconds=600)
    assert (await world.call()).status == 200
    assert (await world.call()).status == 200


async def test_recent_calls_hold_no_query_values(world: World) -> None:
    await world.connected("practice_basic")
    await world.call("/echo?secret=cnry-1", headers=(("X-A", "cnry-2"),))
    await world.isthmus._ledger.flush()
    page = await world.isthmus.directory.calls(ADMIN, "link")
    assert page.items[0]["status"] == 200
    assert page.items[0]["url"].endswith("/echo?secret=***")
    assert "cnry" not in str(page.items)
