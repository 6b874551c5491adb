"""The marked-secret test: run the whole product with recognisable secrets, then look for them everywhere."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.journey import Browser, connect_all, make_connection
from tests.served import Reply, Served, serving

from isthmus.practice import state as practice_state

MARKED = {
    "client secret": practice_state.CLIENT_SECRET,
    "consumer secret": practice_state.CONSUMER_SECRET,
    "password": practice_state.PASSWORD,
    "api key": practice_state.API_KEY,
    "second key": practice_state.APP_KEY,
    "caller's secret in a query": "cnry-query-5f1d7c2e",
    "caller's secret in a header": "cnry-header-9b3a4d",
    "caller's secret in a body": "cnry-body-77aa01",
    "administrator's password": "cnry-admin-password-1",
}
# What the practice party draws at random is known by its form: access, refresh, temporary and OAuth 1 tokens, codes.
DRAWN = re.compile(r"\b(?:at|rt|tmp|tmpsecret|token|secret|code|verifier)_[A-Za-z0-9_-]{32}\b")
OUR_KEYS = re.compile(r"\bisk_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}\b")


def forms(secret: str) -> set[str]:
    """A secret raw, URL-encoded, escaped in JSON, in hex, and in base64 at each of the three alignments."""
    raw = secret.encode()
    found = {secret, urllib.parse.quote(secret), urllib.parse.quote_plus(secret), json.dumps(secret)[1:-1], raw.hex()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        # The first characters mix with what stands before, the last with what stands behind.
        found.add(encoded[2 if shift == 1 else 3 if shift == 2 else 0 : -2])
    return {form for form in found if len(form) >= 8}


def hits(text: str, *, drawn: bool = True) -> list[str]:
    found = [name for name, secret in MARKED.items() if any(form in text for form in forms(secret))]
    if drawn:
        found += [f"drawn {match[:6]}..." for match in DRAWN.findall(text)]
    return found


class Listening:
    """A server of which every answer is kept. What a third party echoes of a call is its own affair, and left out."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.heard: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._served, name)

    def ask(self, method: str, path: str, document: Any = None, **more: Any) -> Reply:
        reply = self._served.ask(method, path, document, **more)
        echoed = "/echo" in path or "/echo" in str((document or {}).get("url", ""))
        if not echoed or reply.status >= 400:
            text = reply.body.decode(errors="replace")
            headers = dict(reply.headers)
            if method == "POST" and path.startswith("/connect/"):
                headers.pop("location", None)  # leads to the provider, with the temporary token that is its own
            self.heard.append(f"{method} {path.partition('?')[0]} {reply.status} {headers} {text}")
        return reply


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, practice_server: Any) -> Iterator[tuple[Served, Path, list[str]]]:
    """A server that has done all it can do, at the loudest log level; its directory; and every answer it gave since."""
    practice_server.reset()
    directory = tmp_path_factory.mktemp("secrets")
    settings = {
        "log_level": "debug",
        "admin_email": "root@example.com",
        "admin_password": MARKED["administrator's password"],
    }
    with serving(directory, **settings) as served:
        listening = Listening(served)
        names = connect_all(listening, practice_server)  # type: ignore[arg-type]
        exercise(listening, practice_server, names)
        read_everything(listening, names)
        yield served, directory, listening.heard


def exercise(served: Any, practice: Any, names: list[str]) -> None:
    marked_query = MARKED["caller's secret in a query"]
    query = f"?q={marked_query}"
    headers = {"X-Caller": MARKED["caller's secret in a header"]}
    for name in names:
        served.ask("GET", f"/proxy/{name}/echo{query}", headers=headers)
        body = {
            "url": f"/echo{query}",
            "type": "POST",
            "parameters": {"p": MARKED["caller's secret in a body"]},
            "headers": headers,
        }
        for url in (f"/echo{query}", "https://elsewhere.example/x", "http://169.254.169.254/", "nonsense\\"):
            served.ask("POST", f"/api/v1/connections/{name}/invoke", {**body, "url": url})
        served.ask("POST", f"/api/v1/connections/{name}/test", {})
        served.ask(
            "POST", f"/api/v1/connections/{name}/connect", {"username": "ada", "password": MARKED["password"] + "!"}
        )
    carry(served, names)
    served.ask("POST", "/api/v1/connections/practice_oauth2/refresh", {})
    for dial in ({"garbage": "html_502"}, {"token": {"fail_status": 503}}, {"error_in_200": True, "revoke_all": True}):
        practice.dials(**dial)
        served.ask("POST", "/api/v1/connections/practice_oauth2/refresh", {})
        served.ask("GET", f"/proxy/practice_oauth2/me{query}")
    practice.reset()
    make_connection(served, "practice_oauth2", "refused")
    begun = served.ask("POST", "/api/v1/connections/refused/connect", {}).document
    browser = Browser(served)
    page = browser.go("GET", begun["authorize_url"])
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.body.decode()))
    away = browser.go("POST", begun["authorize_url"], hidden).headers["Location"]
    browser.go("GET", practice.approve(away, decision="deny"))
    browser.go("GET", f"{served.url}/oauth/callback/practice_oauth2?code=code_{'x' * 32}&state=wrong")
    served.ask(
        "POST",
        "/api/v1/services",
        {"link_name": "bad", "name": "b", "auth_type": "basic", "client_secret": MARKED["client secret"]},
    )
    browser.go("POST", f"{served.url}/login", {"email": "root@example.com", "password": MARKED["password"]})


def carry(served: Any, names: list[str]) -> None:
    """Calls of which bodies are kept, with secrets in them: the caller's, and the connection's own."""
    own = {"practice_basic": "password", "practice_api_key": "api key", "practice_two_keys": "second key"}
    for name in names:
        served.ask("PATCH", f"/api/v1/connections/{name}", {"policy": {"keep_bodies": True}})
        told = MARKED[own.get(name, "client secret")]
        body = {"kept": "plainly", "user": {"password": MARKED["caller's secret in a body"]}, "note": f"of {told}"}
        headers = {"X-Caller": MARKED["caller's secret in a header"], "X-Own": told.encode().decode("latin-1")}
        for url in ("/echo", "/status/500"):
            call = {"url": url, "type": "POST", "body": body, "headers": headers}
            served.ask("POST", f"/api/v1/connections/{name}/invoke", call)


def read_everything(served: Any, names: list[str]) -> None:
    """Each role, by key and by session, reads each route that can be read, with each id there is."""
    paths = sorted(path for path, item in served.ask("GET", "/openapi.json").document["paths"].items() if "get" in item)
    assert len(paths) > 15
    for name in names:  # so that there is a lease to be refused, and one grant that is none of theirs
        served.ask("PATCH", f"/api/v1/connections/{name}", {"policy": {"credential_export": False}})
    known = {"{link_name}": [*names, "refused"], "{service}": names, "{path}": ["me"], "{token}": ["x" * 43]}
    for role in ("administrator", "developer", "member"):
        email, password = f"{role}@example.com", f"cnry-password-of-{role}"
        served.ask("POST", "/api/v1/users", {"email": email, "role": role, "password": password})
        made = served.ask("POST", "/api/v1/api-keys", {"name": role, "role": role})
        browser = Browser(served)
        form = browser.go("GET", "/login").body.decode()
        hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
        assert browser.go("POST", "/login", {**hidden, "email": email, "password": password}).status == 303
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        for path in paths:
            for target in targets(served, path, known):
                served.ask("GET", target, key=made.document["key"])
                served.ask("GET", target, key="", headers={"Cookie": cookie})


def targets(served: Any, path: str, known: dict[str, list[str]]) -> list[str]:
    """The path with every name and id that fits."""
    found = [path]
    for slot, values in known.items():
        if slot in path:
            found = [target.replace(slot, value) for target in found for value in values]
    if "{id}" not in path:
        return [target for target in found if "{" not in target]
    ids: list[str] = []
    for target in found:
        listed = served.ask("GET", target.split("/{id}")[0])
        items = listed.document.get("items", []) if listed.status == 200 else []
        ids += [target.replace("{id}", str(item["id"])) for item in items if item.get("id")]
    return [target for target in ids if "{" not in target]


def test_no_answer_shows_a_secret_to_anybody(lived: tuple[Served, Path, list[str]]) -> None:
    _, _, answers = lived
    assert len(answers) > 500
    assert {answer.split()[2] for answer in answers} >= {"200", "201", "303", "401", "403", "404", "409", "422"}
    assert [(answer[:80], hits(answer)) for answer in answers if hits(answer)] == []
    calls = [answer for answer in answers if answer.split()[1].endswith("/calls") and '"attached":true' in answer]
    assert any("plainly" in answer for answer in calls)  # bodies were kept, and were looked through


def test_the_log_shows_no_secret_at_the_loudest_level(lived: tuple[Served, Path, list[str]]) -> None:
    served, _, _ = lived
    log = served.log()
    assert log.count("\n") > 50
    assert hits(log) == []
    assert OUR_KEYS.findall(log) == []


def test_the_data_directory_holds_no_secret_in_the_clear(lived: tuple[Served, Path, list[str]]) -> None:
    _, directory, _ = lived
    seen = 0
    for path in (directory / "data").rglob("*"):
        if path.is_file() and path.name != "master.key":
            seen += path.stat().st_size
            text = path.read_bytes().decode("latin-1")
            assert hits(text) == [], path
            assert OUR_KEYS.findall(text) == [], path
            assert not [s for s in MARKED.values() if s.encode().decode("latin-1") in text], path
    assert seen > 50_000


def test_command_line_and_export_show_no_secret(lived: tuple[Served, Path, list[str]]) -> None:
    served, _, _ = lived
    for words in (["export"], ["status"], ["catalog", "show", "practice_oauth2"], ["api-key", "list"]):
        done = served.cli(*words)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert hits(done.stdout + done.stderr) == []


def edit(directory: Path, *statements: tuple[str, tuple[str, ...]]) -> None:
    with closing(sqlite3.connect(next((directory / "data").glob("*.sqlite")))) as database:
        for statement, values in statements:
            database.execute(statement, values)
        database.commit()


def use(served: Any, names: list[str]) -> None:
    query = MARKED["caller's secret in a query"]
    for name in names:
        for path in ("", "/timeline", "/authorizations", "/snippet"):
            served.ask("GET", f"/api/v1/connections/{name}{path}")
        served.ask("GET", f"/proxy/{name}/me?q={query}")
        served.ask("POST", f"/api/v1/connections/{name}/connect", {"username": "ada", "password": MARKED["password"]})
        served.ask("PATCH", f"/api/v1/services/{name}", {"client_secret": MARKED["client secret"]})


def test_a_forced_fault_shows_no_secret_anywhere(tmp_path: Path, practice: Any) -> None:
    """Rows that cannot be read, then a database without its tables: what nobody foresaw, with secrets in its values."""
    with serving(tmp_path, log_level="debug") as served:
        names = connect_all(served, practice)
        heard = Listening(served)
        edit(
            tmp_path,
            ("UPDATE connections SET created_at = ?", (MARKED["caller's secret in a body"],)),
            ("UPDATE services SET document = ?", ('{"link_name": "' + MARKED["password"],)),
        )
        use(heard, names)
        edit(tmp_path, *((f"ALTER TABLE {name} RENAME TO {name}_away", ()) for name in ("connections", "services")))
        use(heard, names)
        log = served.log()
    assert {answer.split()[2] for answer in heard.heard} >= {"500", "503"}
    assert '"event":"unexpected"' in log
    assert [(answer[:90], hits(answer)) for answer in heard.heard if hits(answer)] == []
    assert hits(log) == []
    assert OUR_KEYS.findall(log) == []


def test_the_search_itself_finds_what_it_looks_for() -> None:
    for name, secret in MARKED.items():
        for form in forms(secret):
            assert name in hits(f"before {form} behind")
        wrapped = base64.b64encode(f"user:{secret}:more".encode()).decode()
        assert name in hits(wrapped)
    assert hits("at_" + "A" * 32)
    assert not hits("nothing to see")
