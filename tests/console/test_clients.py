"""The developer console and the consent of people, in a real browser; the clients' side over plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.console.looks import look_at
from tests.console.stage import Stage
from tests.served import Reply

pytestmark = pytest.mark.browser
TYPES = {
    "Server-based (Web based)": "server_based",
    "Client-based": "browser",
    "Mobile": "mobile",
    "Non-browser device": "device",
    "Self client": "self",
}
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class Registered:
    """A client, as its developers have it: what the console showed them."""

    def __init__(self, stage: Stage, page: Page, name: str) -> None:
        self.name = name
        self.stage = stage
        self.client_id = page.locator("dd:has(button[aria-label='Copy the client id']) code").inner_text()
        shown = page.locator("dd:has(button[aria-label='Copy the client secret']) code")
        self.secret = shown.inner_text() if shown.count() else ""

    @property
    def path(self) -> str:
        return f"{self.stage.url}/developer/clients/{self.client_id}"

    def post(self, path: str, secret: str | None = None, **form: str) -> Reply:
        values = {"client_id": self.client_id, "client_secret": self.secret if secret is None else secret, **form}
        body = urllib.parse.urlencode({name: value for name, value in values.items() if value}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.stage.served.ask("POST", path, key="", headers=headers, body=body)

    def token(self, secret: str | None = None, **form: str) -> Reply:
        return self.post("/oauth/v2/token", secret, **{"grant_type": "client_credentials", **form})

    def exchange(self, code: str, **form: str) -> dict[str, Any]:
        answer = self.token(grant_type="authorization_code", code=code, **form)
        assert answer.status == 200, answer.body
        return dict(answer.document)

    def is_live(self, token: str) -> bool:
        return self.stage.served.ask("GET", "/api/v1/me", key=token).status == 200


class Application(ThreadingHTTPServer):
    """Where the browser is sent back to; also a page that frames whatever it is asked to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.back: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def authorize(self, stage: Stage, client: Registered, scope: str = "connections.read") -> str:
        asked = {"client_id": client.client_id, "redirect_uri": f"{self.url}/back", "response_type": "code"}
        asked |= {"scope": scope, "state": "s", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        return f"{stage.url}/oauth/v2/auth?{urllib.parse.urlencode(asked)}"


class _Answer(BaseHTTPRequestHandler):
    server: Application

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        told = dict(urllib.parse.parse_qsl(query))
        if path == "/back":
            self.server.back.append(told)
        text = f'<h1>Application</h1><iframe src="{told["frame"]}"></iframe>' if path == "/frame" else "<h1>Back</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    server = Application()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def add(page: Page, stage: Stage, kind: str, name: str, *, back: tuple[str, ...] = (), own: bool = False) -> Registered:
    """**Add Client ID** from the list on, with the fields that the type asks for."""
    page.goto(f"{stage.url}/developer")
    page.get_by_role("link", name="Add Client ID").first.click()
    expect(page.get_by_role("columnheader", name="Client Type")).to_be_visible()
    page.get_by_role("link", name=kind, exact=True).click()
    page.get_by_label("Client Name").fill(name)
    page.get_by_label("Client Domain").fill("https://reports.example")
    for number, uri in enumerate(back, 1):
        if number > 1:
            page.get_by_role("button", name="Add a redirect URI").click()
        page.get_by_label(f"Authorized Redirect URI {number}", exact=True).fill(uri)
    if own:
        page.get_by_label("Client credentials").check()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Client created")).to_be_visible()
    return Registered(stage, page, name)


def options(page: Page, client: Registered, act: str) -> None:
    """**Options** of the client in the list, and one of them."""
    page.goto(f"{client.stage.url}/developer")
    page.get_by_label(f"Options for {client.name}", exact=True).click()
    page.locator("details.menu[open]").get_by_role("link", name=act, exact=True).click()


def rotate(page: Page, client: Registered, overlap: str) -> str:
    """A new secret from **Options > Edit**; the client keeps the former one."""
    options(page, client, "Edit")
    expect(page.locator("main")).to_contain_text(client.client_id)
    page.get_by_label("The former secrets still work for").select_option(label=overlap)
    page.get_by_role("button", name="Rotate secret").click()
    expect(page.get_by_role("heading", name="New client secret")).to_be_visible()
    return Registered(client.stage, page, client.name).secret


def refused_within_a_second(client: Registered, token: str, press: Locator) -> None:
    """Press the button that ends it: a second after the answer, at the latest, nothing opens with the token."""
    assert client.is_live(token)
    with press.page.expect_navigation():
        press.click()
    time.sleep(0.2)
    assert not client.is_live(token)


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_asks_for_the_fields_it_needs_and_no_others(page: Page, stage: Stage, axe: str, kind: str) -> None:
    back = () if kind in ("Non-browser device", "Self client") else ("https://reports.example/back",)
    page.goto(f"{stage.url}/developer/new?type={TYPES[kind]}")
    for label in ("Client Name", "Client Domain"):
        expect(page.get_by_label(label)).to_be_visible()
    expect(page.get_by_text("Authorized Redirect URI", exact=True)).to_have_count(1 if back else 0)
    keeps_a_secret = TYPES[kind] in ("server_based", "self")
    expect(page.get_by_label("Client credentials")).to_have_count(1 if keeps_a_secret else 0)
    client = add(page, stage, kind, f"Made as {kind}", back=back)
    assert client.secret.startswith("ics_") == keeps_a_secret
    page.goto(client.path)
    expect(page.locator("main")).to_contain_text(client.client_id)
    assert not client.secret or client.secret not in page.content()
    expect(page.get_by_role("heading", name="Generate Code")).to_have_count(1 if TYPES[kind] == "self" else 0)
    expect(page.get_by_role("heading", name="Client Secret")).to_have_count(1 if keeps_a_secret else 0)
    for path in ("", "/edit"):
        page.goto(client.path + path)
        look_at(page, axe, kind)


def test_a_redirect_uri_that_is_refused_is_said_beside_its_rows_and_kept(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/developer/new?type=server_based")
    page.get_by_label("Client Name").fill("Refused")
    page.get_by_label("Authorized Redirect URI 1").fill("http://reports.example/back")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#redirect_uris-wrong")).to_contain_text("must use https")
    expect(page.get_by_label("Authorized Redirect URI 1")).to_have_value("http://reports.example/back")


def test_options_edit_changes_what_the_client_is(page: Page, stage: Stage) -> None:
    first, second = "https://reports.example/back", "https://reports.example/other"
    client = add(page, stage, "Server-based (Web based)", "Before", back=(first, second))
    options(page, client, "Edit")
    expect(page.locator("main")).to_contain_text(client.client_id)
    expect(page.get_by_label("Authorized Redirect URI 2")).to_have_value(second)
    page.get_by_label("Client Name").fill("After")
    page.get_by_label("Authorized Redirect URI 1", exact=True).fill("")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", name="After")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text(second)
    expect(page.locator(".facts")).not_to_contain_text(first)


def test_a_secret_is_rotated_while_the_client_keeps_working(page: Page, stage: Stage) -> None:
    client = add(page, stage, "Self client", "Nightly job", own=True)
    old = client.secret
    assert client.token().status == 200
    new = rotate(page, client, "an hour")
    assert [client.token(secret).status for secret in (old, new)] == [200, 200]
    page.goto(client.path)
    expect(page.locator("tbody tr:has-text('…')")).to_have_count(2)
    page.get_by_label(f"End the secret that ends with {old[-4:]}").click()
    expect(page.get_by_text("The secret was ended")).to_be_visible()
    assert [client.token(secret).status for secret in (old, new)] == [401, 200]
    last = rotate(page, client, "not at all")
    assert [client.token(secret).status for secret in (new, last)] == [401, 200]
    answer = stage.served.ask("POST", f"/api/v1/clients/{client.client_id}/secret", {"overlap_seconds": 2})
    assert client.token(last).status == 200
    ends = time.monotonic() + 20
    while client.token(last).status == 200 and time.monotonic() < ends:
        time.sleep(0.2)
    assert [client.token(secret).status for secret in (last, answer.document["client_secret"])] == [401, 200]


def test_a_self_clients_code_is_generated_exchanged_and_its_tokens_revoked(page: Page, stage: Stage) -> None:
    client = add(page, stage, "Self client", "My scripts")
    options(page, client, "Generate Code")
    form = page.locator("form[action$='/code']")
    for scope in form.get_by_role("checkbox").all():
        scope.uncheck()
    form.get_by_label("connections.read").check()
    form.get_by_label("Minutes").select_option("5")
    form.get_by_label("Description").fill("The monthly report")
    form.get_by_role("button", name="Generate Code").click()
    code = page.locator("dd:has(button[aria-label='Copy the code']) code").inner_text()
    tokens = client.exchange(code)
    assert tokens["scope"] == "connections.read"
    page.goto(client.path)
    row = page.locator("#tokens tr", has_text="The monthly report")
    expect(row).to_contain_text("Ada Lovelace")
    refused_within_a_second(client, tokens["access_token"], row.get_by_role("button"))
    assert client.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status == 400


def test_consent_says_who_asks_and_a_refusal_gives_nothing(page: Page, stage: Stage, application: Application) -> None:
    client = add(page, stage, "Mobile", "Field notes", back=("http://127.0.0.1/back",))
    page.goto(application.authorize(stage, client, "connections.read functions.execute"))
    for told in ("Field notes", "127.0.0.1", "Ada Lovelace", "Registered by", "Run functions", "reports.example"):
        expect(page.locator("main")).to_contain_text(told)
    assert page.evaluate("window.broken") == []
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("heading", name="Back")).to_be_visible()
    told = application.back[-1]
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "s", stage.url)
    assert "code" not in told


def test_a_person_ends_an_applications_access(page: Page, stage: Stage, application: Application) -> None:
    client = add(page, stage, "Client-based", "Dashboard", back=(f"{application.url}/back",))
    tokens = consent(page, stage, application, client)
    page.goto(f"{stage.url}/account")
    page.get_by_role("link", name="Applications with access to my account").click()
    refused_within_a_second(client, tokens["access_token"], page.get_by_label("Revoke the access of Dashboard"))
    expect(page.locator("main")).not_to_contain_text("Dashboard")
    page.goto(application.authorize(stage, client))
    expect(page.get_by_role("button", name="Allow")).to_be_visible()


def test_deleting_or_disabling_a_client_ends_its_tokens(page: Page, stage: Stage, application: Application) -> None:
    client = add(page, stage, "Server-based (Web based)", "Short lived", back=(f"{application.url}/back",))
    tokens = consent(page, stage, application, client)
    options(page, client, "Edit")
    page.get_by_label("Disabled").check()
    refused_within_a_second(client, tokens["access_token"], page.get_by_role("button", name="Save", exact=True).last)
    options(page, client, "Edit")
    page.get_by_label("Disabled").uncheck()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", name="Short lived")).to_be_visible()
    tokens = consent(page, stage, application, client)
    options(page, client, "Delete")
    page.get_by_label("Type Short lived to delete it").fill("Short lived")
    refused_within_a_second(client, tokens["access_token"], page.get_by_role("button", name="Delete"))
    page.goto(application.authorize(stage, client))
    expect(page.locator("main")).to_contain_text("The client is not known.")


def test_the_consent_page_cannot_be_framed(page: Page, stage: Stage, application: Application) -> None:
    client = add(page, stage, "Client-based", "Framer", back=(f"{application.url}/back",))
    page.goto(application.authorize(stage, client))
    asked = page.url
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for framed in (asked, f"{stage.url}/device", f"{stage.url}/login"):
        page.goto(f"{application.url}/frame?frame={urllib.parse.quote(framed, safe='')}", wait_until="load")
        expect(page.get_by_role("heading", name="Application")).to_be_visible()
        assert page.frames[1].url.startswith("chrome-error:"), page.frames[1].url
    assert len([text for text in said if "frame-ancestors" in text or "X-Frame-Options" in text]) == 3, said


def test_a_name_that_imitates_another_is_told_and_stays_text(
    page: Page, stage: Stage, application: Application
) -> None:
    back = (f"{application.url}/back",)
    for name, told in (("Gооgle", "mixes letters"), ("<b id=bold>Bold</b>", "<b id=bold>Bold</b>")):
        client = add(page, stage, "Client-based", name, back=back)
        page.goto(application.authorize(stage, client))
        expect(page.locator("main")).to_contain_text(told)
        expect(page.locator("#bold")).to_have_count(0)
    page.goto(f"{stage.url}/developer/new?type=browser")
    page.get_by_label("Client Name").fill("Turned \u202e round")
    page.get_by_label("Authorized Redirect URI 1").fill(back[0])
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#name-wrong")).to_contain_text("visible characters")


def test_a_device_is_let_in_by_the_code_it_shows(page: Page, stage: Stage) -> None:
    client = add(page, stage, "Non-browser device", "Label printer")
    begun = client.post("/oauth/v2/device", scope="connections.read").document
    poll = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": begun["device_code"]}
    assert client.token(**poll).document["error"] == "authorization_pending"
    page.goto(begun["verification_uri"])
    page.get_by_label("Code").fill("BCDF-GHJK")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.get_by_label("Code").fill(begun["user_code"].lower())
    page.get_by_role("button", name="Continue").click()
    for told in ("Label printer", begun["user_code"], "started elsewhere", "See services and connections"):
        expect(page.locator("main")).to_contain_text(told)
    page.get_by_role("button", name="Allow").click()
    expect(page.locator("main")).to_contain_text("was allowed")
    tokens = client.token(**poll).document
    assert client.is_live(tokens["access_token"])
    denied = client.post("/oauth/v2/device").document
    page.goto(denied["verification_uri_complete"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator("main")).to_contain_text("was refused")
    assert client.token(**{**poll, "device_code": denied["device_code"]}).document["error"] == "access_denied"


def consent(page: Page, stage: Stage, application: Application, client: Registered) -> dict[str, Any]:
    """Allow the client in the browser; the tokens that its code is good for."""
    page.goto(application.authorize(stage, client))
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Back")).to_be_visible()
    told = application.back[-1]
    assert (told["state"], told["iss"]) == ("s", stage.url), json.dumps(sorted(told))
    assert re.fullmatch(r"iac_\w+", told["code"])
    return client.exchange(told["code"], redirect_uri=f"{application.url}/back", code_verifier=VERIFIER)
