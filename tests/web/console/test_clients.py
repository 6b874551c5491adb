"""Client id and secret of a service, in the browser."""

from __future__ import annotations

import pytest
from tests.web.console.conftest import House

pytestmark = pytest.mark.anyio
SECRET = "a-client-secret-that-nobody-sees"


async def test_only_an_administrator_sees_the_form(house: House) -> None:
    assert (await (await house.browser("developer")).get("/services/slack/client")).status_code == 403
    assert (await (await house.browser("administrator")).get("/services/none/client")).status_code == 404


async def test_a_missing_client_id_is_said_and_a_foreign_way_on_is_not_taken(house: House) -> None:
    browser = await house.browser("administrator")
    answer = await browser.send("/services/slack/client", {"client_id": "", "client_secret": SECRET})
    assert answer.status_code == 422
    assert 'id="client_id-wrong"' in answer.text
    assert SECRET not in answer.text
    page = "/services/slack/client?next=//evil.example"
    saved = await browser.send("/services/slack/client", {"client_id": "id", "client_secret": SECRET}, on=page)
    assert saved.headers["location"] == "/services/slack"


async def test_the_redirect_url_is_shown_and_the_secret_never_again(house: House) -> None:
    browser = await house.browser("administrator")
    page = "/services/slack/client?next=/new/connection/slack"
    text = await browser.page(page)
    assert "http://127.0.0.1:8400/oauth/callback/slack" in text
    assert 'href="https://api.slack.com/apps"' in text
    answer = await browser.send("/services/slack/client", {"client_id": "my-id", "client_secret": SECRET}, on=page)
    assert answer.headers["location"] == "/new/connection/slack"
    text = await browser.page("/services/slack/client")
    assert 'value="my-id"' in text
    assert "A secret is set." in text
    assert SECRET not in text
    kept = await browser.send("/services/slack/client", {"client_id": "other-id", "client_secret": ""})
    assert kept.status_code == 303
    found = await house.isthmus.directory.service(house.isthmus.protect.system_actor(), "slack")
    assert (found["client_id"], found["has_client_secret"]) == ("other-id", True)
    assert "Create Connection" in await browser.page("/new/connection/slack")
