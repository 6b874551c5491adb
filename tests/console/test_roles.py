"""What a developer and a member see in the browser, and what the server answers to who asks for more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.console.conftest import new_context
from tests.console.stage import Stage

pytestmark = pytest.mark.browser


@contextmanager
def seen_by(chromium: Browser, stage: Stage, email: str) -> Iterator[Page]:
    context = new_context(chromium)
    page = context.new_page()
    stage.sign_in(page, email)
    yield page
    context.close()


def places(page: Page) -> list[str]:
    return page.locator(".rail li a").all_inner_texts()


def refused(page: Page, stage: Stage, *paths: str) -> None:
    for path in paths:
        answer = page.goto(stage.url + path)
        assert answer is not None
        assert answer.status == 403, path
        expect(page.locator("main h1")).to_be_visible()
        expect(page.get_by_role("link", name="Home").last).to_be_visible()


def test_a_developer_writes_functions_and_looks_at_connections(chromium: Browser, stage: Stage) -> None:
    with seen_by(chromium, stage, "grace@example.com") as page:
        assert places(page) == ["Home", "Connections", "Services", "Functions", "Developer console"]
        page.goto(f"{stage.url}/connections/crm")
        expect(page.get_by_role("heading", name="Recent calls")).to_be_visible()
        for name in ("Edit", "Delete", "Revoke", "Disable", "Test"):
            expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        page.goto(f"{stage.url}/functions")
        expect(page.get_by_role("link", name="Create Function")).to_be_visible()
        refused(page, stage, "/users", "/settings", "/activity", "/keys", "/new/connection", "/new/service")
        refused(page, stage, "/connections/crm/edit", "/connections/crm/delete", "/services/slack/client")


def test_a_member_uses_what_there_is(chromium: Browser, stage: Stage) -> None:
    with seen_by(chromium, stage, "alan@example.com") as page:
        assert "Activity" not in places(page)
        assert "Users" not in places(page)
        page.goto(f"{stage.url}/connections/crm")
        expect(page.locator("#language-python")).to_be_attached()
        expect(page.get_by_role("heading", name="Recent calls")).to_have_count(0)
        page.get_by_role("link", name="Try a call").click()
        page.get_by_label("URL").fill("/me")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_label("Answer")).to_contain_text("200")
        page.goto(f"{stage.url}/functions/standalone.notify")
        expect(page.locator(".cm-content")).to_have_count(0)
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator("#outcome")).to_contain_text("Finished")
        page.goto(f"{stage.url}/shared")
        page.get_by_role("link", name=re.compile("Authorize")).click()
        expect(page.get_by_text("only your calls use it")).to_be_visible()
        refused(page, stage, "/users", "/settings", "/activity", "/new/function", "/connections/crm/revoke")
