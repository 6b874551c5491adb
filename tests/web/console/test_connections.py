"""Connections in the browser, over HTTP: from the empty page to the summary and everything it offers."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any

import pytest
from tests.practice_server import PracticeServer
from tests.web.console.conftest import Browser, House, Sent, add_connection, add_service, consent, hidden_of

from isthmus.practice import sample_values

pytestmark = pytest.mark.anyio
PASSWORD = sample_values()["practice_basic"]["password"]
BASIC = {"username": sample_values()["practice_basic"]["username"], "password": PASSWORD}


async def connected(house: House, practice: PracticeServer, browser: Browser) -> None:
    await add_connection(house, practice, "practice_basic")
    answer = await browser.send("/connections/crm/connect", BASIC)
    assert (answer.status_code, answer.headers["location"]) == (303, "/connections/crm")


def say(text: str) -> str:
    """The page's text, as somebody reads it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


async def test_a_member_sees_connections_but_may_change_none(house: House, practice: PracticeServer) -> None:
    await add_connection(house, practice, "practice_basic")
    member = await house.browser("member")
    assert "CRM" in await member.page("/connections")
    text = await member.page("/connections/crm")
    for word in ("/edit", "/delete", "/disable", "Create Connection"):
        assert word not in text
    pages = ("/new/connection", "/new/connection/practice_basic", "/connections/crm/edit", "/connections/crm/delete")
    for path in pages:
        answer = await member.get(path)
        assert answer.status_code == 403, path
        assert "role member does not have" in answer.text
    token = hidden_of(await member.page("/account"), "/account")
    for path in ("disable", "enable", "delete", "edit", "revoke", "test"):
        assert (await member.post(f"/connections/crm/{path}", token)).status_code == 403
    admin = await house.browser("administrator")
    for act, fields in (("disable", {}), ("delete", {"typed": "crm"}), ("edit", {"name": "Stolen"})):
        page = await admin.page({"disable": "/connections/crm"}.get(act, f"/connections/crm/{act}"))
        sent = [*hidden_of(page, f"/connections/crm/{act}"), *fields.items()]
        # The form's token belongs to the administrator's browser: the member's cookie does not go with it.
        assert (await member.post(f"/connections/crm/{act}", sent)).status_code == 403
    assert "CRM" in await admin.page("/connections/crm")


async def test_the_server_refuses_what_the_page_does_not_offer(house: House, practice: PracticeServer) -> None:
    await add_connection(house, practice, "practice_basic")
    member = await house.browser("member")
    own = {"Origin": "http://127.0.0.1:8400", "Content-Type": "application/x-www-form-urlencoded"}
    for path, fields in (("disable", ""), ("delete", "typed=crm"), ("edit", "name=Stolen"), ("test", "")):
        answer = await member.client.post(f"/connections/crm/{path}", content=fields, headers=own)
        assert answer.status_code in (403, 409), path
    assert "CRM" in await member.page("/connections/crm")


@pytest.mark.parametrize("path", ["/connections/none", "/connections/none/edit", "/new/connection/none"])
async def test_what_is_not_there_is_a_page_that_leads_on(house: House, path: str) -> None:
    answer = await (await house.browser("administrator")).get(path)
    assert answer.status_code == 404
    assert 'href="/connections"' in answer.text


async def test_the_empty_page_explains_and_leads_to_the_services(house: House) -> None:
    browser = await house.browser("administrator")
    for path in ("/", "/connections"):
        text = await browser.page(path)
        assert 'href="/connections?started=1">Get Started' in text
        assert "Create Connection" not in text
    started = await browser.page("/connections?started=1")
    assert re.search(r'href="/new/connection">.*Create Connection</a>', started, re.S)
    assert "No connections yet" in started
    text = await browser.page("/new/connection")
    assert "Default Services" in text
    assert "Custom Services" in text
    assert 'href="/new/connection/github"' in text
    assert "No custom services yet" in await browser.page("/new/connection?tab=custom")


async def test_services_are_found_as_one_types(house: House) -> None:
    browser = await house.browser("administrator")
    part = (await browser.get("/new/connection?q=slac", headers={"HX-Request": "true"})).text
    assert "<html" not in part
    assert 'href="/new/connection/slack"' in part
    assert 'href="/new/connection/zoho"' not in part
    nothing = await browser.page("/new/connection?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in nothing
    assert "No service matches" in nothing


async def test_what_is_retired_is_shown_on_request(house: House) -> None:
    browser = await house.browser("administrator")
    offered = await browser.page("/new/connection?q=pocket")
    assert 'href="/new/connection/pocket"' not in offered
    assert "marked=1" in offered
    shown = await browser.page("/new/connection?q=pocket&marked=1")
    assert 'href="/new/connection/pocket"' in shown
    assert "retired" in shown


async def test_a_service_without_client_id_asks_for_it_first(house: House) -> None:
    browser = await house.browser("administrator")
    answer = await browser.get("/new/connection/slack")
    assert answer.headers["location"] == "/services/slack/client?next=/new/connection/slack"


async def test_a_form_that_is_wrong_says_so_beside_the_field_and_keeps_the_rest(
    house: House, practice: PracticeServer
) -> None:
    await add_service(house, practice, "practice_oauth2")
    await add_connection(house, practice, "practice_basic")
    browser, path = await house.browser("administrator"), "/new/connection/practice_oauth2"
    answer = await browser.send(path, {"name": "My CRM", "link_name": "crm", "scope": "read", "other_scopes": "odd"})
    assert answer.status_code == 422
    assert 'id="link_name-wrong"' in answer.text
    assert "is taken" in answer.text
    assert 'value="My CRM"' in answer.text
    assert 'value="read" checked' in answer.text
    assert 'value="odd"' in answer.text
    assert 'href="#link_name"' in answer.text
    answer = await browser.send(path, {"name": "My CRM", "link_name": "Not A Name"})
    assert "Begin with a small letter" in answer.text
    for name, words in (("crm", "is taken"), ("9", "Begin with a small letter"), ("crm2", "crm2 is free")):
        assert words in (await browser.get(f"/new/connection-link-name?link_name={name}")).text


async def test_nothing_is_created_where_a_value_to_connect_with_is_missing(
    house: House, practice: PracticeServer
) -> None:
    await add_service(house, practice, "practice_basic")
    browser = await house.browser("administrator")
    answer = await browser.send(
        "/new/connection/practice_basic", {"name": "CRM", "link_name": "crm", "username": "ada"}
    )
    assert answer.status_code == 422
    assert 'id="password-wrong"' in answer.text
    assert (await browser.get("/connections/crm")).status_code == 404


async def test_a_wrong_password_leaves_the_connection_to_try_again(house: House, practice: PracticeServer) -> None:
    await add_service(house, practice, "practice_basic")
    browser = await house.browser("administrator")
    fields = {"name": "CRM", "link_name": "crm", "username": "ada", "password": "wrong-password"}
    answer = await browser.send("/new/connection/practice_basic", fields)
    assert answer.status_code == 422
    assert "The account could not be connected." in answer.text
    assert "wrong-password" not in answer.text
    again = await browser.post(
        "/connections/crm/connect", [*hidden_of(answer.text, "/connections/crm/connect"), *BASIC.items()]
    )
    assert again.headers["location"] == "/connections/crm"
    text = say(await browser.page("/connections/crm"))
    assert "Connected" in text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    "service", ["practice_basic", "practice_api_key", "practice_two_keys", "practice_oauth2_client"]
)
async def test_create_and_connect_by_values(house: House, practice: PracticeServer, service: str) -> None:
    await add_service(house, practice, service)
    browser = await house.browser("administrator")
    values = sample_values().get(service, {})
    typed = {f"parameters.{name}": value for name, value in values.get("parameters", {}).items()}
    typed |= {name: value for name, value in values.items() if name != "parameters"}
    answer = await browser.send(f"/new/connection/{service}", {"name": "My CRM", "link_name": "", **typed})
    assert (answer.status_code, answer.headers["location"]) == (303, "/connections/my_crm"), say(answer.text)
    text = say(await browser.page("/connections/my_crm"))
    assert "Connected." in text
    assert "invokeurl" in text
    assert 'connection:"my_crm"' in text


@pytest.mark.parametrize("service", ["practice_oauth2", "practice_oauth1"])
async def test_create_and_connect_by_consent(house: House, practice: PracticeServer, service: str) -> None:
    await add_service(house, practice, service)
    browser = await house.browser("administrator")
    answer = await browser.send(f"/new/connection/{service}", {"name": "CRM", "link_name": "crm", "scope": "read"})
    path = answer.headers["location"]
    assert path.startswith("/connect/")
    page = say(await browser.page(path))
    assert "Administrator asks to connect" in page
    assert "127.0.0.1" in page
    back = await consent(browser, practice, path)
    assert (back.status_code, back.headers["location"]) == (303, "/connections/crm")
    text = say(await browser.page("/connections/crm"))
    assert "Connected." in text
    assert "ada" in text.lower()
    replayed = await browser.get(path)
    assert replayed.status_code == 400
    assert "unknown, used or expired" in replayed.text


async def test_a_denied_consent_says_what_to_do(house: House, practice: PracticeServer) -> None:
    await add_connection(house, practice, "practice_oauth2")
    browser = await house.browser("administrator")
    begun = await browser.send("/connections/crm/connect")
    away = await browser.send(begun.headers["location"])
    location = await asyncio.to_thread(practice.approve, away.headers["location"], decision="deny")
    answer = await browser.get(location.removeprefix("http://127.0.0.1:8400"))
    assert answer.status_code == 400
    assert "access_denied" in answer.text
    assert 'href="/connections/crm/connect"' in answer.text


async def test_the_same_form_sent_twice_creates_one_connection(house: House, practice: PracticeServer) -> None:
    await add_service(house, practice, "practice_basic")
    browser = await house.browser("administrator")
    page = await browser.page("/new/connection/practice_basic")
    sent: Sent = [
        *hidden_of(page, "/new/connection/practice_basic"),
        ("name", "CRM"),
        ("link_name", "crm"),
        *BASIC.items(),
    ]
    answers = await asyncio.gather(*(browser.post("/new/connection/practice_basic", sent) for _ in range(3)))
    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, "/connections/crm")}
    assert say(await browser.page("/connections")).count("practice_basic") <= 1
    page = await house.isthmus.directory.connections(house.isthmus.protect.system_actor())  # type: ignore[assignment]
    assert [one["link_name"] for one in page.items] == ["crm"]  # type: ignore[attr-defined]


async def test_the_list_puts_what_needs_a_person_on_top_and_filters(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await connected(house, practice, browser)
    await add_connection(house, practice, "practice_api_key", "aaa")
    system = house.isthmus.protect.system_actor()
    await house.isthmus.directory.create_connection(
        system, {"link_name": "zzz", "name": "ZZZ", "service": "practice_api_key"}
    )
    await house.isthmus.connect.begin(system, "zzz", sample_values()["practice_api_key"])
    text = await browser.page("/connections")
    assert text.index("AAA") < text.index("CRM")  # not connected stands before connected
    only = await browser.page("/connections?state=connected")
    assert "AAA" not in only
    part = (await browser.get("/connections?q=cr", headers={"HX-Request": "true"})).text
    assert "CRM" in part
    assert "AAA" not in part
    assert "<html" not in part
    assert "Nothing matches" in await browser.page("/connections?q=nowhere")


async def test_test_disable_enable_and_revoke(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await connected(house, practice, browser)
    assert (await browser.send("/connections/crm/test", on="/connections/crm")).status_code == 303
    text = say(await browser.page("/connections/crm"))
    assert "The test was good." in text
    assert "good" in text
    assert (await browser.send("/connections/crm/disable", on="/connections/crm")).status_code == 303
    assert "nothing is called or refreshed" in await browser.page("/connections/crm")
    assert (await browser.send("/connections/crm/enable", on="/connections/crm")).status_code == 303
    page = await browser.page("/connections/crm/revoke")
    assert "No function and no API key names it." in page
    assert (await browser.send("/connections/crm/revoke")).status_code == 303
    text = say(await browser.page("/connections/crm"))
    assert "Not connected" in text
    assert "The grant was" in text
    problem = await browser.post("/connections/crm/test", hidden_of(await browser.page("/account"), "/account"))
    assert problem.status_code == 403  # the token of another form


async def test_a_third_party_that_is_down_is_said_with_its_cure(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await connected(house, practice, browser)
    await asyncio.to_thread(practice.dials, api={"fail_status": 503})
    answer = await browser.send("/connections/crm/test", on="/connections/crm")
    assert answer.status_code == 303
    text = say(await browser.page("/connections/crm"))
    assert "503" in text
    assert "Connected" in text
    assert "The test was good." not in text
    assert "Test again" in text


async def test_edit_saves_policy_and_keeps_what_was_typed(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await add_connection(house, practice, "practice_oauth2")
    bad: Sent = [("name", "New"), ("scope", "read"), ("methods", "GET"), ("path_prefixes", "no-slash")]
    answer = await browser.send("/connections/crm/edit", bad)
    assert answer.status_code == 422
    assert 'id="path_prefixes-wrong"' in answer.text
    assert "no-slash" in answer.text
    good: Sent = [("name", "New"), ("scope", "read"), ("methods", "GET"), ("path_prefixes", "/me\r\n/items")]
    good.append(("keep_bodies", "yes"))
    assert (await browser.send("/connections/crm/edit", good)).status_code == 303
    found = await house.isthmus.directory.connection(house.isthmus.protect.system_actor(), "crm")
    kept = {"credential_export": False, "keep_bodies": True}
    assert found["policy"] == {"methods": ["GET"], "path_prefixes": ["/me", "/items"], **kept}
    assert found["name"] == "New"
    assert found["scopes"] == ["read"]
    page = await browser.page("/connections/crm/edit")
    assert '"GET" checked' in page
    assert re.search(r'name="keep_bodies"[^>]* checked', page)


async def test_delete_wants_the_link_name_and_says_who_would_miss_it(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await add_connection(house, practice, "practice_basic")
    key = {"name": "Nightly import", "role": "member", "connections": ["crm"]}
    await house.isthmus.accounts.create_api_key(house.isthmus.protect.system_actor(), key)
    assert "Nightly import" in await browser.page("/connections/crm/delete")
    answer = await browser.send("/connections/crm/delete", {"typed": "CRM"})
    assert answer.status_code == 422
    assert 'id="typed-wrong"' in answer.text
    assert (await browser.send("/connections/crm/delete", {"typed": "crm"})).headers["location"] == "/connections"
    assert (await browser.get("/connections/crm")).status_code == 404


async def test_a_call_is_sent_shown_listed_and_sent_again(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await connected(house, practice, browser)
    refused = await browser.send("/connections/crm/call", {"method": "GET", "url": "https://evil.example/x"})
    assert refused.status_code == 403
    assert "The call was not made." in refused.text
    answer = await browser.send("/connections/crm/call", {"method": "GET", "url": "/me?token=hidden-value"})
    assert answer.status_code == 200
    assert "&#34;name&#34;" in answer.text
    await house.isthmus._ledger.flush()
    text = unescape(await browser.page("/connections/crm"))
    assert "token=***" in text
    assert "hidden-value" not in text
    assert "Copy as cURL" in text
    assert "/api/v1/connections/crm/invoke" in text
    again = re.search(r'href="(/connections/crm/call\?[^"]+)"', text)
    assert again
    filled = await browser.page(again[1])
    assert "Write them in place of" in filled
    chart = re.search(r"Calls by hour over the last day: (\d+) calls, (\d+) failed", text)
    assert chart
    assert (chart[1], chart[2]) == ("2", "1")


async def test_a_shared_connection_is_authorized_by_each_person(house: House, practice: PracticeServer) -> None:
    await add_connection(house, practice, "practice_basic", use_credentials_of_login_user=True)
    bob, eve = await house.browser("member", "bob"), await house.browser("member", "eve")
    assert "Nothing is shared with you" not in await bob.page("/shared")
    text = await bob.page("/shared")
    assert ">Authorize<" in text
    assert (await bob.send("/connections/crm/connect", BASIC)).status_code == 303
    assert ">Authorize again<" in await bob.page("/shared")
    assert ">Authorize<" in await eve.page("/shared")
    admin = await house.browser("administrator")
    listed: Any = await admin.page("/connections/crm")
    assert "Bob" in listed
    revoke = re.search(r'action="(/connections/crm/authorizations/[^"]+)"', listed)
    assert revoke
    assert (await admin.send(revoke[1], on="/connections/crm")).status_code == 303
    assert ">Authorize<" in await bob.page("/shared")
