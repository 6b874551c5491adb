"""`isthmus catalog`."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

GOOD = """
link_name: good
name: Good
category: crm
auth_type: basic
homepage_url: https://good.example
documentation_url: https://good.example/docs
base_url: https://api.good.example
hosts: [api.good.example]
test: {method: GET, url: "https://api.good.example/me", identity: name}
"""


def test_every_problem_of_every_file_is_told_and_ends_with_1(terminal: Any, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("good", "bad").replace("auth_type: basic", "auth_type: magic"))
    (tmp_path / "broken.yaml").write_text("link_name: [\n")
    asked = terminal("catalog", "check", str(tmp_path))
    assert asked.exit_code == 1
    assert f"{tmp_path / 'bad.yaml'}: auth_type: " in asked.stdout
    assert f"{tmp_path / 'broken.yaml'}" in asked.stdout
    assert "good.yaml" not in asked.stdout


def test_the_products_own_catalog_has_no_problem(terminal: Any) -> None:
    asked = terminal("catalog", "check")
    assert (asked.exit_code, asked.stdout) == (0, "")
    assert "No problems found." in asked.stderr


def test_services_are_listed_searched_and_shown(terminal: Any) -> None:
    assert "slack  Slack  oauth2  communication" in terminal("catalog", "list").stdout.splitlines()
    assert terminal("catalog", "search", "slak").stdout.startswith("slack ")
    assert "slack" not in terminal("catalog", "list", "--category", "crm").stdout
    shown = json.loads(terminal("catalog", "show", "slack").stdout)
    assert shown["redirect_url"] == "http://127.0.0.1:8400/oauth/callback/slack"


def test_a_service_that_is_not_there_is_wrong_use(terminal: Any) -> None:
    asked = terminal("catalog", "show", "nowhere")
    assert asked.exit_code == 2
    assert "nowhere" in asked.stderr


def test_guides_are_written_for_the_services_that_are_named(terminal: Any, tmp_path: Path) -> None:
    asked = terminal("catalog", "docs", str(tmp_path / "out"), "slack", "zoom")
    assert asked.exit_code == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["index.md", "slack.md", "zoom.md"]
    text = (tmp_path / "out" / "slack.md").read_text()
    assert "`http://127.0.0.1:8400/oauth/callback/slack`" in text
    (tmp_path / "file").write_text("")
    assert terminal("catalog", "docs", str(tmp_path / "file"), "slack").exit_code == 2


OPENAPI = """
openapi: 3.1.0
info: {title: Acme API}
servers: [{url: "https://api.acme.invalid/v1"}]
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
"""


def test_a_definition_is_added_from_an_openapi_file_and_answers(terminal: Any, tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(OPENAPI)
    words = [
        "catalog",
        "add",
        "acme",
        "--openapi",
        str(tmp_path / "openapi.yaml"),
        "--directory",
        str(tmp_path / "own"),
    ]
    asked = terminal(*words, "--set", "category=crm", stdin="https://acme.invalid\n")
    assert asked.exit_code == 0, asked.stderr
    assert "base_url: " in asked.stderr
    file = tmp_path / "own" / "acme.yaml"
    assert asked.stdout.splitlines()[-1] == str(file)
    assert terminal("catalog", "check", str(file)).exit_code == 0
    shown = json.loads(terminal("catalog", "show", "acme", catalog_dir=str(file.parent)).stdout)
    assert (shown["name"], shown["auth_type"], shown["parameters"][0]["key"]) == ("Acme API", "api_key", "X-Key")
    again = terminal(*words, "--set", "category=crm", stdin="https://acme.invalid\n")
    assert again.exit_code == 2


def test_what_is_no_good_definition_is_told_and_not_written(terminal: Any, tmp_path: Path) -> None:
    answers = "Acme\ncrm\nhttp://acme.invalid\nbasic\nhttps://api.acme.invalid\n"
    asked = terminal("catalog", "add", "acme", "--directory", str(tmp_path / "own"), stdin=answers)
    assert asked.exit_code == 1
    assert "homepage_url: " in asked.stderr
    assert list((tmp_path / "own").iterdir()) == []
    nobody = terminal("catalog", "add", "acme", "--directory", str(tmp_path / "own"))
    assert nobody.exit_code == 2
    assert "--set" in nobody.stderr
    assert terminal("catalog", "add", "acme").exit_code == 2
    assert terminal("catalog", "add", "../x", "--directory", str(tmp_path)).exit_code == 2


def test_a_changed_service_in_use_is_printed_and_acknowledged(terminal: Any, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "good.yaml").write_text(GOOD)
    connection = tmp_path / "connection.yaml"
    connection.write_text("connections: [{link_name: crm, name: CRM, service: good}]\n")
    assert terminal("apply", str(connection), catalog_dir=str(own)).exit_code == 0
    assert terminal("catalog", "changes", catalog_dir=str(own)).stdout == ""
    (own / "good.yaml").write_text(GOOD.replace("hosts: [api", "hosts: [eu.good.example, api"))
    told = terminal("catalog", "changes", catalog_dir=str(own))
    assert told.stdout.startswith("good  Good  ")
    assert "    Hosts: added eu.good.example.\n" in told.stdout
    assert terminal("catalog", "changes", "--acknowledge", "slack", catalog_dir=str(own)).exit_code == 2
    assert terminal("catalog", "changes", "--acknowledge", "good", catalog_dir=str(own)).stdout == ""
    assert terminal("catalog", "changes", catalog_dir=str(own)).stdout == ""


def test_a_bundle_is_signed_and_taken(terminal: Any, tmp_path: Path) -> None:
    own, key, output = tmp_path / "own", tmp_path / "key.pem", tmp_path / "bundle"
    own.mkdir()
    (own / "good.yaml").write_text(GOOD)
    made = terminal("catalog", "key", str(key))
    public = made.stdout.strip()
    assert key.stat().st_mode & 0o777 == 0o600
    assert terminal("catalog", "key", str(key)).exit_code == 2, "a key is not written over"
    assert terminal("catalog", "key", str(key), "--show").stdout.strip() == public
    words = ("catalog", "bundle", str(own), "--key", str(key), "--output", str(output))
    signed = terminal(*words, "--serial", "7")
    assert (signed.exit_code, signed.stdout) == (0, f"{output}\n"), signed.stderr
    refused = terminal("catalog", "update", str(output))
    assert (refused.exit_code, "ISTHMUS_CATALOG_KEYS" in refused.stderr) == (2, True)
    taken = terminal("catalog", "update", str(output), catalog_keys=public)
    assert (taken.exit_code, taken.stdout) == (0, "serial 7, 1 services\n"), taken.stderr
    assert json.loads(terminal("catalog", "show", "good", catalog_keys=public).stdout)["kind"] == "default"
    output.write_bytes(output.read_bytes() + b" ")
    changed = terminal("catalog", "update", str(output), catalog_keys=public)
    assert (changed.exit_code, "signature" in changed.stderr) == (2, True)


def test_what_is_no_good_definition_is_not_signed(terminal: Any, tmp_path: Path) -> None:
    key, output = tmp_path / "key.pem", tmp_path / "bundle"
    (tmp_path / "bad.yaml").write_text(GOOD.replace("https://api.good", "http://api.good"))
    assert terminal("catalog", "key", str(key)).exit_code == 0
    words = ("catalog", "bundle", str(tmp_path / "bad.yaml"), "--output", str(output))
    asked = terminal(*words, "--key", str(key))
    assert (asked.exit_code, "base_url" in asked.stderr) == (1, True)
    (tmp_path / "bad.yaml").write_text(GOOD)
    assert terminal(*words, "--key", str(tmp_path / "none.pem")).exit_code == 2
    assert terminal(*words, "--key", str(tmp_path / "bad.yaml")).exit_code == 2
    assert not output.exists()


def test_an_update_needs_the_key_that_it_is_signed_with(terminal: Any) -> None:
    for settings in (
        {"catalog_url": "https://catalog.example"},
        {"catalog_keys": "c2hvcnQ="},
        {"catalog_url": "ftp://x"},
    ):
        asked = terminal("catalog", "update", **settings)
        assert (asked.exit_code, "catalog_" in asked.stderr) == (2, True)


class _Metadata(BaseHTTPRequestHandler):
    """An issuer on loopback, whose endpoints are elsewhere."""

    def do_GET(self) -> None:
        issuer = f"http://{self.headers['Host']}"
        found = {
            "issuer": issuer,
            "authorization_endpoint": "https://acme.invalid/authorize",
            "token_endpoint": "https://acme.invalid/token",
            "revocation_endpoint": "https://acme.invalid/revoke",
            "scopes_supported": ["items.read", "items.write"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        known = self.path == "/.well-known/oauth-authorization-server"
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(found).encode() if known else b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def test_a_definition_is_added_from_an_issuer_and_shown(terminal: Any, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{server.server_address[1]}"
    words = ("catalog", "add", "acme", "--issuer", issuer, "--directory", str(tmp_path / "own"))
    given = ("--set", "name=Acme", "--set", "category=crm", "--set", "homepage_url=https://acme.invalid")
    asked = terminal(*words, *given, "--set", "base_url=https://api.acme.invalid")
    server.shutdown()
    server.server_close()
    assert asked.exit_code == 0, asked.stderr
    assert "access_token_url: " in asked.stderr, "what the addresses say is told"
    assert terminal("catalog", "check", str(tmp_path / "own")).exit_code == 0
    shown = json.loads(terminal("catalog", "show", "acme", catalog_dir=str(tmp_path / "own")).stdout)
    assert shown["access_token_url"] == "https://acme.invalid/token"
    assert shown["revoke_token_url"] == "https://acme.invalid/revoke"
    assert [scope["name"] for scope in shown["scopes"]] == ["items.read", "items.write"]
    assert (shown["pkce"], shown["client_authentication"]) == ("S256", "post")


PLANTED = {
    "hosts[0]": ("hosts: [api.good.example]", 'hosts: ["api good.example"]'),
    "base_url": ("base_url: https://api.good.example", "base_url: https://${nowhere}.good.example"),
    "homepage_url": ("homepage_url: https://", "homepage_url: http://"),
    "logo": ("category: crm", "category: crm\nlogo: nowhere"),
    "scopes[0].name": ("category: crm", 'category: crm\nscopes: [{name: "see:", display_name: See}]'),
    "category": ("category: crm", "category: things"),
}


def test_each_mistake_that_a_definition_can_have_is_told_by_its_field(terminal: Any, tmp_path: Path) -> None:
    for number, (field, (text, put)) in enumerate(PLANTED.items()):
        assert text in GOOD
        planted = GOOD.replace(text, put).replace("link_name: good", f"link_name: bad_{number}")
        (tmp_path / f"{number}.yaml").write_text(planted.replace("name: Good", f"name: Bad {number}"))
        asked = terminal("catalog", "check", str(tmp_path / f"{number}.yaml"))
        assert (asked.exit_code, f"{number}.yaml: {field}: " in asked.stdout) == (1, True), (field, asked.stdout)


def test_two_services_of_one_name_or_link_name_are_told(terminal: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)
    (tmp_path / "c.yaml").write_text(GOOD.replace("link_name: good", "link_name: other"))
    told = terminal("catalog", "check", str(tmp_path)).stdout
    assert "b.yaml: link_name: " in told
    assert "c.yaml: name: " in told
