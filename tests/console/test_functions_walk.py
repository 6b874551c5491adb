"""What a developer does with a function after it was written, by the words on the pages: versions, runs, triggers, calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.console.stage import Stage

pytestmark = pytest.mark.browser
NAME = "standalone.walked"
DIVIDES = "def main(n):\n    return 10 // n\n"


@pytest.fixture
def written(stage: Stage) -> Iterator[str]:
    """A function that is live as version 1; its path."""
    document = {"name": NAME, "language": "python", "code": DIVIDES}
    assert stage.served.ask("POST", "/api/v1/functions", document).status == 201
    assert stage.served.ask("POST", f"/api/v1/functions/{NAME}/publish").status == 200
    yield f"{stage.url}/functions/{NAME}"
    assert stage.served.ask("DELETE", f"/api/v1/functions/{NAME}").status == 204


def row(page: Page, words: str) -> Locator:
    return page.get_by_role("row", name=re.compile(words))


def test_versions_are_compared_published_and_rolled_back(page: Page, stage: Stage, written: str) -> None:
    changed = {"code": DIVIDES.replace("10", "20"), "note": "Twice as much"}
    assert stage.served.ask("PUT", f"/api/v1/functions/{NAME}", changed).status == 200
    page.goto(written)
    page.get_by_role("link", name="Versions", exact=True).click()
    page.get_by_role("link", name="Compare version 1 with the draft").click()
    expect(page.get_by_role("heading", name="Version 1 to 2")).to_be_visible()
    expect(page.locator(".diff .removed")).to_have_text("-    return 10 // n")
    expect(page.locator(".diff .added")).to_have_text("+    return 20 // n")
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.get_by_role("status")).to_have_text("The function was published.")
    expect(row(page, "Twice as much")).to_contain_text("live")
    expect(page.locator(".head")).to_contain_text("version 2 is live")
    page.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_role("status")).to_have_text("The function was rolled back.")
    expect(page.locator(".head")).to_contain_text("version 1 is live")
    expect(row(page, "Twice as much")).not_to_contain_text("live")


def test_a_failed_run_is_found_and_retried_with_other_arguments(page: Page, stage: Stage, written: str) -> None:
    asked = stage.served.ask("POST", f"/api/v1/functions/{NAME}/execute", {"arguments": {"n": 0}})
    assert "ZeroDivisionError" in asked.body.decode()
    page.goto(written)
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("link", name="Finished", exact=True).click()
    expect(page.get_by_role("heading", name="No runs in this state")).to_be_visible()
    page.get_by_role("link", name="Failed", exact=True).click()
    expect(row(page, "Failed")).to_contain_text("by a call")
    row(page, "Failed").get_by_role("link").click()
    expect(page.locator(".strip.bad")).to_contain_text("ZeroDivisionError")
    page.get_by_label("Arguments").fill("{ n")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("alert")).to_contain_text("It was not run again.")
    expect(page.get_by_label("Arguments")).to_have_value("{ n")
    page.get_by_label("Arguments").fill('{"n": 5}')
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".head .state")).to_have_text("Finished")
    expect(page.get_by_label("Value")).to_have_text("2")
    page.get_by_role("link", name="attempt 1").click()
    expect(page.locator(".head .state")).to_have_text("Failed")


def test_triggers_are_created_switched_off_and_on_and_deleted(page: Page, stage: Stage, written: str) -> None:
    page.goto(f"{written}/triggers")
    page.get_by_label("Name").fill("Each night")
    page.get_by_label("Cron expression").fill("every night")
    page.get_by_label("Mapping").fill('{"n": "1"}')
    page.get_by_role("button", name="Create Trigger").click()
    expect(page.get_by_role("alert")).to_contain_text("The trigger was not created yet.")
    expect(page.locator("#cron-wrong")).to_be_visible()
    page.get_by_label("Cron expression").fill("0 2 * * *")
    page.get_by_role("button", name="Create Trigger").click()
    expect(page.get_by_role("status")).to_have_text("The trigger was saved.")
    expect(row(page, "Each night")).to_contain_text(re.compile(r"0 2 \* \* \* UTC, next in .*On", re.S))
    page.get_by_role("button", name="Switch off Each night").click()
    expect(row(page, "Each night").locator(".state")).to_have_text("Off")
    page.get_by_role("button", name="Switch on Each night").click()
    expect(row(page, "Each night").locator(".state")).to_have_text("On")
    page.get_by_role("radio", name="Webhook").check()
    page.get_by_label("Name").fill("From the shop")
    page.get_by_label("Mapping").fill('{"n": "${body.n}"}')
    page.get_by_role("button", name="Create Trigger").click()
    address = page.get_by_label("Address of the webhook").input_value()
    expect(page.get_by_label("Name")).to_have_value("")  # the next press makes no second one
    called = stage.served.ask("POST", address.removeprefix(stage.url), {"n": 5}, key="")
    assert called.status == 202, called.body
    page.goto(f"{written}/triggers")
    expect(page.get_by_label("Address of the webhook")).to_have_count(0)
    expect(row(page, "From the shop")).to_contain_text("address ends in")
    for name in ("From the shop", "Each night"):
        page.get_by_role("button", name=f"Delete {name}").click()
        expect(page.get_by_role("status")).to_have_text("The trigger was deleted.")
        expect(row(page, name)).to_have_count(0)


def test_a_recent_call_is_copied_as_curl_and_sent_again(page: Page, stage: Stage) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{stage.url}/connections/crm")
    call = page.locator(".calls > li", has_text="GET /nowhere")
    copy = call.get_by_role("button", name="Copy as cURL")
    copy.click()
    expect(copy).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl --fail-with-body {stage.url}/api/v1/connections/crm/invoke")
    assert '/nowhere","type":"GET"}' in copied
    assert "Bearer $ISTHMUS_KEY" in copied
    call.get_by_role("link", name="Send again").click()
    expect(page.get_by_label("URL")).to_have_value(re.compile("/nowhere$"))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Answer")).to_contain_text("404")
