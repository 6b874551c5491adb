"""Every page of the console, by name: at an address, for a moment, or after something was done on one."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.console.stage import Stage

SIGNED_OUT = {"login": "/login", "missing-signed-out": "/nowhere", "docs": "/docs", "docs-errors": "/docs/errors"}

PAGES = {
    "home": "/",
    "connections": "/connections",
    "connections-nothing": "/connections?q=xyzzy",
    "shared": "/shared",
    "pick": "/new/connection",
    "pick-custom": "/new/connection?tab=custom",
    "pick-nothing": "/new/connection?q=xyzzy",
    "create": "/new/connection/practice_oauth2",
    "create-values": "/new/connection/practice_two_keys",
    "connection": "/connections/crm",
    "connection-failing": "/connections/billing",
    "connection-new": "/connections/archive",
    "connection-off": "/connections/legacy",
    "connect": "/connections/archive/connect",
    "edit": "/connections/crm/edit",
    "delete": "/connections/crm/delete",
    "revoke": "/connections/crm/revoke",
    "call": "/connections/crm/call?method=GET&url=/me",
    "services": "/services",
    "services-custom": "/services?tab=custom",
    "service": "/services/practice_oauth2",
    "service-default": "/services/slack",
    "service-new": "/new/service",
    "service-edit": "/services/practice_oauth2/edit",
    "service-clone": "/services/slack/clone",
    "service-delete": "/services/practice_basic/delete",
    "client": "/services/slack/client?next=/new/connection/slack",
    "functions": "/functions",
    "function-new": "/new/function",
    "function": "/functions/standalone.notify",
    "function-versions": "/functions/standalone.notify/versions?from=1",
    "function-runs": "/functions/standalone.notify/runs",
    "function-triggers": "/functions/standalone.notify/triggers",
    "function-delete": "/functions/standalone.notify/delete",
    "activity": "/activity",
    "users": "/users",
    "user-new": "/new/user",
    "keys": "/keys",
    "key-new": "/new/key",
    "settings": "/settings",
    "developer": "/developer",
    "application-type": "/developer/new",
    "application-new": "/developer/new?type=server_based",
    "applications": "/account/applications",
    "device": "/device",
    "account": "/account",
    "account-signing-in": "/account/signing-in",
    "account-confirm": "/account/confirm?next=/account/signing-in",
    "more": "/more",
    "missing": "/connections/nowhere",
}
"""Name -> path of every page of the stage that has one address."""

EMPTY_PAGES = {
    "empty-home": "/",
    "empty-connections": "/connections?started=1",
    "empty-shared": "/shared",
    "empty-services": "/new/connection?tab=custom",
    "empty-functions": "/functions",
    "empty-developer": "/developer",
    "empty-applications": "/account/applications",
}
"""Name -> path of pages that have something to say where there is nothing yet."""

NAMED = {"named-signing-in": "/account/signing-in", "passkey-new": "/account/passkeys/new"}
"""Name -> path of pages that are there where the server has a name and an organisation's provider."""

MOMENTS = {
    "consent": "/connect/{connect}",
    "consent-used": "/connect/used-already",
    "connected": "/connected/crm",
    "callback-unknown": "/oauth/callback/practice_oauth2?state=unknown&code=unknown",
    "run": "/runs/{run}",
    "run-failed": "/runs/{failed}",
    "user": "/users/{user}",
    "user-delete": "/users/{user}/delete",
    "key-revoke": "/keys/{key}/revoke",
    "application": "/developer/clients/{client}",
    "application-edit": "/developer/clients/{client}/edit",
    "allow": "/oauth/v2/consent/{allow}",
    "allow-refused": "/oauth/v2/auth?client_id=nobody&response_type=code",
    "device-code": "/device?user_code={device}",
}
"""Name -> path of pages that stand only for a while, or have a name only on this stage."""


def moments(stage: Stage) -> dict[str, str]:
    """Name -> address of each of MOMENTS, made anew."""
    ask = stage.served.ask
    runs = ask("GET", "/api/v1/functions/standalone.notify/runs").document["items"]
    users = {one["name"]: one["id"] for one in ask("GET", "/api/v1/users").document["items"]}
    keys = {one["name"]: one["id"] for one in ask("GET", "/api/v1/api-keys").document["items"]}
    facts = {
        "connect": stage.consent_page("archive").rpartition("/")[2],
        "run": runs[0]["id"],
        "failed": stage.failed_run(),
        "user": users["Grace Hopper"],
        "key": keys["Nightly import"],
        "client": client_named(stage, "Weekly reports", "self", []),
        "allow": consent_token(stage),
        "device": user_code(stage),
    }
    return {name: stage.url + path.format_map(facts) for name, path in MOMENTS.items()}


def client_named(stage: Stage, name: str, kind: str, redirect_uris: list[str]) -> str:
    """The client id of the stage's client of that name, registered where it is not there yet."""
    known = stage.served.ask("GET", "/api/v1/clients").document["items"]
    found = [one["client_id"] for one in known if one["name"] == name]
    if found:
        return str(found[0])
    document = {"name": name, "client_type": kind, "redirect_uris": redirect_uris, "domain": "https://reports.example"}
    answer = stage.served.ask("POST", "/api/v1/clients", document)
    assert answer.status == 201, answer.body
    return str(answer.document["client_id"])


def consent_token(stage: Stage) -> str:
    """The token of a request for consent that an application began."""
    back = "https://reports.example/back"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 50).digest()).decode().rstrip("=")
    asked = {"client_id": client_named(stage, "Sales dashboard", "browser", [back]), "redirect_uri": back}
    asked |= {"response_type": "code", "scope": "connections.read functions.execute", "state": "s"}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    answer = stage.served.ask("GET", f"/oauth/v2/auth?{urllib.parse.urlencode(asked)}", key="")
    return answer.headers["location"].rpartition("/")[2]


def user_code(stage: Stage) -> str:
    """The code that a device shows."""
    form = {"client_id": client_named(stage, "Door printer", "device", []), "scope": "connections.read"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(form).encode()
    return str(stage.served.ask("POST", "/oauth/v2/device", key="", headers=headers, body=body).document["user_code"])


def _login_refused(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/login")
    page.get_by_label("E-mail address").fill("nobody@example.com")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()


def _create_refused(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["create"])
    page.get_by_label("Connection Name").fill("")
    page.get_by_label("Connection Link Name").fill("Not a link name")
    page.get_by_role("button", name="Create and Connect").click()
    expect(page.get_by_role("alert").first).to_be_visible()


def _service_refused(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["service-new"])
    page.get_by_role("button", name="Create Service").click()
    expect(page.get_by_role("alert")).to_be_visible()


def _service_of_keys(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["service-new"])
    page.get_by_role("radio", name="API key", exact=True).check()


def _key_made(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["key-new"])
    page.get_by_label("Name").fill("Nightly export")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="API key created")).to_be_visible()


def _application_made(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["application-new"])
    page.get_by_label("Client Name").fill("Reports, too")
    page.get_by_label("Authorized Redirect URI 1", exact=True).fill("https://reports.example/back")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Client created")).to_be_visible()


def _code_generated(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/developer/clients/{client_named(stage, 'Weekly reports', 'self', [])}")
    page.get_by_role("button", name="Generate Code").click()
    expect(page.get_by_role("heading", name="Generated code")).to_be_visible()


def _options_open(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["developer"])
    page.get_by_label("Options for ").first.click()


def _call_answered(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["call"])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Answer")).to_be_visible()


def _function_ran(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["function"])
    page.locator(".cm-content").wait_for()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#outcome table")).to_be_visible()


def _function_failed(page: Page, stage: Stage) -> None:
    stage.failed_run()
    page.goto(f"{stage.url}/functions/standalone.fails")
    page.locator(".cm-content").wait_for()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#outcome .strip.bad")).to_be_visible()


def _webhook_made(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["function-triggers"])
    page.get_by_role("radio", name="Webhook").check()
    page.get_by_label("Name").fill("From the shop")
    page.get_by_role("button", name="Create Trigger").click()
    expect(page.get_by_label("Address of the webhook")).to_be_visible()


def _device_asked(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/device?user_code={user_code(stage)}")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()


def _device_refused(page: Page, stage: Stage) -> None:
    _device_asked(page, stage)
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("heading", name="Device refused")).to_be_visible()


def _keys_told(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["connections"])
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


ACTS: dict[str, Callable[[Page, Stage], None]] = {
    "login-refused": _login_refused,
    "create-refused": _create_refused,
    "service-refused": _service_refused,
    "service-new-keys": _service_of_keys,
    "key-made": _key_made,
    "application-made": _application_made,
    "application-code": _code_generated,
    "application-options": _options_open,
    "call-answered": _call_answered,
    "function-ran": _function_ran,
    "function-failed": _function_failed,
    "webhook-made": _webhook_made,
    "device-asked": _device_asked,
    "device-refused": _device_refused,
    "keys-told": _keys_told,
}
"""Name -> what a signed-in person does for the page to stand there."""
