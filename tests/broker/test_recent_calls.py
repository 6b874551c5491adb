"""The list of recent calls: both sides of a call, and no secret in either."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.world import ADMIN, World, person

from isthmus.broker.call import StreamCall
from isthmus.errors import AccessDenied, DestinationDenied, OutboundError
from isthmus.practice.state import API_KEY, CLIENT_SECRET
from isthmus.records import CallRecord

pytestmark = pytest.mark.anyio
KEEPING = {"keep_bodies": True}
JSON = "application/json"


async def recent(world: World) -> list[dict[str, Any]]:
    await world.isthmus._ledger.flush()
    return list((await world.isthmus.directory.calls(ADMIN, "link")).items)


async def stored(world: World) -> list[CallRecord]:
    await world.isthmus._ledger.flush()
    connection = await world.isthmus.directory._storage.connection("link")
    assert connection is not None
    return list((await world.isthmus.directory._storage.calls(connection.id, limit=50)).items)


def named(side: dict[str, Any]) -> dict[str, tuple[str | None, bool]]:
    return {one["name"].lower(): (one["value"], one["attached"]) for one in side["headers"]}


async def test_a_call_says_what_was_sent_and_what_came_and_withholds_what_could_be_secret(world: World) -> None:
    await world.connected("practice_api_key")
    headers = (("X-Caller", "cnry-header"), ("Cookie", "cnry-cookie"), ("Accept", "text/x-mine"))
    await world.call("/echo?q=cnry-query", method="POST", headers=headers, body={"a": "cnry-body"})
    ((call),) = await recent(world)
    request = named(call["request"])
    assert request["x-api-key"] == (None, True)
    assert request["x-caller"] == request["cookie"] == (None, False)
    assert request["accept"] == ("text/x-mine", False)
    assert request["user-agent"][0].startswith("isthmus/")  # type: ignore[union-attr]
    assert request["content-length"] == (str(call["request"]["size"]), False)
    assert (call["request"]["media_type"], call["request"]["size"]) == (JSON, len(b'{"a": "cnry-body"}'))
    answer = named(call["answer"])
    assert answer["content-type"] == (JSON, False)
    assert call["answer"]["size"] > 100
    assert call["request"]["body"] is call["answer"]["body"] is None
    assert "cnry" not in json.dumps(call)
    assert API_KEY not in json.dumps(call)


@pytest.mark.parametrize(
    "service", ["practice_basic", "practice_oauth2", "practice_oauth1", "practice_two_keys", "practice_oauth2_client"]
)
async def test_the_attached_credential_is_named_and_never_shown(world: World, service: str) -> None:
    await world.connected(service, policy=KEEPING)
    url = "/oauth1/api/me" if service == "practice_oauth1" else "/me"
    await world.call(url)
    ((call),) = await recent(world)
    attached = [one for one in call["request"]["headers"] if one["attached"]]
    assert {one["value"] for one in attached} == {None}
    assert {one["name"].lower() for one in attached} <= {"authorization", "x-app-id", "x-app-key"}
    assert attached
    entry = await world.isthmus.invoker.lookup.find("link", "")
    assert entry.opened is not None
    assert entry.headers is None or not any(value in json.dumps(call) for _, value in entry.headers)


async def test_a_call_that_was_refused_here_sent_nothing_and_one_that_failed_got_nothing(world: World) -> None:
    await world.connected("practice_basic", policy=KEEPING)
    with pytest.raises(DestinationDenied):
        await world.call("https://elsewhere.example/x", method="POST", body="cnry")
    shown = await world.isthmus.directory.service(ADMIN, "practice_basic")
    await world.isthmus.directory.update_service(ADMIN, "practice_basic", {"hosts": [*shown["hosts"], "127.0.0.1:1"]})
    with pytest.raises(OutboundError):
        await world.call("http://127.0.0.1:1/me", method="POST", body={"kept": 1})
    failed, refused = await recent(world)
    assert (refused["request"], refused["answer"], refused["error"]) == (None, None, "host_not_allowed")
    assert failed["answer"] is None
    assert named(failed["request"])["authorization"] == (None, True)
    assert json.loads(failed["request"]["body"]) == {"kept": 1}


async def test_no_body_is_kept_unless_the_policy_says_so(world: World) -> None:
    await world.connected("practice_basic")
    made: list[Any] = []
    record = world.isthmus._ledger.record
    world.isthmus._ledger.record = lambda *a, **k: (made.append(a[2]), record(*a, **k))  # type: ignore[method-assign,assignment,func-returns-value]
    await world.call("/echo", method="POST", body={"a": "cnry-body"})
    (make,) = made
    assert make().bodies_sealed is None  # not even for a second, in memory
    ((call),) = await stored(world)
    assert call.bodies_sealed is None


async def test_bodies_are_kept_redacted_and_sealed_where_the_policy_says_so(world: World) -> None:
    await world.connected("practice_api_key", policy=KEEPING)
    body = {"city": "Oslo", "password": "cnry-password", "note": f"mine is {API_KEY}", "of": "cnry-caller-header"}
    await world.call("/echo", method="POST", body=body, headers=(("X-Caller", "cnry-caller-header"),))
    ((record),) = await stored(world)
    assert record.bodies_sealed is not None
    assert b"Oslo" not in record.bodies_sealed
    ((call),) = await recent(world)
    assert json.loads(call["request"]["body"]) == {
        "city": "Oslo",
        "password": "***",
        "note": "mine is ***",
        "of": "***",
    }
    assert call["request"]["body_cut"] is call["answer"]["body_cut"] is False
    assert "Oslo" in call["answer"]["body"]
    assert "cnry" not in json.dumps(call)
    assert API_KEY not in json.dumps(call)
    assert world.isthmus.directory._recorder.bodies(record)
    assert not world.isthmus.directory._recorder.bodies(
        replace(record, id="another")
    )  # in another row it does not open


async def test_only_the_first_4_kib_are_kept_and_no_pictures(world: World) -> None:
    await world.connected("practice_basic", policy=KEEPING)
    await world.call("/echo", method="POST", body="x" * 5000)
    await world.call("/sink", method="POST", body=b"\x89PNG", content_type="image/png")
    picture, long = await recent(world)
    assert (len(long["request"]["body"]), long["request"]["body_cut"], long["request"]["size"]) == (4096, True, 5000)
    assert long["answer"]["body_cut"] is True
    assert picture["request"]["body"] is None
    assert (picture["request"]["media_type"], picture["request"]["size"]) == ("image/png", 4)
    assert json.loads(picture["answer"]["body"]) == {"received": 4}


async def test_a_form_is_kept_as_it_was_sent(world: World) -> None:
    await world.connected("practice_oauth2", policy=KEEPING)
    parameters = {"q": "a b", "client_secret": CLIENT_SECRET, "note": CLIENT_SECRET}
    await world.call("/echo", method="POST", parameters=parameters)
    ((call),) = await recent(world)
    assert call["request"]["body"] == "q=a+b&client_secret=***&note=***"


async def test_switching_it_off_removes_what_was_kept_and_what_is_still_to_be_written(world: World) -> None:
    await world.connected("practice_basic", policy=KEEPING)
    await world.call("/echo", method="POST", body={"a": 1})
    assert [bool(call.bodies_sealed) for call in await stored(world)] == [True]
    await world.call("/echo", method="POST", body={"a": 2})
    await world.isthmus.directory.update_connection(ADMIN, "link", {"policy": {"keep_bodies": False}})
    await world.call("/echo", method="POST", body={"a": 3})
    assert [call.bodies_sealed for call in await stored(world)] == [None, None, None]


async def test_who_may_not_see_the_calls_sees_none_of_it(world: World) -> None:
    await world.connected("practice_basic", policy=KEEPING)
    with pytest.raises(AccessDenied):
        await world.isthmus.directory.calls(person("mia"), "link")
    assert (await world.isthmus.directory.calls(person("dev", "developer"), "link")).items == []


async def test_a_proxied_call_counts_what_was_streamed_and_keeps_no_body(world: World) -> None:
    await world.connected("practice_basic", policy=KEEPING)

    async def chunks() -> Any:
        yield b"abc"
        yield b"defg"

    call = StreamCall("POST", "/sink?q=cnry", (("X-Caller", "cnry"), ("content-type", "text/plain")), chunks())
    async with world.isthmus.invoker.stream(ADMIN, "link", call) as answer:
        received = b"".join([chunk async for chunk in answer.chunks])
    ((kept),) = await recent(world)
    assert (kept["request"]["media_type"], kept["request"]["size"]) == ("text/plain", 7)
    assert kept["answer"]["size"] == len(received)
    assert named(kept["request"])["authorization"] == (None, True)
    assert named(kept["request"])["x-caller"] == (None, False)
    assert kept["request"]["body"] is kept["answer"]["body"] is None
    assert "cnry" not in json.dumps(kept)


async def test_of_a_redirect_the_request_that_was_asked_for_is_told(world: World) -> None:
    await world.connected("practice_basic", policy=KEEPING)
    await world.call("/redirect?code=307&to=/basic/api/echo", method="POST", body={"first": 1})
    ((call),) = await recent(world)
    assert named(call["request"])["authorization"] == (None, True)
    assert json.loads(call["request"]["body"]) == {"first": 1}
    assert "/echo" in call["answer"]["body"]
