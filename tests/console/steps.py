"""The steps of a person's way through the console, by the words that stand on its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from tests.console.conftest import new_context
from tests.console.stage import EMAIL, PASSWORD, set_up_link
from tests.practice_server import PracticeServer
from tests.served import Served, serving

from isthmus.practice import definitions

AUTH_TYPES = {"oauth2": "OAuth 2", "oauth1": "OAuth 1.0a", "basic": "Basic", "api_key": "API key"}
LABELS = {
    "request_token_url": "Request Token URL",
    "authorize_url": "Authorize URL",
    "access_token_url": "Access Token URL",
    "refresh_token_url": "Refresh Token URL",
    "revoke_token_url": "Revoke Token URL",
}
CODE = {"Deluge": "invokeurl", "Python": "import", "cURL": "curl", "JavaScript": "fetch"}


@contextmanager
def founded(chromium: Browser, directory: Path) -> Iterator[tuple[Page, Served]]:
    """A server on an empty data directory, and the page of the person who set it up in the browser."""
    with serving(directory, function_egress_allow="127.0.0.0/8") as served:
        context = new_context(chromium)
        page = context.new_page()
        page.goto(set_up_link(served))
        page.get_by_label("Name").fill("Ada Lovelace")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create Administrator").click()
        page.wait_for_url(f"{served.url}/")
        yield page, served
        context.close()


def document_of(practice: PracticeServer, link_name: str) -> dict[str, Any]:
    return next(one for one in definitions(practice.url) if one["link_name"] == link_name)


def begin(page: Page, url: str) -> None:
    """From the empty start to the form of a custom service."""
    page.goto(f"{url}/")
    expect(page.get_by_role("heading", name="Connections")).to_be_visible()
    page.get_by_role("link", name="Get Started").click()
    page.get_by_role("link", name="Create Connection").click()
    expect(page.get_by_role("heading", name="Pick your Service")).to_be_visible()
    page.get_by_label("Search services").fill("zoom")
    expect(page.locator("#picks .card").first).to_contain_text("Zoom")
    page.get_by_role("link", name="Custom Services").click()
    expect(page.get_by_text("No custom services yet")).to_be_visible()
    page.get_by_role("link", name="Create Custom Service").first.click()


def describe(page: Page, name: str, auth_type: str, document: dict[str, Any]) -> None:
    """The form of a custom service, filled in by its labels and sent: the Service Summary."""
    page.get_by_label("Service Name").fill(name)
    page.get_by_role("radio", name=AUTH_TYPES[auth_type], exact=True).check()
    if auth_type == "oauth2":
        page.get_by_role("radio", name="Authorization Code").check()
        expect(page.get_by_role("group", name="Scope Delimiter")).to_be_visible()
    if auth_type == "oauth1":
        page.get_by_role("radio", name="HMAC-SHA1").check()
    if auth_type in ("oauth2", "oauth1"):
        link_name = page.get_by_label("Service Link Name").input_value()
        expect(page.locator("#redirect_url")).to_have_text(re.compile(f"/oauth/callback/{link_name}$"))
        expect(page.get_by_role("button", name="Copy the redirect URL")).to_be_visible()
        page.get_by_role("group", name="Param Type").get_by_label("Header").check()
        consumer = auth_type == "oauth1"
        page.get_by_label("Consumer Key" if consumer else "Client ID").fill(document["client_id"])
        page.get_by_label("Consumer Secret" if consumer else "Client Secret").fill(document["client_secret"])
    for field, label in LABELS.items():
        if document.get(field):
            page.get_by_label(label).fill(document[field])
    for number, scope in enumerate(document.get("scopes", []), 1):
        if number > 1:
            page.get_by_role("button", name="Add a scope").click()
        page.get_by_label(f"Scope Name {number}", exact=True).fill(scope["name"])
        page.get_by_label(f"Display Name {number}", exact=True).first.fill(scope["display_name"])
    for parameter in document.get("parameters", []):
        page.locator("#param_key").fill(parameter["key"])
        page.locator("#param_display").fill(parameter["display_name"])
    page.get_by_label("Base URL").fill(document["base_url"])
    page.get_by_label("Test URL").fill(document["test"]["url"])
    page.get_by_label("Name in the answer").fill(document["test"]["identity"])
    page.get_by_role("button", name="Create Service").click()
    expect(page.get_by_text("The service was created.")).to_be_visible()
    expect(page.get_by_role("heading", name="Service Summary")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text(AUTH_TYPES[auth_type])


def name_connection(page: Page, name: str, link_name: str) -> None:
    """From the Service Summary to the form of a connection; the link name is proposed and checked as one types."""
    page.get_by_role("link", name="Create Connection").first.click()
    page.get_by_label("Connection Name").fill(name)
    expect(page.get_by_label("Connection Link Name")).to_have_value(link_name)
    expect(page.get_by_text(f"{link_name} is free.")).to_be_visible()
    expect(page.get_by_text("It cannot be changed later.")).to_be_visible()
    expect(page.get_by_label("Use Credentials of Login User")).not_to_be_checked()


def proceed(page: Page, decision: str = "Allow") -> None:
    """Over the consent step to the third party, and its answer."""
    expect(page.get_by_text("You will be sent to 127.0.0.1")).to_be_visible()
    page.get_by_role("button", name="Proceed").click()
    page.get_by_role("button", name=decision).click()


def expect_connected(page: Page, url: str, link_name: str) -> None:
    """The summary, reached by itself, of a connection that works."""
    page.wait_for_url(f"{url}/connections/{link_name}")
    expect(page.locator(".head .state")).to_have_text("Connected")


def look_over(page: Page, url: str, link_name: str, service: str) -> None:
    """The summary: facts, code in four languages, a test, calls that are sent again, off and on, where used."""
    facts = page.locator(".facts").first
    for words in (link_name, service, "Connected as", "ada", "Expires", "Last used", "Policy"):
        expect(facts).to_contain_text(words)
    for language, word in CODE.items():
        page.get_by_role("radio", name=language, exact=True).check()
        expect(page.locator(f'pre[aria-label="{language}"]')).to_contain_text(word)
        expect(page.locator(f'pre[aria-label="{language}"]')).to_contain_text(link_name)
    page.get_by_role("button", name="Test", exact=True).click()
    expect(facts).to_contain_text(re.compile(r"Last test\s*good\s*[\d.]+ m?s"))
    page.get_by_role("link", name="Try a call").click()
    page.get_by_label("URL").fill("/me")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Answer")).to_contain_text("200")
    page.goto(f"{url}/connections/{link_name}")
    expect(page.get_by_role("button", name="Copy as cURL").first).to_be_visible(timeout=5_000)
    page.locator(".calls summary").first.click()
    expect(page.locator(".sides").first).to_contain_text("attached by Isthmus, withheld")
    expect(page.locator(".sides").first).to_contain_text("application/json")
    page.get_by_role("link", name="Send again").first.click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Answer")).to_contain_text("200")
    page.goto(f"{url}/connections/{link_name}")
    page.get_by_role("button", name="Disable").click()
    expect(page.locator(".head .state")).to_have_text("Disabled")
    page.get_by_role("button", name="Enable").first.click()
    expect(page.locator(".head .state")).to_have_text("Connected")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    for name in ("Edit", "Delete", "Revoke", "Reconnect"):
        expect(page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).first).to_be_visible()


def find_again(page: Page, url: str, name: str, service: str) -> None:
    """Under Pick your Service, and in My Connections by search and by state."""
    page.goto(f"{url}/new/connection?tab=custom")
    expect(page.locator("#picks").get_by_role("link", name=service)).to_be_visible()
    page.goto(f"{url}/connections")
    expect(page.get_by_role("link", name="My Connections")).to_be_visible()
    page.get_by_label("Search connections").fill("no such thing")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_label("Search connections").fill(name)
    row = page.get_by_role("row", name=re.compile(name))
    for words in ("Connected", "Ada Lovelace", "just now"):
        expect(row).to_contain_text(words)
    page.goto(f"{url}/connections?state=needs")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def run_green(page: Page, url: str, name: str, link_name: str) -> None:
    """A function that calls through the connection, written and run in the editor, and its run."""
    page.goto(f"{url}/functions")
    page.get_by_role("link", name="Create Function").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("radio", name="Deluge").check()
    page.get_by_role("button", name="Create Function").click()
    content = page.locator(".cm-content")
    content.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_label("Insert the snippet of a connection").select_option(link_name)
    expect(content).to_contain_text(f'connection:"{link_name}"')
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Finished")
    expect(page.locator("#outcome table")).to_contain_text("200")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("The function was published.")).to_be_visible()
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("row", name=re.compile("Finished")).first).to_be_visible()
