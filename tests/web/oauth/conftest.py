"""Applications that are registered at a whole product and ask it for consent and tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from tests.web.console.conftest import Browser, House, house

__all__ = ["house"]

BACK = "https://reports.example/back"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class Application:
    """A registered client, as its developers see it."""

    def __init__(self, house: House, browser: Browser, document: dict[str, Any]) -> None:
        self.house = house
        self.browser = browser
        self.document = document
        self.client_id: str = document["client_id"]
        self.secret: str = document.get("client_secret") or ""
        self.verifier = secrets.token_urlsafe(48)

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        values: dict[str, str | None] = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": BACK,
            "scope": "connections.read",
            "state": "st/ate",
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    async def ask(self, browser: Browser | None = None, **changes: str | None) -> httpx.Response:
        """What the authorization endpoint answers at once."""
        query = urlencode(self.request(**changes))
        return await (browser or self.browser).get(f"/oauth/v2/auth?{query}")

    async def decide(self, browser: Browser, answer: httpx.Response, decision: str = "allow") -> dict[str, str]:
        """Press the button on the consent page that `answer` leads to; the parameters that the client gets back."""
        page = answer.headers["location"]
        assert page.startswith("/oauth/v2/consent/"), (answer.status_code, page, answer.text)
        decided = await browser.send(page, {"decision": decision})
        assert decided.status_code == 303, decided.text
        return read_back(decided)

    async def code(self, browser: Browser, **changes: str | None) -> str:
        """A code that the browser's person consented to."""
        return (await self.decide(browser, await self.ask(browser, **changes)))["code"]

    async def exchange(self, code: str, **changes: str | None) -> httpx.Response:
        return await self.token(
            grant_type="authorization_code",
            code=code,
            **{"redirect_uri": BACK, "code_verifier": self.verifier, **changes},
        )

    async def token(self, *, headers: dict[str, str] | None = None, **form: str | None) -> httpx.Response:
        """The token endpoint's answer; the client's secret goes in the body unless the caller proves it otherwise."""
        proven = "Authorization" in (headers or {}) or "client_assertion" in form
        values = {"client_id": None if proven else self.client_id, "client_secret": None if proven else self.secret}
        return await self.post("/oauth/v2/token", headers=headers, **{**values, **form})

    async def post(self, path: str, *, headers: dict[str, str] | None = None, **form: str | None) -> httpx.Response:
        body = urlencode({name: value for name, value in form.items() if value})
        return await self.browser.client.post(path, content=body, headers={**FORM, **(headers or {})})

    async def tokens(self, browser: Browser, **changes: str | None) -> dict[str, Any]:
        answer = await self.exchange(await self.code(browser, **changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def get(self, path: str, token: str, **headers: str) -> httpx.Response:
        return await self.browser.client.get(path, headers={"Authorization": f"Bearer {token}", **headers})

    async def is_live(self, token: str) -> bool:
        return (await self.get("/api/v1/me", token)).status_code == 200


def read_back(answer: httpx.Response) -> dict[str, str]:
    """The parameters with which a browser is sent back to the client."""
    location = urlsplit(answer.headers["location"])
    return dict(parse_qsl(location.query, keep_blank_values=True))


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def register(house: House, client_type: str = "server_based", **changes: Any) -> Application:
    """A client that an administrator registered."""
    system = house.isthmus.protect.system_actor()
    redirects = {"server_based": [BACK], "browser": [BACK], "mobile": [BACK]}
    document = {
        "name": "Reports",
        "client_type": client_type,
        "domain": "https://reports.example",
        "redirect_uris": redirects.get(client_type, []),
        **changes,
    }
    made = await house.isthmus.clients.create(system, document)
    return Application(house, await house.browser(), made)


@pytest.fixture
async def app(house: House) -> Application:
    return await register(house)


@pytest.fixture
async def public(house: House) -> Application:
    return await register(house, "browser")


@pytest.fixture
async def ada(house: House) -> Browser:
    return await house.browser("developer", "ada")
