"""Zoom Meeting typed in as Zoom documents it, and what else a new user tries: each has an answer that says what to do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.console import steps
from tests.console.gallery import EMPTY_PAGES
from tests.console.looks import look_at
from tests.practice_server import PracticeServer
from tests.served import Served

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def well_behaved(third_party: PracticeServer) -> Iterator[None]:
    yield
    third_party.dials(token={}, api={}, token_lifetime_seconds=3600)


def new_connection(page: Page, empty: Served, name: str) -> None:
    page.goto(f"{empty.url}/new/connection/zoom_meeting")
    page.get_by_label("Connection Name").fill(name)
    page.get_by_role("button", name="Create and Connect").click()
    expect(page.get_by_role("button", name="Proceed")).to_be_visible()


def test_empty_pages_say_what_to_do_accessibly(founder: Page, empty: Served, axe: str) -> None:
    for name, path in EMPTY_PAGES.items():
        answer = founder.goto(empty.url + path, wait_until="load")
        assert answer
        assert answer.status == 200, name
        look_at(founder, axe, name)
        expect(founder.locator(".empty").get_by_role("heading")).to_be_visible()


def test_zoom_meeting_with_a_refresh_token_that_changes_each_time_and_a_grant_taken_back(
    founder: Page, empty: Served, third_party: PracticeServer
) -> None:
    """OAuth 2 with the client in a Basic header; tokens end, each refresh spends the refresh token before."""
    third_party.dials(token_lifetime_seconds=1, rotation="strict")
    steps.begin(founder, empty.url)
    steps.describe(founder, "Zoom Meeting", "oauth2", steps.document_of(third_party, "practice_oauth2"))
    expect(founder.get_by_text("zoom_meeting").first).to_be_visible()
    steps.name_connection(founder, "Team meetings", "team_meetings")
    for scope in ("read", "write", "profile"):
        founder.locator(f'input[name="scope"][value="{scope}"]').check()
    founder.get_by_role("button", name="Create and Connect").click()
    steps.proceed(founder)
    steps.expect_connected(founder, empty.url, "team_meetings")
    before = third_party.counters()
    for _ in range(2):  # the token of a second ago has ended, and is renewed before the call
        founder.wait_for_timeout(1_100)
        founder.get_by_role("button", name="Test", exact=True).click()
        expect(founder.get_by_text("The test was good.")).to_be_visible()
        expect(founder.locator(".facts").first).to_contain_text(re.compile(r"Last test\s*good"))
    after = third_party.counters()
    assert after["refresh_calls"] >= before["refresh_calls"] + 2
    assert after["reuse_detected"] == before["reuse_detected"]
    expect(founder.locator(".timeline")).to_contain_text(re.compile("refreshed|renewed", re.I))
    steps.run_green(founder, empty.url, "standalone.meet", "team_meetings")
    third_party.dials(revoke_all=True)
    founder.goto(f"{empty.url}/connections/team_meetings")
    founder.wait_for_timeout(1_100)
    founder.get_by_role("button", name="Test", exact=True).click()
    expect(founder.locator(".head .state")).to_have_text("Needs you")
    founder.goto(f"{empty.url}/")
    expect(founder.locator(".strip").first).to_contain_text("Team meetings")
    founder.get_by_role("link", name="Reconnect").first.click()
    founder.get_by_role("button", name="Connect", exact=True).click()
    third_party.dials(token_lifetime_seconds=3600)
    steps.proceed(founder)
    steps.expect_connected(founder, empty.url, "team_meetings")


def test_a_consent_that_is_too_old_leads_back_to_the_connection(founder: Page, empty: Served) -> None:
    new_connection(founder, empty, "Late")
    founder.get_by_role("button", name="Proceed").click()
    expect(founder.get_by_role("button", name="Allow")).to_be_visible()
    database = next((Path(empty.environ["ISTHMUS_DATA_DIR"])).glob("*.sqlite"))
    with closing(sqlite3.connect(database, timeout=10)) as stored:
        stored.execute("UPDATE pending_authorizations SET expires_at = datetime('now', '-1 minute') || '.000000'")
        stored.commit()
    founder.get_by_role("button", name="Allow").click()
    expect(founder.locator("main")).to_contain_text("within ten minutes")
    founder.get_by_role("link", name="My Connections").click()
    row = founder.get_by_role("row", name=re.compile("Late"))
    row.hover()
    row.get_by_role("link", name=re.compile("Start again|Connect")).click()
    founder.get_by_role("button", name="Connect", exact=True).click()
    steps.proceed(founder)
    steps.expect_connected(founder, empty.url, "late")


def test_consent_denied_twice_pressed_and_gone_back_from(
    founder: Page, empty: Served, third_party: PracticeServer
) -> None:
    new_connection(founder, empty, "Second")
    consent = founder.url
    other = founder.context.new_page()
    other.goto(consent)
    founder.get_by_role("button", name="Proceed").dblclick()
    founder.get_by_role("button", name="Deny").click()
    expect(founder.locator("main")).to_contain_text(re.compile("denied|refused|declined", re.I))
    expect(founder.get_by_role("link", name="Try again")).to_be_visible()
    other.get_by_role("button", name="Proceed").click()
    expect(other.locator("main")).to_contain_text("unknown, used or expired")
    assert third_party.url not in other.url  # the consent was used up: a page of ours says so
    expect(other.get_by_role("link", name="My Connections")).to_be_visible()
    other.close()
    founder.get_by_role("link", name="Try again").click()
    founder.get_by_role("button", name="Connect", exact=True).click()
    steps.proceed(founder)
    steps.expect_connected(founder, empty.url, "second")


def test_a_third_party_that_is_down_is_told_as_such_and_tried_again(
    founder: Page, empty: Served, third_party: PracticeServer
) -> None:
    new_connection(founder, empty, "Third")
    third_party.dials(token={"fail_status": 503}, api={"fail_status": 503})
    steps.proceed(founder)
    expect(founder.get_by_role("alert")).to_be_visible()
    founder.get_by_role("link", name="Try again").click()
    third_party.dials(token={})
    founder.get_by_role("button", name="Connect", exact=True).click()
    steps.proceed(founder)
    founder.goto(f"{empty.url}/connections/second")
    founder.get_by_role("button", name="Test", exact=True).click()
    expect(founder.locator(".facts").first).to_contain_text(re.compile(r"Last test\s*503"))
    expect(founder.get_by_role("alert")).to_contain_text(re.compile("wait|again|status", re.I))
    third_party.dials(api={})
    founder.get_by_role("button", name="Test", exact=True).first.click()
    expect(founder.locator(".head .state")).to_have_text("Connected")


def test_a_second_tab_sees_what_the_first_one_did(founder: Page, empty: Served) -> None:
    other = founder.context.new_page()
    other.goto(f"{empty.url}/connections/second")
    founder.goto(f"{empty.url}/connections/second")
    founder.get_by_role("button", name="Disable").click()
    expect(founder.locator(".head .state")).to_have_text("Disabled")
    other.get_by_role("button", name="Test", exact=True).click()
    expect(other.get_by_role("alert").first).to_contain_text("disabled")
    other.get_by_role("button", name="Enable").first.click()
    expect(other.locator(".head .state")).to_have_text("Connected")
    other.close()


def test_back_after_create_makes_no_second_one(founder: Page, empty: Served) -> None:
    new_connection(founder, empty, "Twice")
    founder.go_back()
    expect(founder.get_by_label("Connection Name")).to_be_visible()
    founder.get_by_role("button", name="Create and Connect").click()
    expect(founder.get_by_role("button", name="Proceed").or_(founder.get_by_role("alert")).first).to_be_visible()
    founder.goto(f"{empty.url}/connections?q=twice")
    expect(founder.locator("#rows tbody tr")).to_have_count(1)


def test_what_is_in_use_is_not_deleted(founder: Page, empty: Served) -> None:
    founder.goto(f"{empty.url}/services/zoom_meeting/delete")
    expect(founder.locator(".says")).to_contain_text("Team meetings")
    founder.locator("#typed").fill("zoom_meeting")
    founder.get_by_role("button", name="Delete").click()
    expect(founder.get_by_text("The service was not deleted.")).to_be_visible()
    founder.goto(f"{empty.url}/connections/team_meetings/delete")
    expect(founder.get_by_role("link", name="standalone.meet")).to_be_visible()
    founder.get_by_label("Link name").fill("team_meetings")
    founder.get_by_role("button", name="Delete").click()
    expect(founder.get_by_role("alert").first).to_contain_text("standalone.meet")


def test_each_person_authorizes_what_is_shared_and_a_service_is_discovered_and_cloned(
    founder: Page, empty: Served, third_party: PracticeServer
) -> None:
    founder.goto(f"{empty.url}/new/connection/zoom_meeting")
    founder.get_by_label("Connection Name").fill("My own")
    founder.get_by_label("Use Credentials of Login User").check()
    founder.get_by_role("button", name="Create and Connect").click()
    expect(founder.get_by_text("Go on only if that is you.")).to_be_visible()
    founder.goto(f"{empty.url}/connections")
    founder.get_by_role("link", name="Shared with me").click()
    founder.get_by_role("link", name="Authorize My own").click()
    founder.get_by_role("button", name="Connect", exact=True).click()
    steps.proceed(founder)
    steps.expect_connected(founder, empty.url, "my_own")
    founder.goto(f"{empty.url}/new/service")
    founder.get_by_label("Issuer URL").fill(third_party.url)
    founder.get_by_role("button", name="Discover").click()
    expect(founder.get_by_label("Access Token URL")).to_have_value(f"{third_party.url}/oauth2/token")
    founder.goto(f"{empty.url}/services/zoom")
    founder.get_by_role("link", name="Clone").click()
    founder.get_by_role("button", name="Clone").click()
    expect(founder.get_by_role("heading", name="Service Summary")).to_be_visible()


def test_a_default_service_asks_for_client_id_and_secret_with_the_way_to_get_them(founder: Page, empty: Served) -> None:
    founder.goto(f"{empty.url}/new/connection")
    founder.get_by_role("link", name="Slack", exact=True).first.click()
    expect(founder.get_by_text(f"{empty.url}/oauth/callback/slack")).to_be_visible()
    expect(founder.get_by_role("button", name="Copy the redirect URL")).to_be_visible()
    expect(founder.get_by_role("link", name="Open the registration page")).to_have_attribute(
        "href", re.compile("slack")
    )
    expect(founder.get_by_role("heading", name="What is unusual")).to_be_visible()
    founder.get_by_label("Client ID").fill("an-id")
    founder.get_by_label("Client Secret").fill("a-secret")
    founder.get_by_role("button", name="Save and Continue").click()
    expect(founder.get_by_role("heading", name="Create Connection")).to_be_visible()
    expect(founder.get_by_label("Search scopes")).to_be_visible()


def test_a_wrong_password_is_told_and_the_address_stays(founder: Page, empty: Served) -> None:
    context = founder.context.browser.new_context()  # type: ignore[union-attr]
    page = context.new_page()
    page.goto(f"{empty.url}/login")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")
    context.close()
