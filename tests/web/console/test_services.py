"""Services in the browser: lists, the form of a custom one, discovery, summary, clone, delete."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from tests.practice_server import PracticeServer
from tests.web.console.conftest import House, Sent, add_connection, consent
from tests.web.console.test_connections import say

from isthmus.practice import definitions, sample_values
from isthmus.storage.contract import Journal
from isthmus.web.console.guides import read_guide

pytestmark = pytest.mark.anyio
SECRET = "a-secret-that-is-written-once"
ZOOM: Sent = [
    ("name", "Zoom Meeting"),
    ("link_name", "zoom_meeting"),
    ("auth_type", "oauth2"),
    ("client_id", "zoom-client"),
    ("client_secret", SECRET),
    ("grant_type", "authorization_code"),
    ("authorize_url", "https://zoom.us/oauth/authorize"),
    ("access_token_url", "https://zoom.us/oauth/token"),
    ("refresh_token_url", "https://zoom.us/oauth/token"),
    ("revoke_token_url", "https://zoom.us/oauth/revoke"),
    ("param_type", "header"),
    ("client_authentication", "basic"),
    ("pkce", "S256"),
    ("scope_name", "meeting:write"),
    ("scope_display", "Create meetings"),
    ("scope_name", "meeting:read"),
    ("scope_display", "See meetings"),
    ("scope_name", ""),
    ("scope_display", ""),
    ("delimiter", "comma"),
    ("authorize_key", "prompt"),
    ("authorize_value", "consent"),
    ("base_url", "https://api.zoom.us/v2"),
    ("hosts", "api.zoom.us\r\n*.zoom.us"),
    ("test_url", "https://api.zoom.us/v2/users/me"),
    ("test_identity", "email"),
]


def changed(fields: Sent, **changes: str) -> Sent:
    return [(name, changes.get(name, value)) for name, value in fields]


async def test_only_an_administrator_may_describe_services(house: House) -> None:
    browser = await house.browser("developer")
    assert (await browser.get("/services/slack")).status_code == 200
    for path in ("/new/service", "/services/slack/clone", "/services/slack/delete"):
        assert (await browser.get(path)).status_code == 403, path
    assert "Create Custom Service" not in await browser.page("/services")
    own = {"Origin": "http://127.0.0.1:8400", "Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/new/service", "/services/slack/clone"):
        answer = await browser.client.post(path, content="name=Evil&link_name=evil&auth_type=basic", headers=own)
        assert answer.status_code == 403, path


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("name", "", "name"),
        ("link_name", "Bad Name", "link_name"),
        ("authorize_url", "javascript:alert(1)", "authorize_url"),
        ("access_token_url", "", "access_token_url"),
        ("scope_name", "two words", "scope_name"),
        ("hosts", "https://not a host", "hosts"),
        ("link_name", "slack", "link_name"),
    ],
)
async def test_a_mistake_is_said_beside_its_field(house: House, field: str, value: str, place: str) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/new/service", changed(ZOOM, **{field: value}))
    assert answer.status_code == 422
    assert f'id="{place}-wrong"' in answer.text, say(answer.text)
    assert SECRET not in answer.text
    assert 'value="zoom-client"' in answer.text


async def test_create_service_leads_to_its_summary_and_stands_under_pick_your_service(house: House) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/new/service", ZOOM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/services/zoom_meeting"), say(answer.text)
    text = await browser.page("/services/zoom_meeting")
    told = say(text)
    for words in ("Service Summary", "OAuth 2", "Authorization Code", "https://zoom.us/oauth/token", "Comma"):
        assert words in told
    assert "http://127.0.0.1:8400/oauth/callback/zoom_meeting" in told
    assert 'href="/new/connection/zoom_meeting"' in text
    assert SECRET not in text
    assert 'href="/new/connection/zoom_meeting"' in await browser.page("/new/connection?tab=custom")
    form = await browser.page("/new/connection/zoom_meeting")
    assert "Create meetings" in form
    stored = await house.isthmus.directory.service(house.isthmus.protect.system_actor(), "zoom_meeting")
    assert stored["scopes"][1] == {"name": "meeting:read", "display_name": "See meetings"}
    assert stored["scope_delimiter"] == ","
    assert stored["authorize_parameters"] == {"prompt": "consent"}
    assert stored["hosts"] == ["api.zoom.us", "*.zoom.us"]
    assert stored["test"]["identity"] == "email"
    assert stored["has_client_secret"]


async def test_editing_keeps_the_secret_and_what_the_form_has_no_field_for(house: House) -> None:
    browser = await house.browser("administrator")
    system = house.isthmus.protect.system_actor()
    await browser.send("/new/service", ZOOM)
    await house.isthmus.directory.update_service(system, "zoom_meeting", {"token_request_format": "json"})
    text = await browser.page("/services/zoom_meeting/edit")
    assert 'value="Create meetings"' in text
    assert SECRET not in text
    rest = [pair for pair in ZOOM if pair[0] not in ("link_name", "client_secret")]
    answer = await browser.send("/services/zoom_meeting/edit", [*changed(rest, name="Zoom"), ("client_secret", "")])
    assert answer.status_code == 303, say(answer.text)
    stored = await house.isthmus.directory.service(system, "zoom_meeting")
    assert (stored["name"], stored["has_client_secret"], stored["token_request_format"]) == ("Zoom", True, "json")


async def test_more_rows_can_be_had_without_script(house: House) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/new/service", [*ZOOM, ("act", "rows")])
    assert answer.status_code == 200
    assert len(re.findall(r'name="scope_name"', answer.text)) == 5
    assert 'value="meeting:write"' in answer.text
    system = house.isthmus.protect.system_actor()
    assert not (await house.isthmus.directory.services(system, kind="custom")).items


async def test_the_classic_mistakes_are_told_while_one_writes(house: House) -> None:
    fields = changed(ZOOM, refresh_token_url="", authorize_url="http://zoom.example/authorize", param_type="query")
    text = say(await _advice(house, fields))
    for words in ("no Refresh Token URL", "not encrypted", "travels in the address", "while nobody is present"):
        assert words in text
    text = say(await _advice(house, changed(ZOOM, grant_type="client_credentials")))
    assert "Client credentials need no person" in text


async def _advice(house: House, fields: Sent) -> str:
    browser = await house.browser("administrator", f"a{len(house._open)}")
    headers = {"Origin": "http://127.0.0.1:8400", "Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post("/new/service-advice", content=urlencode(fields), headers=headers)
    assert answer.status_code == 200
    return answer.text


async def test_discovery_fills_the_form_and_saves_nothing(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/new/service", [("act", "discover"), ("name", "Mine"), ("issuer", practice.url)])
    assert answer.status_code == 200, say(answer.text)
    assert f'value="{practice.url}/oauth2/authorize"' in answer.text
    assert f'value="{practice.url}/oauth2/token"' in answer.text
    assert 'value="Mine"' in answer.text
    assert "nothing is saved yet" in answer.text


@pytest.mark.parametrize(
    ("issuer", "words"),
    [
        ("", "not a URL"),
        ("ftp://x", "not a URL"),
        ("http://169.254.169.254", "public address"),
        ("http://127.0.0.1:9/x", "127.0.0.1"),
    ],
)
async def test_discovery_refuses_what_it_may_not_reach(house: House, issuer: str, words: str) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/new/service", [("act", "discover"), ("issuer", issuer)])
    assert answer.status_code == 422
    assert 'id="issuer-wrong"' in answer.text
    assert words in say(answer.text)


async def test_discovery_refuses_another_issuer_and_internal_endpoints(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/new/service", [("act", "discover"), ("issuer", practice.url + "/")])
    assert "belongs to another issuer" in say(answer.text)


async def test_a_clone_is_the_administrators_own(house: House) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/services/slack/clone", {"name": "Our Slack", "link_name": "slack"})
    assert answer.status_code == 422
    answer = await browser.send("/services/slack/clone", {"name": "Our Slack", "link_name": "our_slack"})
    assert answer.headers["location"] == "/services/our_slack"
    assert 'href="/services/our_slack/edit"' in await browser.page("/services/our_slack")
    assert 'href="/services/slack/edit"' not in await browser.page("/services/slack")


async def test_a_service_in_use_is_not_deleted(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await add_connection(house, practice, "practice_basic")
    path = "/services/practice_basic/delete"
    assert (await browser.send(path, {"typed": "wrong"})).status_code == 422
    answer = await browser.send(path, {"typed": "practice_basic"})
    assert answer.status_code == 409
    assert 'href="/connections/crm"' in answer.text
    await browser.send("/connections/crm/delete", {"typed": "crm"})
    assert (await browser.send(path, {"typed": "practice_basic"})).status_code == 303
    assert (await browser.get("/services/practice_basic")).status_code == 404


@pytest.mark.parametrize("kind", ["practice_oauth2", "practice_oauth1", "practice_basic", "practice_api_key"])
async def test_a_custom_service_of_each_type_typed_in_and_connected(
    house: House, practice: PracticeServer, kind: str
) -> None:
    browser = await house.browser("administrator")
    given = next(one for one in definitions(practice.url) if one["link_name"] == kind)
    fields: Sent = [
        ("name", "Mine"),
        ("link_name", "mine"),
        ("hosts", "\n".join(given["hosts"])),
        ("param_type", "header"),
    ]
    fields += [(key, given[key]) for key in ("auth_type", "base_url")]
    fields += [("test_url", given["test"]["url"]), ("test_identity", given["test"]["identity"])]
    keys = ("client_id", "client_secret", "authorize_url", "access_token_url", "request_token_url")
    fields += [(key, given[key]) for key in keys if key in given]
    fields += [("grant_type", "authorization_code"), ("client_authentication", "basic"), ("pkce", "S256")]
    fields += [("signature_method", "HMAC-SHA1"), ("delimiter", "space"), ("issuer", given.get("issuer", ""))]
    fields += [("param_key", "X-Api-Key"), ("param_display", "API key"), ("param_placement", "header")]
    answer = await browser.send("/new/service", fields)
    assert answer.headers.get("location") == "/services/mine", say(answer.text)
    values = sample_values().get(kind, {})
    typed = {f"parameters.{name}": value for name, value in values.get("parameters", {}).items()}
    typed |= {name: value for name, value in values.items() if name != "parameters"}
    answer = await browser.send("/new/connection/mine", {"name": "Mine", "link_name": "mine", **typed})
    path = answer.headers["location"]
    if path.startswith("/connect/"):
        path = (await consent(browser, practice, path)).headers["location"]
    assert path == "/connections/mine"
    text = say(await browser.page(path))
    assert "Connected" in text


async def test_a_default_service_that_changed_is_shown_until_an_administrator_acknowledges_it(house: House) -> None:
    app, actor = house.isthmus, house.isthmus.protect.system_actor()
    await app.directory.create_connection(actor, {"link_name": "chat", "name": "Chat", "service": "slack"})
    await app.notices.look()
    known = await app._storage.known_service("slack")
    assert known is not None
    other = replace(known, agreed={**known.agreed, "hosts": ["old.example"]}, changes=("Hosts: added slack.com.",))
    assert await app._storage.save_known_service(replace(other, changed_at=app.directory._clock()), Journal())
    member, administrator = await house.browser("member"), await house.browser("administrator")
    assert "Hosts: added slack.com." in await member.page("/services/slack")
    assert 'action="/services/slack/acknowledge"' not in await member.page("/services/slack")
    assert "Hosts: added slack.com." not in await member.page("/")
    assert "Hosts: added slack.com." in await administrator.page("/")
    assert "Nothing needs you." not in await administrator.page("/")
    answer = await administrator.send("/services/slack/acknowledge", on="/services/slack")
    assert (answer.status_code, answer.headers["location"]) == (303, "/services/slack")
    assert "The change was acknowledged." in await administrator.page("/services/slack")
    assert "Hosts: added slack.com." not in await administrator.page("/")


async def test_the_guide_stands_on_the_service_and_beside_the_form_for_its_client(house: House) -> None:
    browser = await house.browser("administrator")
    service, client = await browser.page("/services/slack"), await browser.page("/services/slack/client")
    for text in (service, client):
        assert "What is unusual" in text
        assert "PKCE is off" in text
        assert "What goes wrong, and what mends it" in text
        assert "Connect the account again" in text
    assert 'href="https://api.slack.com/apps"' in service
    assert client.count("/oauth/callback/slack</code>") == 1


async def test_what_a_definition_says_in_its_guide_is_text(house: House) -> None:
    browser = await house.browser("administrator")
    await browser.send("/new/service", changed(ZOOM, name="<script>alert(1)</script>"))
    text = await browser.page("/services/zoom_meeting")
    assert "<script>alert" not in text


def test_a_guide_is_read_into_parts() -> None:
    markdown = "# T\n\n## Register\n\n1. Open <https://a.example/x?a=1&b=2>\n1. Set `a<b`\n\n## Scopes\n\n| a |\n\n## Odd\n\n- \\<b\\> **x** <javascript:y>\n\nSaid.\n"
    register, odd = read_guide(markdown)
    assert register.numbered
    assert register.lines[0].endswith(">https://a.example/x?a=1&amp;b=2</a>")
    assert register.lines[1] == "Set <code>a&lt;b</code>"
    assert odd.lines == ["&lt;b&gt; <strong>x</strong> &lt;javascript:y&gt;"]
    assert odd.said == ["Said."]
