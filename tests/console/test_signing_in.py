"""Passkeys in a real browser, with the virtual authenticator that its developer tools offer; and the organisation's
provider, which is another site to the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from tests.authserver.openid_server import CLIENT_ID, SECRET, openid_server
from tests.console.conftest import new_context
from tests.console.looks import check_looks
from tests.console.stage import EMAIL, PASSWORD, set_up_link
from tests.served import Served, free_port, serving

pytestmark = pytest.mark.browser


class Desk:
    """A browser at a server that is known by a name, with an authenticator plugged in."""

    def __init__(self, context: BrowserContext, served: Served) -> None:
        self.page = context.new_page()
        self.served = served
        self.url = served.environ["ISTHMUS_PUBLIC_URL"]
        self.cdp: CDPSession = context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable", {"enableUI": False})
        self.authenticator = self.plug_in()

    def plug_in(self, **more: Any) -> str:
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        options |= {"isUserVerified": True, "automaticPresenceSimulation": True, **more}
        return str(self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])

    def unplug(self) -> None:
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.authenticator})

    def credentials(self) -> list[dict[str, Any]]:
        found = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(found["credentials"])

    def verified(self, yes: bool) -> None:
        told = {"authenticatorId": self.authenticator, "isUserVerified": yes}
        self.cdp.send("WebAuthn.setUserVerified", told)

    def sign_in_with_password(self) -> None:
        self.page.goto(f"{self.url}/login")
        self.page.get_by_label("E-mail address").fill(EMAIL)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(f"{self.url}/")

    def sign_out(self) -> None:
        self.page.goto(f"{self.url}/account")
        self.page.locator("main").get_by_role("button", name="Sign out").click()
        self.page.wait_for_url(f"{self.url}/login")

    def add(self, name: str) -> None:
        self.page.goto(f"{self.url}/account/passkeys/new")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Add").click()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    port = free_port()
    with openid_server() as provider:
        settings = {"openid_issuer": provider.issuer, "openid_client_id": CLIENT_ID, "openid_client_secret": SECRET}
        settings |= {"public_url": f"http://localhost:{port}", "openid_name": "Example Ltd"}
        with serving(tmp_path_factory.mktemp("named"), port=port, **settings) as running:
            yield running


@pytest.fixture(scope="module")
def administered(chromium: Browser, served: Served) -> Served:
    context = new_context(chromium)
    page = context.new_page()
    page.goto(set_up_link(served))
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("form button").click()
    page.wait_for_url("**/")
    context.close()
    return served


@pytest.fixture
def desk(chromium: Browser, administered: Served) -> Iterator[Desk]:
    context = new_context(chromium)
    desk = Desk(context, administered)
    # Chromium asks for a passkey by itself while the field waits; here the button is what is looked at.
    desk.page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
    yield desk
    context.close()


def with_passkey(page: Page) -> None:
    page.get_by_role("button", name="Sign in with a passkey").click()


def test_without_verification_of_the_person_nothing_is_made_and_nobody_signed_in(desk: Desk) -> None:
    desk.sign_in_with_password()
    desk.verified(False)
    desk.add("Laptop")
    expect(desk.page.get_by_text("Nothing was chosen, or it took too long.")).to_be_visible()
    assert desk.credentials() == []
    desk.verified(True)
    desk.add("Laptop")
    expect(desk.page.get_by_text("The passkey was added.")).to_be_visible()
    desk.sign_out()
    desk.verified(False)
    with_passkey(desk.page)
    expect(desk.page.get_by_text("Nothing was chosen, or it took too long.")).to_be_visible()
    desk.verified(True)
    with_passkey(desk.page)
    desk.page.wait_for_url(f"{desk.url}/")
    remove(desk, "Laptop")


def test_a_passkey_is_added_used_listed_and_removed(desk: Desk) -> None:
    desk.sign_in_with_password()
    desk.add("Work laptop")
    expect(desk.page.get_by_role("row", name="Work laptop")).to_contain_text("never")
    desk.add("Twice")
    expect(desk.page.get_by_text("has a passkey for your account already")).to_be_visible()
    desk.sign_out()
    desk.page.goto(f"{desk.url}/login?next=/account/signing-in")
    with_passkey(desk.page)
    desk.page.wait_for_url(f"{desk.url}/account/signing-in")
    expect(desk.page.get_by_role("row", name="Work laptop")).to_contain_text("just now")
    expect(desk.page.get_by_role("row", name="this browser")).to_contain_text("with a passkey")
    remove(desk, "Work laptop")
    desk.sign_out()
    with_passkey(desk.page)
    expect(desk.page.get_by_text("This passkey is not known here.")).to_be_visible()
    assert desk.page.evaluate("window.broken") == []


def test_an_answer_that_is_sent_again_or_from_elsewhere_is_refused(desk: Desk, chromium: Browser) -> None:
    desk.sign_in_with_password()
    desk.add("Laptop")
    expect(desk.page.get_by_text("The passkey was added.")).to_be_visible()
    desk.sign_out()
    sent: list[str] = []
    desk.page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    with_passkey(desk.page)
    desk.page.wait_for_url(f"{desk.url}/")
    again = desk.page.request.post(
        f"{desk.url}/login/passkey",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"},
        data=sent[-1],
    )
    assert again.status == 401
    assert "was finished before" in again.text()
    # The same server under its number: another origin, for which a browser has no passkey and offers none.
    context = new_context(chromium)
    other = context.new_page()
    other.goto(f"{desk.served.url}/login")
    with_passkey(other)
    expect(other.get_by_text("does not take passkeys at this address")).to_be_visible()
    context.close()
    remove(desk, "Laptop")


def test_a_browser_offers_passkeys_in_the_field_by_itself(desk: Desk, chromium: Browser) -> None:
    desk.sign_in_with_password()
    desk.add("Laptop")
    expect(desk.page.get_by_text("The passkey was added.")).to_be_visible()
    kept = desk.credentials()[0]
    context = new_context(chromium)
    other = Desk(context, desk.served)
    told = {"authenticatorId": other.authenticator, "credential": {**kept, "signCount": kept["signCount"] + 1}}
    other.cdp.send("WebAuthn.addCredential", told)
    other.page.goto(f"{other.url}/login")
    other.page.wait_for_url(f"{other.url}/")
    context.close()
    remove(desk, "Laptop")


def test_a_change_long_after_signing_in_asks_for_the_password_first(desk: Desk) -> None:
    desk.sign_in_with_password()
    desk.page.goto(f"{desk.url}/account/confirm?next=/account/passkeys/new")
    desk.page.get_by_label("Present password").fill(PASSWORD)
    desk.page.get_by_role("button", name="Confirm").click()
    expect(desk.page.get_by_role("heading", name="Add a passkey")).to_be_visible()


def test_what_the_browser_did_not_make_is_told_beside_the_name_and_keeps_it(desk: Desk) -> None:
    desk.sign_in_with_password()
    desk.page.goto(f"{desk.url}/account/passkeys/new")
    desk.page.get_by_label("Name").fill("My laptop")
    forge = "const form = document.querySelector('form[data-passkey]'); form.elements.credential.value = '{}'; form.submit()"
    desk.page.evaluate(forge)
    expect(desk.page.locator("#name-wrong")).to_contain_text("The passkey was not accepted.")
    expect(desk.page.get_by_label("Name")).to_have_value("My laptop")


def test_through_the_organisation_one_signs_in_once_it_is_linked(desk: Desk) -> None:
    desk.page.goto(f"{desk.url}/login")
    desk.page.get_by_role("link", name="Sign in with Example Ltd").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("that is not linked to the organisation's sign-in")
    desk.sign_in_with_password()
    desk.page.goto(f"{desk.url}/account/signing-in")
    desk.page.get_by_role("button", name="Link my account").click()
    check_looks(desk.page)
    desk.page.get_by_role("link", name="Continue").click()
    desk.page.wait_for_url(f"{desk.url}/account/signing-in")
    expect(desk.page.get_by_role("button", name=f"Unlink {EMAIL}")).to_be_visible()
    desk.sign_out()
    desk.page.goto(f"{desk.url}/login?next=/account/signing-in")
    desk.page.get_by_role("link", name="Sign in with Example Ltd").click()
    desk.page.wait_for_url(f"{desk.url}/account/signing-in")
    check_looks(desk.page)
    desk.page.get_by_role("button", name=f"Unlink {EMAIL}").click()
    expect(desk.page.get_by_text("was taken off yours")).to_be_visible()


@pytest.mark.parametrize("path", ["/login", "/account/passkeys/new", "/account/signing-in"])
def test_a_page_with_passkeys_is_accessible_keeps_the_policy_and_fits_a_phone(desk: Desk, path: str) -> None:
    desk.sign_in_with_password()
    desk.add("Laptop")
    expect(desk.page.get_by_text("The passkey was added.")).to_be_visible()
    if path == "/login":
        desk.sign_out()
    desk.page.goto(desk.url + path)
    expect(
        desk.page.get_by_role("button", name="Passkey") if path == "/login" else desk.page.locator("h1")
    ).to_be_visible()
    check_looks(desk.page)
    desk.sign_in_with_password()
    remove(desk, "Laptop")


def remove(desk: Desk, name: str) -> None:
    desk.page.goto(f"{desk.url}/account/signing-in")
    desk.page.get_by_role("button", name=f"Remove {name}").click()
    expect(desk.page.get_by_text("The passkey was removed.")).to_be_visible()
