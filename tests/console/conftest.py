"""One server with things in it, and one browser, for all tests of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.console.looks import AXE
from tests.console.stage import Stage, launch, set_up_link, staged
from tests.practice_server import PracticeServer
from tests.served import Served, serving

expect.set_options(timeout=20_000)
WATCH = """
window.broken = [];
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective + " " + event.sourceFile));
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends with its module: Playwright's event loop runs in this process until then, and no other could run beside it."""
    with sync_playwright() as playwright, launch(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, stage: Stage) -> Iterator[BrowserContext]:
    context = new_context(chromium)
    stage.sign_in(context.new_page())
    yield context
    context.close()


@pytest.fixture
def page(signed_in: BrowserContext) -> Iterator[Page]:
    page = signed_in.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on an empty data directory, without an administrator."""
    with serving(tmp_path_factory.mktemp("empty"), function_egress_allow="127.0.0.0/8") as served:
        yield served


@pytest.fixture(scope="session")
def third_party() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


@pytest.fixture(scope="module")
def founder(chromium: Browser, empty: Served) -> Iterator[Page]:
    """The page of the person who set the empty server up, in the browser."""
    context = new_context(chromium)
    page = context.new_page()
    page.goto(set_up_link(empty))
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.locator("form button").click()
    page.wait_for_url(f"{empty.url}/")
    yield page
    context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    return AXE.read_text(encoding="utf-8")


def new_context(chromium: Browser) -> BrowserContext:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    context.add_init_script(WATCH)
    return context
