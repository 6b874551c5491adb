"""Set-up, signing in and out, one's own account; who is not signed in sees nothing."""

from __future__ import annotations

import asyncio

import pytest
from tests.web.console.conftest import PASSWORD, House, hidden_of

pytestmark = pytest.mark.anyio
FIRST = {"name": "Ann", "email": "ann@example.com", "password": PASSWORD}


async def link_of(house: House) -> str:
    link = await house.isthmus.setup.link()
    assert link is not None
    return link.removeprefix("http://127.0.0.1:8400")


async def test_a_guessed_set_up_link_makes_nobody(house: House) -> None:
    browser = await house.browser()
    for token in ("0" * 64, "x", "0" * 63, "..%2f"):
        assert (await browser.get(f"/setup/{token}")).status_code == 404
        assert (await browser.post(f"/setup/{token}", FIRST)).status_code in (403, 404)
    assert not await house.isthmus.accounts.has_administrator()


async def test_set_up_says_what_is_wrong_and_keeps_what_was_typed(house: House) -> None:
    browser, path = await house.browser(), await link_of(house)
    answer = await browser.send(path, {**FIRST, "email": "nowhere", "password": "short"})
    assert answer.status_code == 422
    assert "not an e-mail address" in answer.text
    assert 'value="nowhere"' in answer.text
    assert "short" not in answer.text.replace("shortcut", "")
    answer = await browser.send(path, {**FIRST, "password": "short"})
    assert 'id="password-wrong"' in answer.text
    assert not await house.isthmus.accounts.has_administrator()


async def test_the_set_up_link_works_once_and_signs_in(house: House) -> None:
    browser, path = await house.browser(), await link_of(house)
    assert "no administrator yet" in await browser.page("/login")
    answer = await browser.send(path, FIRST)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Get Started" in await browser.page("/")
    assert await house.isthmus.setup.link() is None
    other = await house.browser()
    assert (await other.get(path)).status_code == 409
    assert (await other.post(path, FIRST)).status_code in (403, 409)
    log = b"".join(house.lines)
    assert path.rsplit("/", 1)[1].encode() not in log


async def test_of_two_at_the_same_moment_one_becomes_the_administrator(house: House) -> None:
    path = await link_of(house)
    browsers = [await house.browser() for _ in range(4)]
    answers = await asyncio.gather(
        *(browser.send(path, {**FIRST, "email": f"p{n}@example.com"}) for n, browser in enumerate(browsers))
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert (await house.isthmus.accounts.users(house.isthmus.protect.system_actor())).items[0][
        "role"
    ] == "administrator"


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(house: House) -> None:
    browser = await house.browser()
    await house.person("administrator", "ann")
    for path in ("/", "/account"):
        answer = await browser.get(path)
        assert (answer.status_code, answer.content) == (303, b"")
    assert (await browser.get("/account")).headers["location"] == "/login?next=/account"
    answer = await browser.send("/login", {"email": "ann@example.com", "password": PASSWORD}, on="/login?next=/account")
    assert answer.headers["location"] == "/account"
    part = await (await house.browser()).get("/account", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/login")


@pytest.mark.parametrize("path", ["/account%0d%0aSet-Cookie:%20a=b", "/a%2f%2fevil.example", "/\\evil"])
async def test_an_odd_address_does_not_reach_the_headers(house: House, path: str) -> None:
    answer = await (await house.browser()).get(path)
    assert answer.status_code in (303, 404)
    assert "set-cookie" not in answer.headers
    assert answer.headers.get("location", "/login") == "/login"


async def test_a_form_from_another_page_or_browser_changes_nothing(house: House) -> None:
    browser = await house.browser("administrator")
    page = await browser.page("/account")
    fields = hidden_of(page, "/account")
    foreign = await (await house.browser()).post("/account", [*fields, ("name", "Eve")])
    assert (foreign.status_code, foreign.headers["location"]) == (303, "/login")
    logout = hidden_of(page, "/logout")
    for bad in ([], [("form_token", "00")], logout):
        answer = await browser.post("/account", [*bad, ("name", "Eve")])
        assert answer.status_code == 403
    evil = {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post("/account", content=f"form_token={fields[0][1]}&name=Eve", headers=evil)
    assert answer.status_code == 403
    assert 'value="Administrator"' in await browser.page("/account")
    assert (await browser.post("/account", [*fields, ("name", "Ann")])).status_code == 303
    assert 'value="Ann"' in await browser.page("/account")


async def test_form_tokens_differ_each_time_and_all_hold(house: House) -> None:
    browser = await house.browser("administrator")
    tokens = [hidden_of(await browser.page("/account"), "/account") for _ in range(3)]
    assert len({token[0][1] for token in tokens}) == 3
    for token in tokens:
        assert (await browser.post("/account", [*token, ("name", "Ann")])).status_code == 303


async def test_a_new_password_needs_the_present_one_and_ends_every_other_session(house: House) -> None:
    browser = await house.browser("member", "bob")
    other = await house.browser()
    assert (await other.send("/login", {"email": "bob@example.com", "password": PASSWORD})).status_code == 303
    new = "a much longer sentence"
    refused = await browser.send("/account", {"name": "Bob", "password": new, "current_password": "wrong"})
    assert refused.status_code == 422
    assert 'id="current_password-wrong"' in refused.text
    assert new not in refused.text
    saved = await browser.send("/account", {"name": "Bob", "password": new, "current_password": PASSWORD})
    assert saved.status_code == 303
    assert "signed out everywhere else" in await browser.page("/account")
    assert (await other.get("/account")).headers["location"].startswith("/login")
    assert (await other.send("/login", {"email": "bob@example.com", "password": new})).status_code == 303


async def test_what_was_done_is_said_once_and_only_in_our_words(house: House) -> None:
    browser = await house.browser("administrator")
    assert (await browser.send("/account", {"name": "Ann"})).status_code == 303
    assert "Your account was saved." in await browser.page("/account")
    assert "Your account was saved." not in await browser.page("/account")
    browser.client.cookies.set("isthmus_done", "<b>anything</b>")
    assert "anything" not in await browser.page("/account")


async def test_pages_are_compressed_where_the_browser_takes_it(house: House) -> None:
    browser = await house.browser("administrator")
    packed = await browser.get("/account", headers={"Accept-Encoding": "gzip"})
    plain = await browser.get("/account", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text[:500] == plain.text[:500]
    for name in ("console.css", "console.js", "htmx.js"):
        path = next(part.split('"')[0] for part in plain.text.split('="') if part.startswith(f"/static/{name}"))
        file = await browser.get(path, headers={"Accept-Encoding": "gzip"})
        assert file.headers["content-encoding"] == "gzip"
        assert "immutable" in file.headers["cache-control"]
        assert "immutable" not in (await browser.get(f"/static/{name}")).headers["cache-control"]
