"""Dials, log, counters, recorded vendors, and the practice party described as services."""

from __future__ import annotations

from typing import Any

import pytest
from tests.practice.caller import SECRET, call
from tests.practice_server import PracticeServer

from isthmus.catalog.definition import parse, split_secret
from isthmus.practice import definitions, sample_values

FORM = {"grant_type": "client_credentials", "client_id": "practice-post", "client_secret": SECRET}
EXCHANGE: dict[str, Any] = {
    "name": "token",
    "method": "POST",
    "host": "Accounts.vendor.example:8443",
    "path": "/oauth/v2/to%2Fken",
    "expect": {
        "headers": {"Accept": "application/json", "Authorization": None},
        "query": {"v": "2"},
        "form": {"code": "c&1"},
    },
    "answer": {"status": 201, "headers": {"X-Vendor": "yes"}, "body": {"access_token": "1"}},
}
TARGET = "/vendor/accounts.vendor.example:8443/oauth/v2/to%2Fken?v=2"


# --- Refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        {"no_such_dial": True},
        {"revoke_all": "yes"},
        {"rotation": "sometimes"},
        {"garbage": "no such garbage"},
        {"token": {"fail": 500}},
        {"token": {"fail_status": 99}},
        {"api": None},
        {"scope_loss": "write"},
        {"lost_answer": 1},
        {"token_lifetime_seconds": "60"},
        {"rsa_public_key": "-----BEGIN PUBLIC KEY-----"},
        {"auto_consent": "mallory"},
        [],
    ],
)
def test_a_dial_is_not_turned_to_nonsense(practice: PracticeServer, document: Any) -> None:
    before = practice.ask("/practice/dials")
    changes = {"no_iss": True, **document} if isinstance(document, dict) else document
    answer = call("POST", f"{practice.url}/practice/dials", json=changes)
    assert answer.status_code == 422
    assert practice.ask("/practice/dials") == before


def test_control_happens_by_post_only(practice: PracticeServer) -> None:
    practice.dials(no_iss=True)
    for path in ("reset", "log/clear", "vendor"):
        assert call("GET", f"{practice.url}/practice/{path}").status_code == 404
    assert practice.ask("/practice/dials")["no_iss"] is True


@pytest.mark.parametrize("document", [{}, {"exchanges": {}}, [{}], [{**EXCHANGE, "expect": {"cookies": {}}}], [1]])
def test_what_is_no_exchange_is_not_installed(practice: PracticeServer, document: Any) -> None:
    assert call("POST", f"{practice.url}/practice/vendor", json=document).status_code == 422


# --- Dials, log, counters ----------------------------------------------------------------------------------------


def test_dials_are_merged_and_reset(practice: PracticeServer) -> None:
    factory = practice.ask("/practice/dials")
    practice.dials(token={"fail_status": 500}, no_iss=True)
    turned = practice.dials(rotation="keep")
    assert turned == {**factory, "token": {"fail_status": 500}, "no_iss": True, "rotation": "keep"}
    assert practice.dials(token={})["token"] == {}
    practice.reset()
    assert practice.ask("/practice/dials") == factory


def test_the_log_tells_each_request_and_can_be_cleared(practice: PracticeServer) -> None:
    url = f"{practice.url}/oauth2/token"
    call("POST", url, data=FORM)
    call("POST", url, data={**FORM, "client_secret": "wrong"})
    call("POST", url, data={**FORM, "grant_type": "refresh_token", "refresh_token": "made up"})
    entries = practice.log()
    assert [(entry["status"], entry["outcome"]) for entry in entries] == [
        (200, "ok"),
        (401, "invalid_client"),
        (400, "invalid_grant"),
    ]
    assert (
        entries[2].items()
        >= {
            "method": "POST",
            "path": "/oauth2/token",
            "grant_type": "refresh_token",
            "client": "practice-post",
        }.items()
    )
    assert entries[2]["credential"].startswith("sha256:")
    assert SECRET not in str(entries)
    assert "made up" not in str(entries)
    call("POST", f"{practice.url}/practice/log/clear")
    assert practice.log() == []
    assert practice.counters()["token_calls"] == 3


def test_a_reset_forgets_tokens_and_counts(practice: PracticeServer) -> None:
    token = call("POST", f"{practice.url}/oauth2/token", data=FORM).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert call("GET", f"{practice.url}/oauth2/api/me", headers=headers).status_code == 200
    practice.reset()
    assert set(practice.counters().values()) == {0}
    assert call("GET", f"{practice.url}/oauth2/api/me", headers=headers).status_code == 401


def test_the_index_says_what_there_is(practice: PracticeServer) -> None:
    page = call("GET", practice.url + "/")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/oauth2/authorize", "/oauth1/temporary", "/practice/dials"):
        assert path in page.text


# --- Recorded vendors --------------------------------------------------------------------------------------------


def send(practice: PracticeServer, target: str = TARGET, method: str = "POST", **more: Any) -> Any:
    more = {"data": {"code": "c&1", "other": "1"}, "headers": {"Accept": "application/json"}, **more}
    return call(method, practice.url + target, **more)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"target": TARGET.replace("accounts", "evil")},
        {"target": TARGET.replace("to%2Fken", "to/ken")},
        {"target": TARGET.replace("v=2", "v=3")},
        {"data": {"code": "c"}},
        {"data": {}},
        {"headers": {"Accept": "text/html"}},
        {"headers": {"Accept": "application/json", "Authorization": "Basic x"}},
    ],
)
def test_a_vendor_answers_no_other_request(practice: PracticeServer, change: dict[str, Any]) -> None:
    practice.vendor([EXCHANGE])
    answer = send(practice, **change)
    assert (answer.status_code, answer.json()["error"]) == (404, "no_such_exchange")
    entry = practice.vendor_log()[-1]
    assert (entry["name"], entry["outcome"]) == (None, "missed")
    assert entry["why"][0].startswith("token: ")


def test_a_vendor_answers_what_was_recorded(practice: PracticeServer) -> None:
    practice.vendor([EXCHANGE])
    answer = send(practice)
    assert (answer.status_code, answer.json(), answer.headers["x-vendor"]) == (201, {"access_token": "1"}, "yes")
    assert practice.vendor_log()[-1].items() >= {"name": "token", "outcome": "played", "times": 1}.items()


def test_a_vendors_answers_come_in_order_and_the_last_repeats(practice: PracticeServer) -> None:
    second = {**EXCHANGE, "name": "again", "answer": {"headers": {"Content-Type": "text/plain"}, "body": "plain"}}
    call("POST", f"{practice.url}/practice/vendor", json=[EXCHANGE, second])
    answers = [send(practice) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert [answer.text for answer in answers[1:]] == ["plain", "plain"]
    assert [entry["name"] for entry in practice.vendor_log()] == ["token", "again", "again"]


# --- As services -------------------------------------------------------------------------------------------------


def test_the_practice_party_is_described_as_valid_services(practice: PracticeServer) -> None:
    documents = {document["link_name"]: document for document in definitions(practice.url + "/")}
    assert set(documents) == {
        "practice_oauth2",
        "practice_oauth2_client",
        "practice_oauth1",
        "practice_basic",
        "practice_api_key",
        "practice_two_keys",
    }
    for name, document in documents.items():
        service = parse(split_secret(document)[0], kind="custom", allow_http=True)
        assert service.hosts == (f"127.0.0.1:{practice.port}",), name
        assert service.test is not None
        assert service.test.url == service.base_url + "/me"
    oauth2 = documents["practice_oauth2"]
    assert (oauth2["pkce"], oauth2["client_authentication"]) == ("S256", "basic")
    assert (oauth2["issuer"], oauth2["issuer_in_response"]) == (practice.url, True)
    assert documents["practice_oauth2_client"]["grant_type"] == "client_credentials"


def test_the_sample_values_open_their_services(practice: PracticeServer) -> None:
    urls = {document["link_name"]: document["test"]["url"] for document in definitions(practice.url)}
    values = sample_values()
    person = values["practice_basic"]
    credential = (person["username"].encode(), person["password"].encode())
    assert call("GET", urls["practice_basic"], auth=credential).json()["name"] == "ada"
    for name in ("practice_api_key", "practice_two_keys"):
        assert call("GET", urls[name], headers=values[name]["parameters"]).json()["name"] == "ada"
