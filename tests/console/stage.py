"""A server with things in it to look at: services, connections in every state, calls, people, keys."""

from __future__ import annotations

import os
import re
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Playwright
from tests.journey import Browser, connect, make_connection, make_service
from tests.practice_server import PracticeServer
from tests.served import Served, serving

PASSWORD = "correct horse battery"
EMAIL = "ada@example.com"


@dataclass
class Stage:
    served: Served
    practice: PracticeServer

    @property
    def url(self) -> str:
        return self.served.url

    def sign_in(self, page: Page, email: str = EMAIL, at: str = "") -> None:
        """Sign in, at another name of the server where one is given."""
        url = at or self.url
        page.goto(f"{url}/login")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{url}/")

    def failed_run(self) -> str:
        """The id of a run that failed just now."""
        document = {"name": "standalone.fails", "language": "python", "code": "def main():\n    return 1 // 0\n"}
        self.served.ask("POST", "/api/v1/functions", document)
        ran = self.served.ask("POST", "/api/v1/functions/standalone.fails/execute?version=draft", {}).document
        return str(ran["run_id"])

    def consent_page(self, link_name: str) -> str:
        """A fresh connect link that an API key asked for."""
        answer = self.served.ask("POST", f"/api/v1/connections/{link_name}/connect", {}).document
        return str(answer["authorize_url"])


BROWSERS = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")


@contextmanager
def launch(playwright: Playwright) -> Iterator[Chromium]:
    """Debian's chromium, the one without windows where it is there: it costs a third less. Both need these words where
    they run as root."""
    words = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    path = os.environ.get("CHROMIUM") or next(filter(os.path.exists, BROWSERS))
    browser = playwright.chromium.launch(executable_path=path, args=words)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def staged(directory: Path) -> Iterator[Stage]:
    """The server and the practice third party, with everything set."""
    with PracticeServer() as practice, serving(directory) as served:
        stage = Stage(served, practice)
        set_up(stage)
        furnish(stage)
        yield stage


def set_up_link(served: Served) -> str:
    """The one-time link that the server printed when it started."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        found = re.search(r"http://\S+/setup/[0-9a-f]{64}", served.log())
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError("the server printed no set-up link")


def set_up(stage: Stage) -> None:
    browser, link = Browser(stage.served), set_up_link(stage.served)
    page = browser.go("GET", link).body.decode()
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    assert token
    form = {"form_token": token[1], "name": "Ada Lovelace", "email": EMAIL, "password": PASSWORD}
    assert browser.go("POST", link, form).status == 303


def furnish(stage: Stage) -> None:
    served, practice = stage.served, stage.practice
    for like in ("practice_oauth2", "practice_oauth1", "practice_basic", "practice_api_key", "practice_two_keys"):
        make_service(served, practice, like)
    names = {
        "crm": ("Customer records", "practice_oauth2", ["read", "write", "profile"]),
        "billing": ("Billing", "practice_api_key", []),
        "archive": ("Document archive", "practice_oauth1", []),
        "legacy": ("Old ticket system", "practice_basic", []),
        "mailing": ("Newsletter", "practice_oauth2", ["read"]),
    }
    for link_name, (name, service, scopes) in names.items():
        make_connection(served, service, link_name, name=name, scopes=scopes)
    personal = {"name": "Calendar", "use_credentials_of_login_user": True, "scopes": ["read"]}
    make_connection(served, "practice_oauth2", "calendar", **personal)
    for link_name in ("crm", "mailing", "billing", "legacy"):
        connect(served, practice, link_name, names[link_name][1])
    _call(served, "crm", ["/me", "/me", "/items?limit=20", "/nowhere", "/me"])
    served.ask("PATCH", "/api/v1/connections/crm", {"policy": {"keep_bodies": True}})
    made = {"url": "/echo?page=2", "type": "POST", "headers": {"X-Tenant": "north", "Accept": "application/json"}}
    made["body"] = {
        "customer": {"name": "Ada Lovelace", "city": "London"},
        "password": "correct horse",
        "tags": ["new"],
    }
    served.ask("POST", "/api/v1/connections/crm/invoke", made)
    practice.dials(api={"fail_status": 401})
    _call(served, "billing", ["/me", "/me"])
    served.ask("POST", "/api/v1/connections/billing/test", {})
    practice.dials(api={})
    served.ask("POST", "/api/v1/connections/legacy/disable")
    people = (("Grace Hopper", "grace", "developer"), ("Alan Turing", "alan", "member"))
    for name, email, role in people:
        person = {"name": name, "email": f"{email}@example.com", "role": role, "password": PASSWORD}
        assert served.ask("POST", "/api/v1/users", person).status == 201
    key = {"name": "Nightly import", "role": "member", "connections": ["crm"]}
    assert served.ask("POST", "/api/v1/api-keys", key).status == 201
    _write_function(served)
    time.sleep(1.2)  # recent calls are written once a second


GREETING = """// Tells the team who a new customer is.
response = invokeurl
[
\turl :"%s/oauth2/api/me"
\ttype :GET
\tconnection:"crm"
];
info response.get("name");
return {"customer": response.get("name"), "greeting": "Hello"};
"""


def _write_function(served: Served) -> None:
    base = served.ask("GET", "/api/v1/services/practice_oauth2").document["base_url"].removesuffix("/oauth2/api")
    name, code = "standalone.notify", GREETING % base
    document = {"name": name, "language": "deluge", "description": "Tells the team", "code": code}
    assert served.ask("POST", "/api/v1/functions", document).status == 201
    assert served.ask("POST", f"/api/v1/functions/{name}/publish").status == 200
    for _ in range(2):
        assert served.ask("POST", f"/api/v1/functions/{name}/execute", {}).document["error"] is None
    changed = code.replace("Hello", "Welcome")
    assert served.ask("PUT", f"/api/v1/functions/{name}", {"code": changed, "note": "Kinder"}).status == 200
    trigger = {"function": name, "kind": "schedule", "name": "Every morning", "mapping": {}}
    trigger["schedule"] = {"cron": "30 8 * * MON-FRI", "timezone": "Europe/Berlin"}
    assert served.ask("POST", "/api/v1/triggers", trigger).status == 201


def _call(served: Served, link_name: str, urls: list[str]) -> None:
    for url in urls:
        served.ask("GET", f"/proxy/{link_name}{urllib.parse.quote(url, safe='/?=&')}")
