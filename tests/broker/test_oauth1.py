"""OAuth 1.0a end to end, against a third party that verifies octet by octet: what is refused, and what is learnt."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.world import ADMIN, World

from isthmus.broker.call import StreamCall
from isthmus.errors import ConnectError, InputError
from isthmus.records import HttpResponse

pytestmark = pytest.mark.anyio


async def begun(world: World, **changes: Any) -> tuple[str, dict[str, str]]:
    await world.service("practice_oauth1", **changes)
    await world.connection("practice_oauth1")
    proceeding = await world.isthmus.connect.proceed(await world.begin(), None)
    return world.practice.approve(proceeding.location), {proceeding.cookie_name: proceeding.browser_secret}


def changed(callback: str, **parameters: str | None) -> str:
    parts = urlsplit(callback)
    query = {**dict(parse_qsl(parts.query)), **parameters}
    return parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


def exchanges(world: World) -> list[dict[str, Any]]:
    return [entry for entry in world.practice.log() if entry["path"] == "/oauth1/token"]


async def status(world: World) -> str:
    return str((await world.isthmus.directory.connection(ADMIN, "link"))["status"])


async def test_a_third_party_that_does_not_confirm_the_callback_is_left(world: World) -> None:
    world.practice.dials(callback_confirmed=False)
    await world.service("practice_oauth1")
    await world.connection("practice_oauth1")
    with pytest.raises(ConnectError) as caught:
        await world.isthmus.connect.proceed(await world.begin(), None)
    assert "oauth_callback_confirmed" in caught.value.message
    assert exchanges(world) == []


async def test_a_callback_with_the_token_of_another_attempt_is_refused(world: World) -> None:
    callback, cookies = await begun(world)
    other = await world.isthmus.connect.proceed(await world.begin(), None)
    swapped = dict(parse_qsl(urlsplit(world.practice.approve(other.location)).query))["oauth_token"]
    for theirs in (cookies, {**cookies, other.cookie_name: "not-its-browser"}):
        with pytest.raises(ConnectError) as caught:
            await world.finish(changed(callback, oauth_token=swapped), theirs)
        assert caught.value.code == "callback_unknown"
    assert exchanges(world) == []
    assert await status(world) != "connected"


async def test_a_callback_without_verifier_is_refused(world: World) -> None:
    callback, cookies = await begun(world)
    with pytest.raises(ConnectError):
        await world.finish(changed(callback, oauth_verifier=None), cookies)
    assert exchanges(world) == []
    assert await status(world) == "not_connected"


async def test_plaintext_over_plain_http_sends_nothing(world: World) -> None:
    await world.service("practice_oauth1", signature_method="PLAINTEXT")
    await world.connection("practice_oauth1")
    before = len(world.practice.log())
    with pytest.raises(InputError) as caught:
        await world.isthmus.connect.proceed(await world.begin(), None)
    assert caught.value.field == "signature_method"
    assert len(world.practice.log()) == before


@pytest.mark.parametrize("skew", [600, -600])
async def test_a_clock_that_is_off_is_learnt_in_every_leg(world: World, skew: int) -> None:
    world.practice.dials(clock_skew_seconds=skew)
    callback, cookies = await begun(world)
    # As if by a process that has not talked to the third party yet.
    clocks: Any = world.isthmus.invoker._clocks
    clocks._offsets.clear()
    finished = await world.finish(callback, cookies)
    assert finished.connected_as == "ada"
    clocks._offsets.clear()
    assert (await world.call()).status == 200
    refused = [entry for entry in world.practice.log() if entry["outcome"] == "timestamp_refused"]
    assert len(refused) == 3  # once for each time that nothing was known of the clock
    clocks._offsets.clear()
    assert (await world.isthmus.upkeep.test(ADMIN, "link"))["ok"]


async def test_a_refusal_by_a_clock_that_is_right_is_not_repeated(world: World) -> None:
    callback, cookies = await begun(world)
    with pytest.raises(ConnectError):
        await world.finish(changed(callback, oauth_verifier="verifier_" + "x" * 32), cookies)
    assert len(exchanges(world)) == 1


async def test_every_attempt_has_a_nonce_of_its_own(world: World, elsewhere: Any) -> None:
    await world.connected("practice_oauth1")
    hosts = [elsewhere.host, urlsplit(world.practice.url).netloc]
    await world.isthmus.directory.update_service(ADMIN, "practice_oauth1", {"hosts": hosts})
    elsewhere.busy = 1
    assert (await world.call(f"{elsewhere.url}/x")).status == 200
    signed = [re.findall(r'oauth_(nonce|signature)="([^"]+)"', seen["authorization"]) for seen in elsewhere.requests]
    (first, second) = map(dict, signed)
    assert first["nonce"] != second["nonce"]
    assert first["signature"] != second["signature"]
    assert min(len(first["nonce"]), len(second["nonce"])) >= 16


async def test_a_body_is_signed_where_the_service_asks_for_it(world: World) -> None:
    world.practice.dials(body_hash_required=True)
    await world.service("practice_oauth1", signature_body_hash=True)
    await world.connection("practice_oauth1")
    await world.authorize()
    answer = await world.call("/echo", method="POST", body={"n": "\u00e4"})
    assert answer.status == 200
    assert json.loads(json.loads(answer.body)["body"]) == {"n": "\u00e4"}
    form = await world.call("/echo", method="POST", parameters={"a": "1"})
    assert form.status == 200


async def test_a_body_that_is_not_signed_is_refused_where_the_third_party_wants_it(world: World) -> None:
    await world.connected("practice_oauth1")
    world.practice.dials(body_hash_required=True)
    assert (await world.call("/echo", method="POST", body={"n": 1})).status == 401


async def test_a_streamed_body_that_cannot_be_signed_whole_is_refused(world: World) -> None:
    world.practice.dials(body_hash_required=True)
    await world.service("practice_oauth1", signature_body_hash=True)
    await world.connection("practice_oauth1")
    await world.authorize()

    async def chunks() -> Any:
        yield b"{}"

    async def send(length: int | None) -> int:
        headers = (("content-type", "application/json"), *([("content-length", str(length))] if length else []))
        call = StreamCall("POST", "/echo", headers, chunks(), length, None, "r1")
        async with world.isthmus.invoker.stream(ADMIN, "link", call) as answer:
            return answer.status

    assert await send(2) == 200
    for length in (None, 70_000):
        with pytest.raises(InputError) as caught:
            await send(length)
        assert caught.value.field == "body"


async def test_only_a_date_that_can_be_read_teaches_anything(world: World) -> None:
    clocks: Any = world.isthmus.invoker._clocks
    for headers in ((), (("date", "yesterday"),), (("date", ""),)):
        assert not clocks.learn("practice_oauth1", HttpResponse(401, headers, b""))
