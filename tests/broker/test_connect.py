"""Connecting: what is refused first, then each mode end to end against the practice third party."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.world import ADMIN, World, person

from isthmus.errors import AccessDenied, ConnectError, IsthmusError, NotAuthenticated, OutboundError

pytestmark = pytest.mark.anyio


async def begun(world: World, **more: Any) -> tuple[str, dict[str, str]]:
    """A consent that was given at the provider: the callback URL, and the cookies of the browser it belongs to."""
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2", **more)
    proceeding = await world.isthmus.connect.proceed(await world.begin(), None)
    callback = world.practice.approve(proceeding.location)
    return callback, {proceeding.cookie_name: proceeding.browser_secret}


def changed(callback: str, **parameters: str | None) -> str:
    parts = urlsplit(callback)
    query = dict(parse_qsl(parts.query)) | parameters
    return parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


async def nothing_was_stored(world: World) -> bool:
    """Nothing stored, and no code was offered to the token endpoint."""
    document = await world.isthmus.directory.connection(ADMIN, "link")
    return document["status"] != "connected" and world.practice.counters()["token_calls"] == 0


async def test_callback_without_state_is_refused(world: World) -> None:
    callback, cookies = await begun(world)
    with pytest.raises(ConnectError) as caught:
        await world.finish(changed(callback, state=None), cookies)
    assert caught.value.code == "callback_unknown"
    assert await nothing_was_stored(world)


async def test_a_refused_callback_is_written_down_with_where_it_came_from(world: World) -> None:
    callback, _ = await begun(world)
    parameters = parse_qsl(urlsplit(callback).query)
    with pytest.raises(ConnectError):
        await world.isthmus.connect.finish("practice_oauth2", parameters, {}, None, address="192.0.2.7")
    (entry, *_) = (await world.isthmus.directory.activity(ADMIN)).items
    assert (entry["action"], entry["result"], entry["target"]) == ("connection.callback", "refused", "practice_oauth2")
    assert (entry["actor"], entry["address"]) == ("anonymous", "192.0.2.7")
    assert dict(parameters)["code"] not in str(entry)
    assert dict(parameters)["state"] not in str(entry)


@pytest.mark.parametrize("dial", ["wrong_iss", "no_iss"])
async def test_callback_of_another_issuer_spends_no_code(world: World, dial: str) -> None:
    world.practice.dials(**{dial: True})
    callback, cookies = await begun(world)
    with pytest.raises(ConnectError):
        await world.finish(callback, cookies)
    assert await nothing_was_stored(world)


async def test_callback_refuses_a_state_it_did_not_issue(world: World) -> None:
    callback, cookies = await begun(world)
    with pytest.raises(ConnectError):
        await world.finish(changed(callback, state="x" * 43), cookies)
    assert await nothing_was_stored(world)


async def test_callback_in_another_browser_is_refused(world: World) -> None:
    callback, cookies = await begun(world)
    for foreign in ({}, dict.fromkeys(cookies, "another-browser")):
        with pytest.raises(ConnectError):
            await world.finish(callback, foreign)
    assert await nothing_was_stored(world)


async def test_a_refused_foreign_browser_does_not_burn_the_right_one(world: World) -> None:
    callback, cookies = await begun(world)
    with pytest.raises(ConnectError):
        await world.finish(callback, {})
    finished = await world.finish(callback, cookies)
    assert finished.link_name == "link"


async def test_callback_at_another_services_path_is_refused(world: World) -> None:
    callback, cookies = await begun(world)
    await world.service("practice_oauth2", link_name="other_service", name="Other")
    moved = callback.replace("/oauth/callback/practice_oauth2", "/oauth/callback/other_service")
    assert moved != callback
    with pytest.raises(ConnectError):
        await world.finish(moved, cookies)
    assert await nothing_was_stored(world)


async def test_callback_works_once(world: World) -> None:
    callback, cookies = await begun(world)
    await world.finish(callback, cookies)
    calls = world.practice.counters()["token_calls"]
    with pytest.raises(ConnectError):
        await world.finish(callback, cookies)
    assert world.practice.counters()["token_calls"] == calls


async def test_callback_after_eleven_minutes_is_refused(world: World) -> None:
    callback, cookies = await begun(world)
    consent: Any = world.isthmus.connect._consent
    now = consent._clock
    consent._clock = lambda: now() + timedelta(minutes=11)
    with pytest.raises(ConnectError):
        await world.finish(callback, cookies)
    consent._clock = now
    assert await nothing_was_stored(world)


async def test_a_repeated_parameter_in_the_callback_is_refused(world: World) -> None:
    callback, cookies = await begun(world)
    with pytest.raises(ConnectError):
        await world.finish(callback + "&code=another", cookies)
    assert await nothing_was_stored(world)


async def test_denied_consent_is_told_as_such_and_stores_nothing(world: World) -> None:
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2")
    proceeding = await world.isthmus.connect.proceed(await world.begin(), None)
    callback = world.practice.approve(proceeding.location, decision="deny")
    with pytest.raises(ConnectError) as caught:
        await world.finish(callback, {proceeding.cookie_name: proceeding.browser_secret})
    assert caught.value.code == "user_denied"
    assert await nothing_was_stored(world)
    assert "connect_failed" in await world.story()


async def test_the_connect_link_works_in_one_browser_only(world: World) -> None:
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2")
    token = await world.begin()
    await world.isthmus.connect.proceed(token, None)
    with pytest.raises(ConnectError) as caught:
        await world.isthmus.connect.proceed(token, None)
    assert caught.value.code == "connect_link_invalid"


async def test_a_persons_link_cannot_be_finished_by_another_person(world: World) -> None:
    """Session fixation: the link of one person, opened and consented to by another, connects nothing."""
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2", use_credentials_of_login_user=True)
    first, second = person("first"), person("second")
    token = await world.begin(actor=first)
    with pytest.raises(NotAuthenticated):
        await world.isthmus.connect.proceed(token, None)
    with pytest.raises(AccessDenied):
        await world.isthmus.connect.proceed(token, second)
    proceeding = await world.isthmus.connect.proceed(token, first)
    callback = world.practice.approve(proceeding.location, account="grace")
    for visitor, cookies in ((second, {}), (second, {proceeding.cookie_name: proceeding.browser_secret})):
        with pytest.raises(IsthmusError):
            await world.finish(callback, cookies, visitor)
    for actor in (first, second):
        shown = await world.isthmus.directory.connection(actor, "link")
        assert shown["status"] != "connected"
    assert world.practice.counters()["token_calls"] == 0
    told = (await world.isthmus.directory.activity(ADMIN)).items
    codes = [entry["details"]["code"] for entry in told if entry["action"] == "connection.callback"]
    assert sorted(codes) == ["another_person", "callback_unknown"]


async def test_a_malicious_service_that_forwards_to_an_honest_one_gets_no_code(world: World) -> None:
    """Cross-tool account takeover: the attacker's service sends the browser on to the honest provider with the
    attacker's own state; the answer arrives at the honest service's path, where that state belongs to nothing."""
    await world.service("practice_oauth2")
    await world.service(
        "practice_oauth2",
        link_name="attacker",
        name="Attacker",
        access_token_url=f"{world.practice.url}/attacker/token",
    )
    await world.connection("attacker")
    proceeding = await world.isthmus.connect.proceed(await world.begin(), None)
    cookies = {proceeding.cookie_name: proceeding.browser_secret}
    honest = proceeding.location.replace("%2Foauth%2Fcallback%2Fattacker", "%2Foauth%2Fcallback%2Fpractice_oauth2")
    assert honest != proceeding.location
    callback = world.practice.approve(honest)
    with pytest.raises(ConnectError):
        await world.finish(callback, cookies)
    assert await nothing_was_stored(world)
    assert not [entry for entry in world.practice.log() if "attacker" in entry["path"]]


async def test_starts_never_share_a_state_a_challenge_or_a_redirect_id(world: World) -> None:
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2")
    states: set[str] = set()
    challenges: set[str] = set()
    for _ in range(1000):
        proceeding = await world.isthmus.connect.proceed(await world.begin(), None)
        query = dict(parse_qsl(urlsplit(proceeding.location).query))
        assert query["code_challenge_method"] == "S256"
        assert query["redirect_uri"].endswith("/oauth/callback/practice_oauth2")
        states.add(query["state"])
        challenges.add(query["code_challenge"])
    assert len(states) == len(challenges) == 1000
    assert min(len(state) for state in states) >= 43


@pytest.mark.parametrize(
    ("service", "wrong", "field"),
    [
        ("practice_basic", {"username": "ada", "password": "wrong"}, "password"),
        ("practice_api_key", {"parameters": {"X-Api-Key": "wrong"}}, "parameters"),
    ],
)
async def test_a_wrong_credential_is_refused_and_the_old_one_kept(
    world: World, service: str, wrong: dict[str, Any], field: str
) -> None:
    await world.connected(service)
    with pytest.raises(ConnectError) as caught:
        await world.isthmus.connect.begin(ADMIN, "link", wrong)
    assert (caught.value.code, caught.value.field) == ("credential_refused", field)
    assert caught.value.details["cause"] == "api_key_wrong"
    assert "refresh" not in caught.value.hint
    assert (await world.call()).status == 200


@pytest.mark.parametrize(
    ("dials", "changes"),
    [
        ({"form_encoded": True}, {}),
        ({"token_lifetime_seconds": None}, {}),
        ({"rotation": "keep"}, {}),
        ({}, {"client_authentication": "post", "client_id": "practice-post"}),
        ({}, {"client_authentication": "basic_raw", "client_id": "practice-basic-raw"}),
        ({}, {"client_authentication": "none", "client_id": "practice-public", "client_secret": ""}),
    ],
    ids=["form answer", "no expires_in", "no new refresh token", "client in the body", "raw Basic", "public client"],
)
async def test_what_providers_do_differently_connects_and_refreshes(
    world: World, dials: dict[str, Any], changes: dict[str, Any]
) -> None:
    world.practice.dials(**dials)
    await world.service("practice_oauth2", **changes)
    await world.connection("practice_oauth2")
    await world.authorize()
    for _ in range(2):
        assert (await world.isthmus.upkeep.refresh(ADMIN, "link"))["status"] == "connected"
        assert (await world.call()).status == 200
    assert world.practice.counters()["reuse_detected"] == 0


async def test_a_token_endpoint_that_is_down_is_told_and_nothing_is_stored(world: World) -> None:
    callback, cookies = await begun(world)
    world.practice.dials(token={"fail_status": 503})
    with pytest.raises((ConnectError, OutboundError)):
        await world.finish(callback, cookies)
    assert (await world.isthmus.directory.connection(ADMIN, "link"))["status"] == "not_connected"


@pytest.mark.parametrize(
    "service",
    ["practice_oauth2", "practice_oauth2_client", "practice_oauth1", "practice_basic", "practice_api_key"],
)
async def test_each_mode_connects_and_calls(world: World, service: str) -> None:
    await world.connected(service)
    document = await world.shown()
    assert document["status"] == "connected"
    assert document["status_reason"] is None
    answer = await world.call()
    assert answer.status == 200


async def test_reconnecting_as_another_account_is_reported(world: World) -> None:
    await world.connected("practice_oauth2")
    finished = await world.authorize(account="grace")
    assert finished.connected_as.startswith("grace")
    assert "account_changed" in await world.story()


async def test_each_person_has_an_authorization_of_their_own(world: World) -> None:
    await world.service("practice_oauth2")
    await world.connection("practice_oauth2", use_credentials_of_login_user=True)
    first, second = person("first"), person("second")
    await world.authorize(actor=first, visitor=first, account="ada")
    await world.authorize(actor=second, visitor=second, account="grace")
    assert b"ada" in (await world.call(actor=first)).body
    assert b"grace" in (await world.call(actor=second)).body
    with pytest.raises(IsthmusError):
        await world.call(actor=person("third"))
