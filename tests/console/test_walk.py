"""A new administrator's way, in a real browser, from an empty data directory to a function's green run: the four types."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.console import steps
from tests.practice_server import PracticeServer

from isthmus.practice import sample_values

pytestmark = pytest.mark.browser
BASIC = sample_values()["practice_basic"]
KEY = sample_values()["practice_api_key"]["parameters"]["X-Api-Key"]


def connect_by_consent(page: Page) -> None:
    page.get_by_role("button", name="Create and Connect").click()
    steps.proceed(page)


def connect_with_scopes(page: Page) -> None:
    for scope in ("See your items", "Create and change your items", "Know who you are"):
        page.get_by_label(scope).check()
    page.get_by_role("button", name="Create and Connect").click()
    expect(page.get_by_text("See your items")).to_be_visible()
    steps.proceed(page)


def connect_with_a_password(page: Page) -> None:
    page.get_by_label("User name").fill(BASIC["username"])
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Create and Connect").click()
    expect(page.get_by_role("alert").first).to_contain_text("refused the credential")
    expect(page.get_by_label("User name")).to_have_value(BASIC["username"])
    page.get_by_label("Password").fill(BASIC["password"])
    page.get_by_role("button", name="Connect", exact=True).click()


def connect_with_a_key(page: Page) -> None:
    page.get_by_label("API key", exact=True).fill(KEY)
    page.get_by_role("button", name="Create and Connect").click()


@pytest.mark.parametrize(
    ("auth_type", "connect"),
    [
        ("oauth2", connect_with_scopes),
        ("oauth1", connect_by_consent),
        ("basic", connect_with_a_password),
        ("api_key", connect_with_a_key),
    ],
)
def test_from_an_empty_data_directory_to_a_green_run(
    chromium: Browser, tmp_path: Path, third_party: PracticeServer, auth_type: str, connect: object
) -> None:
    service, name, link_name = f"Acme {auth_type}", "Team desk", "team_desk"
    with steps.founded(chromium, tmp_path) as (page, served):
        steps.begin(page, served.url)
        steps.describe(page, service, auth_type, steps.document_of(third_party, f"practice_{auth_type}"))
        steps.name_connection(page, name, link_name)
        assert callable(connect)
        connect(page)
        steps.expect_connected(page, served.url, link_name)
        steps.look_over(page, served.url, link_name, service)
        steps.find_again(page, served.url, name, service)
        steps.run_green(page, served.url, "standalone.first", link_name)
        page.goto(f"{served.url}/connections/{link_name}/delete")
        expect(page.get_by_role("link", name="standalone.first")).to_be_visible()
        assert page.evaluate("window.broken") == []
