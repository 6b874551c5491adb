"""Signing in through an independent OpenID provider, unmodified, as a browser does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from tests.counterparts.servers import SECRET, Browser, OidcProvider
from tests.served import Served, free_port, serving

pytestmark = pytest.mark.counterpart
PASSWORD = "correct horse battery"
PERSON = {"email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}


class House:
    """A server that trusts the counterpart, and its administrator."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def browse(self) -> Browser:
        return Browser()

    def form(self, browser: Browser, page: str, action: str, **typed: str) -> tuple[int, str, str]:
        """Send the form on `page` that posts to `action`, hidden fields included."""
        _, _, text = browser.go(self.served.url + page)
        found = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.S)
        assert found, text
        hidden = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', found[1])
        fields = {name: unescape(value) for name, value in hidden} | typed
        return browser.go(self.served.url + action, fields, Origin="null")

    def sign_in(self, browser: Browser) -> None:
        status, _, _ = self.form(browser, "/login", "/login", email=PERSON["email"], password=PASSWORD)
        assert status == 303


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with OidcProvider(person=PERSON, redirect_uris=[f"{url}/login/openid/callback"]) as provider:
        secret = tmp_path_factory.mktemp("secret") / "secret"
        secret.write_text(SECRET + "\n")
        settings: dict[str, Any] = {
            "openid_issuer": provider.url,
            "openid_client_id": "code-basic",
            "openid_client_secret_file": str(secret),
            "openid_name": "Example Ltd",
            "admin_email": PERSON["email"],
            "admin_password": PASSWORD,
        }
        with serving(tmp_path_factory.mktemp("house"), port=port, **settings) as served:
            house = House(served)
            house.provider = provider  # type: ignore[attr-defined]
            yield house


def agree(house: House, location: str) -> str:
    """Sign in and consent at the provider; the callback URL."""
    provider: OidcProvider = house.provider  # type: ignore[attr-defined]
    assert location.startswith(provider.url)
    return provider.approve(location)


def test_an_account_is_opened_only_after_it_was_linked_and_then_without_a_password(house: House) -> None:
    stranger = house.browse()
    _, location, page = stranger.go(f"{house.served.url}/login?next=/account")
    assert "Sign in with Example Ltd" in page
    status, location, _ = stranger.go(f"{house.served.url}/login/openid?next=/account")
    assert status == 303
    callback = agree(house, location)
    status, location, _ = stranger.go(callback)
    assert (status, location) == (303, f"{house.served.url}/login")
    page = stranger.go(location)[2]
    assert "There is an account with your e-mail address here that is not linked" in page
    assert "not linked" not in stranger.go(location)[2]
    assert stranger.go(f"{house.served.url}/account")[0] == 303

    owner = house.browse()
    house.sign_in(owner)
    status, _, page = house.form(owner, "/account/signing-in", "/account/openid/link")
    found = re.search(r'<a class="button main" href="([^"]+)">Continue', page)
    assert status == 200
    assert found
    callback = agree(house, unescape(found[1]))
    assert stranger.go(callback)[1] == f"{house.served.url}/login"
    status, location, _ = owner.go(callback)
    assert (status, location) == (303, f"{house.served.url}/account/signing-in")
    assert "ended" not in owner.go(location)[2]
    assert PERSON["email"] in owner.go(location)[2]

    status, location, _ = stranger.go(f"{house.served.url}/login/openid?next=/account")
    callback = agree(house, location)
    status, location, _ = stranger.go(callback)
    assert (status, location) == (303, f"{house.served.url}/account")
    assert PERSON["email"] in stranger.go(location)[2]
    assert "through the organisation" in stranger.go(f"{house.served.url}/account/signing-in")[2]
    status, location, _ = stranger.go(callback)
    assert location == f"{house.served.url}/login"


def test_an_answer_in_another_browser_signs_nobody_in(house: House) -> None:
    one, other = house.browse(), house.browse()
    _, location, _ = one.go(f"{house.served.url}/login/openid")
    callback = agree(house, location)
    other.go(f"{house.served.url}/login/openid")
    _, location, _ = other.go(callback)
    assert "another browser" in other.go(location)[2]
    assert other.go(f"{house.served.url}/account")[0] == 303


def test_codes_states_and_secrets_are_in_no_log(house: House) -> None:
    browser = house.browse()
    _, location, _ = browser.go(f"{house.served.url}/login/openid")
    callback = agree(house, location)
    browser.go(callback)
    values = re.findall(r"[?&](?:code|state|nonce)=([^&]+)", f"{location} {callback}")
    log = house.served.log()
    assert len(values) >= 3
    assert not [value for value in [*values, SECRET] if value in log]
