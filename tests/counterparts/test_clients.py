"""Independent clients, unmodified, complete every grant against our own authorization server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, RSAKey
from requests_oauthlib import OAuth2Session as OauthlibSession
from tests.counterparts.servers import HERE, Browser
from tests.served import Served, start_server

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(180)]

BACK = "https://reports.example/back"
PASSWORD = "correct horse battery"
SCOPE = "connections.read functions.read"
NODE = HERE / "node"


class Person(Browser):
    """Somebody with a browser who signs in and consents."""

    def __init__(self, server: Served) -> None:
        super().__init__()
        self._url = server.url
        assert self.post("/login", {"email": "ada@example.com", "password": PASSWORD})[0] == 303

    def post(self, path: str, fields: dict[str, str], page: str | None = None) -> tuple[int, str, str]:
        text = page or self.go(self._url + path)[2]
        hidden = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', text)
        kept = {name: unescape(value) for name, value in hidden}
        return self.go(self._url + path, {**kept, **fields}, Origin="null")

    def consent(self, url: str) -> str:
        """Where the browser is sent after **Allow**."""
        status, location, text = self.go(url)
        assert status == 303, text
        status, back, text = self.post(location.removeprefix(self._url), {"decision": "allow"})
        assert status == 303, text
        return back

    def approve_device(self, url: str) -> None:
        code = url.partition("user_code=")[2]
        status, _, page = self.post("/device", {"user_code": code}, self.go(url)[2])
        assert status == 200, page
        assert "was allowed" in self.post("/device", {"decision": "allow"}, page)[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start_server(tmp_path_factory.mktemp("issuer"))
    person = {"email": "ada@example.com", "name": "Ada", "role": "administrator", "password": PASSWORD}
    assert served.ask("POST", "/api/v1/users", person).status == 201
    yield served
    served.end()


@pytest.fixture(scope="module")
def ada(server: Served) -> Person:
    return Person(server)


def register(server: Served, client_type: str, **more: Any) -> dict[str, Any]:
    redirects = [] if client_type in ("device", "self") else [BACK]
    document = {"name": "Reports", "client_type": client_type, "redirect_uris": redirects, "scopes": SCOPE.split()}
    made = server.ask("POST", "/api/v1/clients", {**document, **more})
    assert made.status == 201, made.body
    return dict(made.document)


# --- Authlib


def test_authlib_by_code_then_refresh_introspect_and_revoke(server: Served, ada: Person) -> None:
    made = register(server, "server_based")
    client = AuthlibSession(
        made["client_id"], made["client_secret"], scope=SCOPE, redirect_uri=BACK, code_challenge_method="S256"
    )
    verifier = "v" * 50
    url, state = client.create_authorization_url(f"{server.url}/oauth/v2/auth", code_verifier=verifier)
    back = ada.consent(url)
    token = client.fetch_token(
        f"{server.url}/oauth/v2/token", authorization_response=back, state=state, code_verifier=verifier
    )
    assert client.get(f"{server.url}/api/v1/me").json()["name"] == "Ada"
    fresh = client.refresh_token(f"{server.url}/oauth/v2/token", refresh_token=token["refresh_token"])
    assert client.get(f"{server.url}/api/v1/me").status_code == 200
    told = client.introspect_token(f"{server.url}/oauth/v2/introspect", token=fresh["access_token"]).json()
    assert (told["active"], told["scope"]) == (True, SCOPE)
    assert client.revoke_token(f"{server.url}/oauth/v2/token/revoke", token=token["refresh_token"]).status_code == 200
    told = client.introspect_token(f"{server.url}/oauth/v2/introspect", token=fresh["access_token"]).json()
    assert told == {"active": False}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_by_client_credentials(server: Served, method: str) -> None:
    made = register(server, "server_based")
    client = AuthlibSession(made["client_id"], made["client_secret"], token_endpoint_auth_method=method)
    client.fetch_token(f"{server.url}/oauth/v2/token", grant_type="client_credentials", scope="connections.read")
    assert client.get(f"{server.url}/api/v1/me").json()["id"] == f"client:{made['client_id']}"


def test_authlib_with_a_signed_assertion(server: Served) -> None:
    key = RSAKey.generate_key(2048, {"kid": "one"})
    keys = {"keys": [key.as_dict(private=False)]}
    made = register(server, "self", authentication="private_key_jwt", keys=keys)
    client = AuthlibSession(
        made["client_id"], key.as_pem(private=True).decode(), token_endpoint_auth_method="private_key_jwt"
    )
    endpoint = f"{server.url}/oauth/v2/token"
    claims = {"aud": server.url, "exp": int(time.time()) + 120}
    client.register_client_auth_method(PrivateKeyJWT(endpoint, claims=claims, alg="RS256"))
    client.fetch_token(endpoint, grant_type="client_credentials", scope="connections.read")
    assert client.get(f"{server.url}/api/v1/me").json()["kind"] == "client"


# --- requests-oauthlib


def test_requests_oauthlib_as_a_public_client(server: Served, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    made = register(server, "browser")
    client = OauthlibSession(made["client_id"], redirect_uri=BACK, scope=SCOPE.split(), pkce="S256")
    url, _ = client.authorization_url(f"{server.url}/oauth/v2/auth")
    token = client.fetch_token(
        f"{server.url}/oauth/v2/token", authorization_response=ada.consent(url), include_client_id=True
    )
    assert client.get(f"{server.url}/api/v1/me").json()["name"] == "Ada"
    fresh = client.refresh_token(f"{server.url}/oauth/v2/token", client_id=made["client_id"])
    assert fresh["refresh_token"] != token["refresh_token"]
    assert client.get(f"{server.url}/api/v1/me").status_code == 200


# --- oauth4webapi


def with_node(server: Served, ada: Person, **told: Any) -> dict[str, Any]:
    """What the program made of it; we are the person where it asks for one."""
    told = {"issuer": server.url, "redirect_uri": BACK, "scope": "connections.read", **told}
    process = subprocess.Popen(
        ["node", "client.mjs"],
        cwd=NODE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if line.startswith("open "):
        url = line.removeprefix("open ").strip()
        if told["grant"] == "device":
            ada.approve_device(url)
        answer = "" if told["grant"] == "device" else ada.consent(url)
        process.stdin.write(answer + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    rest, wrong = process.communicate(timeout=60)
    assert process.returncode == 0, line + rest + wrong
    return dict(json.loads(line))


@pytest.mark.parametrize("push", [False, True], ids=["plain", "pushed"])
@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
def test_oauth4webapi_by_code(server: Served, ada: Person, push: bool, dpop: bool) -> None:
    made = register(server, "server_based", require_pushed_authorization=push, require_dpop=dpop)
    result = with_node(
        server,
        ada,
        grant="code",
        client_id=made["client_id"],
        client_secret=made["client_secret"],
        push=push,
        dpop=dpop,
    )
    assert result["token_type"] == ("dpop" if dpop else "bearer")
    assert result["me"]["name"] == "Ada"
    assert result["refreshed"] == result["me"]["id"]
    assert (result["rotated"], result["active"], result["after"]) == (False, True, "invalid_token")


@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
def test_oauth4webapi_as_a_public_client(server: Served, ada: Person, dpop: bool) -> None:
    made = register(server, "mobile")
    result = with_node(server, ada, grant="code", client_id=made["client_id"], dpop=dpop)
    assert (result["me"]["name"], result["rotated"], result["after"]) == ("Ada", True, "invalid_token")


def test_oauth4webapi_by_client_credentials_with_a_signed_assertion(server: Served, ada: Person) -> None:
    key = ECKey.generate_key("P-256", {"kid": "one"})
    made = register(
        server, "server_based", authentication="private_key_jwt", keys={"keys": [key.as_dict(private=False)]}
    )
    private = {**key.as_dict(private=True), "kid": "one"}
    result = with_node(server, ada, grant="client_credentials", client_id=made["client_id"], private_key=private)
    assert (result["me"]["kind"], result["after"]) == ("client", "invalid_token")


def test_oauth4webapi_on_a_device(server: Served, ada: Person) -> None:
    made = register(server, "device")
    result = with_node(server, ada, grant="device", client_id=made["client_id"])
    assert (result["me"]["name"], result["rotated"], result["after"]) == ("Ada", True, "invalid_token")


# --- curl, as documented


def test_the_documented_commands_work(server: Served, ada: Person) -> None:
    text = (Path(__file__).parents[2] / "docs" / "oauth.md").read_text(encoding="utf-8")
    blocks = [
        block.replace("http://127.0.0.1:8400", server.url) for block in re.findall(r"```sh\n(.*?)```", text, re.S)
    ]
    confidential, generated, device = blocks

    def run(script: str, **environ: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.splitlines()

    made = register(server, "server_based")
    known = {"CLIENT_ID": made["client_id"], "CLIENT_SECRET": made["client_secret"]}
    first, second, third = re.split(r"\n(?=curl)", confidential)
    token = json.loads(run(first, **known)[0])["access_token"]
    assert json.loads(run(second, ACCESS_TOKEN=token)[0])["items"] == []
    assert run(third, ACCESS_TOKEN=token, **known) == []
    assert json.loads(run(second, ACCESS_TOKEN=token)[0])["code"] == "invalid_token"

    own = register(server, "self")
    known = {"CLIENT_ID": own["client_id"], "CLIENT_SECRET": own["client_secret"]}
    code = json.loads(run(generated, CODE="iac_unknown", **known)[0])
    assert code["error"] == "invalid_grant"

    television = register(server, "device")
    begin, poll = re.split(r"\n(?=curl)", device)
    begun = json.loads(run(begin.partition("   #")[0], CLIENT_ID=television["client_id"])[0])
    ada.approve_device(begun["verification_uri_complete"])
    tokens = json.loads(run(poll, CLIENT_ID=television["client_id"], DEVICE_CODE=begun["device_code"])[0])
    assert tokens["token_type"] == "Bearer"


def test_a_revoked_token_is_refused_within_a_second_by_every_part(server: Served, ada: Person) -> None:
    made = register(server, "server_based")
    client = AuthlibSession(made["client_id"], made["client_secret"])
    client.fetch_token(f"{server.url}/oauth/v2/token", grant_type="client_credentials")
    for path in ("/api/v1/me", "/api/v1/connections"):
        assert client.get(server.url + path).status_code == 200
    assert server.ask("DELETE", f"/api/v1/clients/{made['client_id']}").status == 204
    for path in ("/api/v1/me", "/api/v1/connections", "/proxy/any/x"):
        assert client.get(server.url + path).status_code == 401


# --- the code on a client's own page


SNIPPETS = [
    ("server_based", []),
    ("browser", []),
    ("mobile", []),
    ("device", []),
    ("self", ["authorization_code"]),
    ("self", ["client_credentials"]),
]
LANGUAGES = {
    "cURL": ["bash", "-c"],
    "Python": [sys.executable, "-c"],
    "JavaScript": ["node", "--input-type=module", "-e"],
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "grants"), SNIPPETS, ids=["-".join([kind, *grants]) for kind, grants in SNIPPETS])
def test_the_code_on_a_clients_page_runs_as_it_stands(
    server: Served, ada: Person, kind: str, grants: list[str], language: str
) -> None:
    made = register(server, kind, **({"grant_types": grants} if grants else {}))
    page = ada.go(f"{server.url}/developer/clients/{made['client_id']}")[2]
    snippets = re.findall(r'<pre[^>]* aria-label="(\w+)"[^>]*><code>(.*?)</code></pre>', page, re.S)
    code = unescape(dict(snippets)[language])
    environ = {**os.environ, "CLIENT_SECRET": made.get("client_secret") or "", "NODE_NO_WARNINGS": "1"}
    if grants == ["authorization_code"]:
        path = f"/developer/clients/{made['client_id']}/code"
        shown = ada.post(path, {"scope": "connections.read"}, form_of(page, path))[2]
        environ["CODE"] = re.findall(r"iac_\w+", shown)[0]
    process = subprocess.Popen(
        [*LANGUAGES[language], code],
        env=environ,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    answer = ""
    if kind == "device":
        told = re.findall(r"http[^\s\"]+user_code=[\w-]+", process.stdout.readline())
        ada.approve_device(told[0])
    elif kind != "self":
        answer = ada.consent(process.stdout.readline().strip()) + "\n"
    printed, wrong = process.communicate(answer, timeout=90)
    assert process.returncode == 0, printed + wrong
    assert made["client_id"] in printed if grants == ["client_credentials"] else "Ada" in printed, printed + wrong


def form_of(page: str, action: str) -> str:
    found = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.S)
    assert found
    return found[0]
