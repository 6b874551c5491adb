"""The practice party's APIs behind Basic, API keys and bearer tokens; what they refuse comes first."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.practice.caller import Client, call
from tests.practice_server import PracticeServer

KEY = {"X-Api-Key": "practice-key-1"}
TWO_KEYS = {"X-App-Id": "app-1", "X-App-Key": "practice-key-2"}


def basic_header(user: str = "ada", password: str = "pa:ss wörd", encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()}


def ask(practice: PracticeServer, path: str, method: str = "GET", **more: Any) -> requests.Response:
    return call(method, f"{practice.url}/key/api{path}", headers={**KEY, **more.pop("headers", {})}, **more)


# --- Refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic_header(user="grace"),
        basic_header(password="pa"),
        basic_header(password=""),
        basic_header(encoding="latin-1"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic ???"},
        {"Authorization": basic_header()["Authorization"].replace("Basic", "Bearer")},
    ],
)
def test_basic_refuses(practice: PracticeServer, headers: dict[str, str]) -> None:
    answer = call("GET", f"{practice.url}/basic/api/me", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/key/api/me", {}),
        ("/key/api/me", {"X-Api-Key": "practice-key-2"}),
        ("/key/api/me", {"Authorization": "Bearer practice-key-1"}),
        ("/key/api/me?api_key=", {}),
        ("/key/api/me?key=practice-key-1", {}),
        ("/twokey/api/me", KEY),
        ("/twokey/api/me", {"X-App-Id": "app-1"}),
        ("/twokey/api/me", {"X-App-Id": "app-2", "X-App-Key": "practice-key-2"}),
        ("/basic/api/me", KEY),
        ("/oauth1/api/me", KEY),
        ("/oauth2/api/me", KEY),
    ],
)
def test_a_wrong_key_or_a_right_one_in_the_wrong_place_is_refused(
    practice: PracticeServer, path: str, headers: dict[str, str]
) -> None:
    answer = call("GET", practice.url + path, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert "www-authenticate" in answer.headers
    assert practice.counters()["unauthorized"] == 1


@pytest.mark.parametrize(
    "path", ["/bytes?n=many", "/bytes?n=-1", "/status/abc", "/status/99", "/status/600", "/slow?seconds=x"]
)
def test_nonsense_is_a_bad_request(practice: PracticeServer, path: str) -> None:
    assert ask(practice, path).status_code == 400


@pytest.mark.parametrize("path", ["/nowhere/api/me", "/key/apis", "/key", "/practice/nothing"])
def test_other_paths_are_nowhere(practice: PracticeServer, path: str) -> None:
    assert call("GET", practice.url + path, headers=KEY).status_code == 404


# --- Let in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", "/basic/api/me", {"headers": basic_header()}),
        ("GET", "/key/api/me", {"headers": KEY}),
        ("GET", "/key/api/me", {"headers": {"Authorization": "Token practice-key-1"}}),
        ("GET", "/key/api/me?api_key=practice-key-1", {}),
        ("POST", "/key/api/me", {"data": {"api_key": "practice-key-1"}}),
        ("GET", "/twokey/api/me", {"headers": TWO_KEYS}),
    ],
)
def test_the_right_credential_in_its_place_is_let_in(
    practice: PracticeServer, method: str, path: str, more: dict[str, Any]
) -> None:
    document = call(method, practice.url + path, **more).json()
    assert (
        document.items() >= {"name": "ada", "email": "ada@example.com", "login": "ada", "id": 1, "scopes": []}.items()
    )


# --- What the API does -------------------------------------------------------------------------------------------


def test_items_are_made_changed_and_deleted(practice: PracticeServer) -> None:
    first = ask(practice, "/items", "POST", json={"name": "one", "id": 99})
    second = ask(practice, "/items", "POST", data={"name": "two"})
    assert (first.status_code, second.status_code) == (201, 201)
    one, two = first.json()["id"], second.json()["id"]
    assert ask(practice, f"/items/{one}", "PATCH", json={"colour": "red"}).json() == {
        "id": one,
        "name": "one",
        "colour": "red",
    }
    assert ask(practice, f"/items/{two}", "PUT", json={"name": "three"}).json() == {"id": two, "name": "three"}
    assert ask(practice, f"/items/{one}", "DELETE").status_code == 204
    assert ask(practice, f"/items/{one}").status_code == 404
    assert ask(practice, "/items/x").status_code == 404
    assert ask(practice, f"/items/{two}", "POST").status_code == 405
    third = ask(practice, "/items", "POST", json={}).json()["id"]
    assert third not in (one, two)
    assert [item["id"] for item in ask(practice, "/items").json()["items"]] == [two, third]


def raw(practice: PracticeServer, target: str, body: bytes = b"", **headers: str) -> Any:
    """The target octet by octet, which `requests` would tidy."""
    connection = http.client.HTTPConnection("127.0.0.1", practice.port, timeout=20)
    try:
        connection.request("POST", target, body, {**KEY, **headers})
        return requests.models.complexjson.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_echo_tells_what_arrived_octet_by_octet(practice: PracticeServer) -> None:
    seen = raw(practice, "/key/api/echo/a%2Fb/%7e/;v=1?q=a%20b&q=c+d&empty", "ä".encode(), **{"X-Own": "v"})
    assert seen["method"] == "POST"
    assert seen["path"] == "/key/api/echo/a%2Fb/%7e/;v=1"
    assert seen["query_string"] == "q=a%20b&q=c+d&empty"
    assert seen["query"] == [["q", "a b"], ["q", "c d"], ["empty", ""]]
    assert (seen["body"], seen["length"]) == ("ä", 2)
    assert seen["headers"]["x-own"] == "v"


def test_echo_and_log_show_credentials_by_fingerprint_only(practice: PracticeServer) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": "practice-key-1"}
    seen = raw(practice, "/key/api/echo?api_key=practice-key-1&a=1", b"b=2&api_key=practice-key-1", **form)
    assert "practice-key-1" not in str(seen)
    assert seen["headers"]["x-api-key"] == "sha256:d7306458"
    assert seen["body"] == "b=2&api_key=sha256:d7306458"
    entry = practice.log()[-1]
    assert entry["credential"] == "sha256:d7306458"
    assert "practice-key-1" not in str(practice.log())
    assert "a=1" not in str(practice.log())


@pytest.mark.parametrize("n", [0, 1, 65_536, 200_000])
def test_bytes_come_in_the_number_asked_for(practice: PracticeServer, n: int) -> None:
    answer = ask(practice, f"/bytes?n={n}")
    assert len(answer.content) == n == int(answer.headers["content-length"])


def test_the_sink_counts_a_body_of_unknown_length(practice: PracticeServer) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    assert ask(practice, "/sink", "POST", data=body()).json() == {"received": 2_000_000}


def test_the_sink_counts_a_form_that_was_read_for_its_key(practice: PracticeServer) -> None:
    form = "api_key=practice-key-1&a=1"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = call("POST", f"{practice.url}/key/api/sink", data=form, headers=headers)
    assert answer.json() == {"received": len(form)}


@pytest.mark.parametrize("code", [200, 204, 304, 404, 418, 503])
def test_status_is_the_one_asked_for(practice: PracticeServer, code: int) -> None:
    answer = ask(practice, f"/status/{code}")
    assert answer.status_code == code
    assert bool(answer.content) == (code not in (204, 304))
    assert "date" in answer.headers


def test_slow_waits_and_redirect_leads_away(practice: PracticeServer) -> None:
    begun = time.monotonic()
    assert ask(practice, "/slow?seconds=0.3").status_code == 200
    assert time.monotonic() - begun >= 0.3
    answer = ask(practice, "/redirect?to=http%3A%2F%2F127.0.0.2%2Fx%3Fa%3D1&code=307")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.2/x?a=1")
    injected = ask(practice, "/redirect?to=/x%0d%0aX-Injected:1")
    assert "x-injected" not in injected.headers
    assert injected.headers["location"] == "/x%0D%0AX-Injected:1"


def test_head_has_headers_and_no_body(practice: PracticeServer) -> None:
    for path in ("/me", "/bytes?n=10"):
        answer = ask(practice, path, "HEAD")
        assert answer.content == b""
        assert int(answer.headers["content-length"]) > 0


def test_the_shapes_that_sdks_expect(practice: PracticeServer) -> None:
    client = Client(practice)
    headers = {"Authorization": "Bearer " + client.connect()["access_token"]}
    base = f"{practice.url}/oauth2/api"
    assert call("POST", f"{base}/auth.test", headers=headers).json()["ok"] is True
    posted = call("POST", f"{base}/chat.postMessage", headers=headers, json={"channel": "C7", "text": "hi"}).json()
    assert (posted["ok"], posted["channel"], posted["message"]["text"]) == (True, "C7", "hi")
    user = call("GET", f"{base}/user", headers=headers).json()
    assert (user["login"], user["id"]) == ("ada", 1)
    assert user["url"].startswith(practice.url)
    made = call("POST", f"{base}/v1/customers", headers=headers, data={"email": "x@example.com"}).json()
    assert made["id"].startswith("cus_")
    assert made["object"] == "customer"
    assert call("GET", f"{base}/v1/customers/{made['id']}", headers=headers).json()["email"] == "x@example.com"
    listed = call("GET", f"{base}/v1/customers", headers=headers).json()
    assert (listed["object"], [customer["id"] for customer in listed["data"]]) == ("list", [made["id"]])
    assert call("POST", f"{base}/auth.test").status_code == 401


def test_trouble_at_the_api_comes_and_goes(practice: PracticeServer) -> None:
    practice.dials(api={"fail_status": 503, "retry_after": 3, "times": 1})
    answer = ask(practice, "/me")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert practice.log()[-1]["outcome"] == "dial"
    assert ask(practice, "/me").status_code == 200
    assert practice.counters()["api_calls"] == 2
