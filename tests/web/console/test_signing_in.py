"""The page about one's own ways in: sessions listed and ended, and showing once more that it is oneself."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.web.console.conftest import PASSWORD, House

from isthmus.storage import Journal
from isthmus.web.session import describe_browser

pytestmark = pytest.mark.anyio
WHERE = "/account/signing-in"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def test_a_session_of_somebody_else_cannot_be_ended(house: House) -> None:
    ann, bob = await house.browser("administrator", "ann"), await house.browser("member", "bob")
    other = await house.browser()
    await other.send("/login", {"email": "ann@example.com", "password": PASSWORD})
    page = await ann.page(WHERE)
    path = re.search(r'action="(/account/sessions/[0-9a-f]{32}/end)"', page)
    assert path
    assert (await bob.post(path[1], {})).status_code == 403
    bobs = await house.browser()
    await bobs.send("/login", {"email": "bob@example.com", "password": PASSWORD})
    own = re.search(r'action="(/account/sessions/[0-9a-f]{32}/end)"', await bob.page(WHERE))
    assert own
    assert own[1] not in page
    assert (await ann.send(path[1], on=WHERE)).headers["location"] == WHERE
    assert path[1] not in await ann.page(WHERE)
    assert (await other.get("/account")).status_code == 303
    assert (await bobs.get("/account")).status_code == 200


async def test_every_browser_is_listed_and_all_others_are_signed_out_at_once(house: House) -> None:
    ann = await house.browser("administrator", "ann")
    other = await house.browser()
    other.client.headers["User-Agent"] = FIREFOX
    await other.send("/login", {"email": "ann@example.com", "password": PASSWORD})
    page = await ann.page(WHERE)
    assert "Firefox on Linux" in page
    assert page.count("this browser") == 1
    assert (await ann.send("/account/sessions/end", on=WHERE)).status_code == 303
    assert "signed out everywhere else" in await ann.page(WHERE)
    assert (await other.get("/account")).status_code == 303


async def test_confirming_takes_the_password_and_leads_only_to_pages_of_ours(house: House) -> None:
    ann = await house.browser("administrator", "ann")
    path = "/account/confirm"
    wrong = await ann.send(path, {"current_password": "wrong"}, on=f"{path}?next={WHERE}")
    assert wrong.status_code == 422
    assert 'id="current_password-wrong"' in wrong.text
    right = await ann.send(path, {"current_password": PASSWORD}, on=f"{path}?next={WHERE}")
    assert (right.status_code, right.headers["location"]) == (303, WHERE)
    away = await ann.send(path, {"current_password": PASSWORD}, on=f"{path}?next=//evil.example")
    assert away.headers["location"] == "/"


async def test_guessing_at_the_confirmation_has_to_wait(house: House) -> None:
    ann = await house.browser("administrator", "ann")
    answers = [await ann.send("/account/confirm", {"current_password": f"wrong {n}"}) for n in range(7)]
    assert [answer.status_code for answer in answers][-1] == 429
    assert "Too many wrong passwords" in answers[-1].text
    assert (
        await (await house.browser()).send("/login", {"email": "ann@example.com", "password": PASSWORD})
    ).is_redirect


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("", ""),
        ("curl/8.0", ""),
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
    ],
)
def test_a_browser_is_told_in_a_few_words(agent: str, words: str) -> None:
    assert describe_browser(agent) == words


async def test_who_has_no_password_is_told_so_and_how_to_confirm(house: House) -> None:
    ann = await house.browser("administrator", "ann")
    user = await house.isthmus._storage.user_by_email("ann@example.com")
    assert user is not None
    await house.isthmus._storage.save_user(replace(user, password_hash=None), Journal())
    page = await ann.page("/account")
    assert "You have none" in page
    assert "current_password" not in page
    page = await ann.page("/account/confirm")
    assert "Sign out, sign in again" in page
    assert "current_password" not in page
    assert (await ann.send("/account", {"name": "Ann B"})).status_code == 303
