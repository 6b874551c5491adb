"""A provider that answers with a form from another site: the browser comes back without our cookies, and is bound still."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.console.conftest import new_context
from tests.console.stage import Stage

pytestmark = pytest.mark.browser
FORM = """<!doctype html><title>Provider</title><form method="post" action="{uri}">
<input type="hidden" name="state" value="{state}"><input type="hidden" name="code" value="made-up-code">
<input type="hidden" name="user" value="{{&quot;name&quot;: &quot;Mara&quot;}}"><button>Agree</button></form>"""


class Provider(ThreadingHTTPServer):
    """Authorizes by `response_mode=form_post`. Its name is `localhost`, which to a browser is another site than 127.0.0.1."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server_address[1]}"
        self.codes: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        assert query["response_mode"] == ["form_post"]
        page = FORM.format(uri=query["redirect_uri"][0], state=query["state"][0])
        self._answer(page.encode(), "text/html")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.codes += form["code"]
        self._answer(json.dumps({"access_token": "made-up", "token_type": "Bearer"}).encode(), "application/json")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def provider(stage: Stage) -> Iterator[Provider]:
    server = Provider()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    service = {
        "link_name": "form_post",
        "name": "Form post",
        "auth_type": "oauth2",
        "client_id": "c1",
        "client_secret": "made-up",
        "authorize_url": f"{server.url}/authorize",
        "access_token_url": f"{server.url}/token",
        "authorize_parameters": {"response_mode": "form_post"},
        "base_url": server.url,
    }
    connection = {"link_name": "form_post", "name": "Form post", "service": "form_post"}
    assert stage.served.ask("POST", "/api/v1/services", service).status == 201
    assert stage.served.ask("POST", "/api/v1/connections", connection).status == 201
    yield server
    server.shutdown()
    server.server_close()


def go_to_the_provider(page: Page, link: str, provider: Provider) -> None:
    page.goto(link)
    page.get_by_role("button", name="Proceed").click()
    page.wait_for_url(f"{provider.url}/authorize?**")


def test_a_posted_callback_finishes_in_the_browser_that_began_and_in_no_other(
    chromium: Browser, stage: Stage, provider: Provider
) -> None:
    ours, other = new_context(chromium), new_context(chromium)
    page = ours.new_page()
    go_to_the_provider(page, stage.consent_page("form_post"), provider)
    victim = other.new_page()
    victim.goto(page.url)
    victim.get_by_role("button", name="Agree").click()
    expect(victim.get_by_text("belongs to no authorization that was started in this browser")).to_be_visible()
    assert provider.codes == []
    page.get_by_role("button", name="Agree").click()
    page.wait_for_url(f"{stage.url}/connected/form_post")
    assert provider.codes == ["made-up-code"]
    shown = stage.served.ask("GET", "/api/v1/connections/form_post").document
    assert shown["status"] == "connected"
    ours.close()
    other.close()
