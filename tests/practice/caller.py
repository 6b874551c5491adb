"""An independent client of the practice party: `requests`, without an environment's proxies, following nothing."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import requests
from tests.practice_server import PracticeServer

SECRET = "s3cr+t/=:&% x"
CALLBACK = "http://127.0.0.1:9/oauth/callback/x"
SCOPES = "read write profile"


def session() -> requests.Session:
    client = requests.Session()
    client.trust_env = False
    return client


def call(method: str, url: str, **more: Any) -> requests.Response:
    with session() as client:
        return client.request(method, url, allow_redirects=False, **{"timeout": 20, **more})


def basic(client: str = "practice-client", secret: str = SECRET) -> dict[str, str]:
    """RFC 6749 section 2.3.1: both form encoded, then Basic."""
    joined = f"{quote_plus(client)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(joined.encode()).decode()}


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


class Client:
    """A client of the practice party's OAuth 2 server."""

    def __init__(self, practice: PracticeServer, client_id: str = "practice-client") -> None:
        self.practice = practice
        self.client_id = client_id
        self.verifier = secrets.token_urlsafe(48)

    def authorize_url(self, *without: str, **changes: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "state": "st&te=1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{self.practice.url}/oauth2/authorize?" + urlencode(
            {name: value for name, value in asked.items() if name not in without}
        )

    def code(self, *without: str, **changes: str) -> str:
        return query_of(self.practice.approve(self.authorize_url(*without, **changes)))["code"]

    def token(self, headers: dict[str, str] | None = None, **form: str) -> requests.Response:
        headers = basic(self.client_id) if headers is None else headers
        return call("POST", f"{self.practice.url}/oauth2/token", data=form, headers=headers)

    def redeem(self, issued: str, **changes: str) -> requests.Response:
        form = {"code": issued, "redirect_uri": CALLBACK, "code_verifier": self.verifier, **changes}
        return self.token(grant_type="authorization_code", **form)

    def connect(self) -> dict[str, Any]:
        answer = self.redeem(self.code())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refresh(self, refresh_token: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token)

    def me(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return call("GET", f"{self.practice.url}/oauth2/api/me", headers=headers)


def assert_refused(answer: requests.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
