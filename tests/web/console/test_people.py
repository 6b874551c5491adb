"""Users and API keys in the browser."""

from __future__ import annotations

import re
from html import unescape

import pytest
from tests.web.console.conftest import PASSWORD, House, add_connection

pytestmark = pytest.mark.anyio
PAGES = ("/users", "/new/user", "/keys", "/new/key", "/settings", "/activity")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ["developer", "member"])
async def test_only_administrators_see_the_pages_that_administer(house: House, path: str, role: str) -> None:
    browser = await house.browser(role)  # type: ignore[arg-type]
    assert (await browser.get(path)).status_code == 403
    assert f'href="{path}"' not in await browser.page("/")


async def test_a_user_that_cannot_be_is_told_beside_the_field_and_keeps_what_was_typed(house: House) -> None:
    browser = await house.browser("administrator")
    form = {"name": "Grace", "email": "nonsense", "role": "developer", "password": PASSWORD}
    answer = await browser.send("/new/user", form)
    assert answer.status_code == 422
    assert 'id="email-wrong"' in answer.text
    assert 'value="Grace"' in answer.text
    assert PASSWORD not in answer.text
    taken = await browser.send("/new/user", {**form, "email": "administrator@example.com"})
    assert "There is a person with this e-mail address." in taken.text


async def test_a_user_is_created_once_changed_and_deleted(house: House) -> None:
    browser = await house.browser("administrator")
    form = {"name": "Grace", "email": "grace@example.com", "role": "developer", "password": PASSWORD}
    assert (await browser.send("/new/user", form)).headers["location"] == "/users"
    listed = await browser.page("/users")
    assert "The user was created." in listed
    path = re.findall(r'<a href="(/users/[\w-]+)">Grace</a>', listed)[0]
    grace = await house.browser()
    assert (await grace.send("/login", {"email": form["email"], "password": PASSWORD})).status_code == 303
    off = {"name": "Grace Hopper", "email": form["email"], "role": "developer", "disabled": "yes"}
    assert (await browser.send(path, off)).headers["location"] == "/users"
    assert "switched off" in await browser.page("/users")
    assert (await grace.get("/")).headers["location"].startswith("/login")
    refused = await browser.send(f"{path}/delete", {"typed": "somebody@example.com"})
    assert refused.status_code == 422
    assert (await browser.send(f"{path}/delete", {"typed": form["email"]})).headers["location"] == "/users"
    assert "Grace Hopper" not in await browser.page("/users")


async def test_the_last_administrator_cannot_step_down_or_go(house: House) -> None:
    browser = await house.browser("administrator")
    path = re.findall(r'href="(/users/[\w-]+)"', await browser.page("/users"))[0]
    changes = {"name": "Me", "email": "administrator@example.com", "role": "member"}
    answer = await browser.send(path, changes)
    assert answer.status_code == 422
    assert "This is the last administrator." in answer.text
    gone = await browser.send(f"{path}/delete", {"typed": "administrator@example.com"})
    assert "Make another person an administrator first." in gone.text


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(house: House, practice: object) -> None:
    await add_connection(house, practice, "practice_basic")
    browser = await house.browser("administrator")
    form = [("name", "Import"), ("role", "member"), ("reach", "some"), ("connection", "crm"), ("lasts", "30")]
    made = await browser.send("/new/key", form)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    key = unescape(re.findall(r'id="made"[^>]*value="([^"]+)"', made.text)[0])
    program = await house.browser()
    own = {"Authorization": f"Bearer {key}"}
    assert [one["link_name"] for one in (await program.get("/api/v1/connections", headers=own)).json()["items"]] == [
        "crm"
    ]
    listed = await browser.page("/keys")
    assert key not in listed
    assert key[-4:] in listed
    assert "in 1 month" in listed
    path = re.findall(r'href="(/keys/[\w-]+/revoke)"', listed)[0]
    assert (await browser.send(path)).headers["location"] == "/keys"
    assert (await program.get("/api/v1/connections", headers=own)).status_code == 401
    assert "revoked" in await browser.page("/keys")


async def test_a_key_is_made_that_runs_only_what_was_ticked(house: House) -> None:
    browser = await house.browser("administrator")
    assert "There is no function yet" in await browser.page("/new/key")
    form = [("name", "Import"), ("role", "member"), ("reach", "all"), ("runs", "some"), ("function", "a.b")]
    assert (await browser.send("/new/key", [*form, ("lasts", "30")])).status_code == 200
    listed = await browser.page("/keys")
    assert '<code class="small">a.b</code>' in listed


async def test_a_key_without_a_name_is_not_made(house: House) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/new/key", {"name": "", "role": "member", "reach": "all", "lasts": ""})
    assert answer.status_code == 422
    assert 'id="name-wrong"' in answer.text
    assert "No API keys yet" in await browser.page("/keys")
