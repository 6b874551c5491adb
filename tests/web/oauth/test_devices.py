from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from tests.web.console.conftest import Browser, House, hidden_of
from tests.web.oauth.conftest import Application, error_of, register

from isthmus.errors import NotFound, RateLimited
from isthmus.records import Actor

pytestmark = pytest.mark.anyio
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
async def television(house: House) -> Application:
    return await register(house, "device", name="Television")


async def begin(app: Application, **more: Any) -> dict[str, Any]:
    answer = await app.post("/oauth/v2/device", client_id=app.client_id, **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def poll(app: Application, device_code: str) -> Any:
    return await app.token(grant_type=DEVICE, device_code=device_code)


async def enter(browser: Browser, user_code: str, decision: str = "") -> Any:
    asked = await browser.send("/device", {"user_code": user_code})
    if not decision:
        return asked
    return await browser.post("/device", [*hidden_of(asked.text, "/device"), ("decision", decision)])


def move(house: House, seconds: float) -> None:
    clock = house.isthmus.tokens._clock
    for part in (house.isthmus.tokens, house.isthmus.devices):
        part._clock = lambda: clock() + timedelta(seconds=seconds)


async def test_other_clients_may_not_begin(app: Application, television: Application) -> None:
    answer = await app.post("/oauth/v2/device", client_id=app.client_id, client_secret=app.secret)
    assert error_of(answer) == (400, "unauthorized_client")
    answer = await television.post("/oauth/v2/device", client_id=television.client_id, scope="people.manage")
    assert error_of(answer) == (400, "invalid_scope")
    assert error_of(await television.post("/oauth/v2/device")) == (401, "invalid_client")


async def test_a_device_waits_then_gets_its_tokens_once(television: Application, ada: Browser) -> None:
    begun = await begin(television, scope="connections.read")
    assert begun["verification_uri"] == "http://127.0.0.1:8400/device"
    assert (begun["interval"], begun["expires_in"]) == (5, 600)
    assert error_of(await poll(television, begun["device_code"])) == (400, "authorization_pending")
    page = (await enter(ada, begun["user_code"].lower().replace("-", " "))).text
    for told in ("Television", begun["user_code"], "started elsewhere", "See services and connections"):
        assert told in page
    assert "was allowed" in (await enter(ada, begun["user_code"], "allow")).text
    tokens = (await poll(television, begun["device_code"])).json()
    assert await television.is_live(tokens["access_token"])
    assert "refresh_token" in tokens
    assert error_of(await poll(television, begun["device_code"])) == (400, "invalid_grant")


async def test_asking_too_often_slows_the_device_down(house: House, television: Application) -> None:
    begun = await begin(television)
    assert error_of(await poll(television, begun["device_code"])) == (400, "authorization_pending")
    assert error_of(await poll(television, begun["device_code"])) == (400, "slow_down")
    move(house, 6)
    assert error_of(await poll(television, begun["device_code"])) == (400, "slow_down")
    move(house, 20)
    assert error_of(await poll(television, begun["device_code"])) == (400, "authorization_pending")


async def test_a_refusal_and_the_end_of_time_are_told_apart(
    house: House, television: Application, ada: Browser
) -> None:
    refused, late = await begin(television), await begin(television)
    assert "was refused" in (await enter(ada, refused["user_code"], "refuse")).text
    assert error_of(await poll(television, refused["device_code"])) == (400, "access_denied")
    move(house, 601)
    assert error_of(await poll(television, late["device_code"])) == (400, "expired_token")
    assert (await enter(ada, late["user_code"])).status_code == 422


async def test_a_code_in_the_address_is_still_compared_by_the_person(television: Application, ada: Browser) -> None:
    begun = await begin(television)
    page = await ada.page(f"/device?user_code={begun['user_code']}")
    assert begun["user_code"] in page
    assert "Allow" not in page
    assert error_of(await poll(television, begun["device_code"])) == (400, "authorization_pending")


async def test_a_client_that_changed_since_it_was_shown_is_asked_about_anew(
    house: House, television: Application, ada: Browser
) -> None:
    begun = await begin(television)
    shown = hidden_of((await enter(ada, begun["user_code"])).text, "/device")
    system = house.isthmus.protect.system_actor()
    await house.isthmus.clients.update(system, television.client_id, {"name": "Bank"})
    answer = await ada.post("/device", [*shown, ("decision", "allow")])
    assert (answer.status_code, "Bank" in answer.text, "has changed" in answer.text) == (409, True, True)
    assert error_of(await poll(television, begun["device_code"])) == (400, "authorization_pending")
    assert "was allowed" in (await enter(ada, begun["user_code"], "allow")).text


async def test_guessing_codes_is_slowed_down(television: Application, ada: Browser) -> None:
    begun = await begin(television)
    texts = [(await enter(ada, "BCDF-GHJK")).text for _ in range(6)]
    assert "not known" in texts[0]
    assert "Too many" in texts[-1]
    assert "Allow" not in (await enter(ada, begun["user_code"])).text


async def test_a_thousand_guesses_from_a_hundred_addresses_are_few(house: House) -> None:
    """Of one person: after thirty, an address has one free guess, and then waits."""
    person = await house.person("member", "eve")
    looked_up = 0
    for number in range(1000):
        address = f"198.51.{number % 100}.7"
        visitor = Actor("user", f"user:{person['id']}", "Eve", "member", None, address)
        try:
            await house.isthmus.devices.describe(visitor, "BCDF-GHJK")
        except NotFound:
            looked_up += 1
        except RateLimited:
            continue
    assert 30 <= looked_up <= 200


async def test_a_user_code_has_eight_of_twenty_letters(television: Application) -> None:
    codes = {(await begin(television))["user_code"] for _ in range(20)}
    assert len(codes) == 20
    assert all(re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code) for code in codes)


async def test_a_device_code_is_its_clients_own(house: House, television: Application, ada: Browser) -> None:
    other = await register(house, "device")
    begun = await begin(television)
    await enter(ada, begun["user_code"], "allow")
    assert error_of(await poll(other, begun["device_code"])) == (400, "invalid_grant")
    assert (await poll(television, begun["device_code"])).status_code == 200


async def test_nobody_decides_without_signing_in(house: House, television: Application) -> None:
    stranger = await house.browser()
    answer = await stranger.get("/device?user_code=BCDF-GHJK")
    assert (answer.status_code, answer.headers["location"].startswith("/login?next=/device")) == (303, True)
