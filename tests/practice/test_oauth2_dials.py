"""What the dials change about the practice party's OAuth 2 server."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from tests.practice.caller import CALLBACK, Client, assert_refused, basic, call, query_of


def test_tokens_end_when_their_lifetime_does(client: Client) -> None:
    client.practice.dials(token_lifetime_seconds=1)
    document = client.connect()
    assert document["expires_in"] == 1
    time.sleep(1.1)
    assert client.me(document["access_token"]).status_code == 401


def test_without_a_lifetime_none_is_told(client: Client) -> None:
    client.practice.dials(token_lifetime_seconds=None)
    document = client.connect()
    assert "expires_in" not in document
    assert client.me(document["access_token"]).status_code == 200


def test_within_the_grace_the_same_pair_is_answered_again(client: Client) -> None:
    client.practice.dials(rotation="grace", grace_seconds=30)
    first = client.connect()
    second = client.refresh(first["refresh_token"]).json()
    assert client.refresh(first["refresh_token"]).json() == second
    client.practice.dials(grace_seconds=0)
    assert_refused(client.refresh(first["refresh_token"]), "invalid_grant")
    assert client.practice.counters()["reuse_detected"] == 1


def test_kept_refresh_tokens_go_on_working(client: Client) -> None:
    client.practice.dials(rotation="keep")
    first = client.connect()
    for _ in range(2):
        answer = client.refresh(first["refresh_token"])
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()


def test_lost_scopes_are_neither_told_nor_granted(client: Client) -> None:
    client.practice.dials(scope_loss=["write"])
    document = client.connect()
    assert document["scope"] == "read profile"
    assert client.me(document["access_token"]).json()["scopes"] == ["read", "profile"]


@pytest.mark.parametrize("dial", [{"revoke_all": True}, {"revoke_access_tokens": True}])
def test_revoked_by_dial(client: Client, dial: dict[str, Any]) -> None:
    document = client.connect()
    client.practice.dials(**dial)
    assert client.me(document["access_token"]).status_code == 401
    refreshed = client.refresh(document["refresh_token"]).status_code
    assert refreshed == (400 if "revoke_all" in dial else 200)


def test_the_issuer_can_be_wrong_or_missing(client: Client) -> None:
    client.practice.dials(wrong_iss=True)
    assert query_of(client.practice.approve(client.authorize_url()))["iss"] not in ("", client.practice.url)
    client.practice.dials(no_iss=True)
    assert "iss" not in query_of(client.practice.approve(client.authorize_url()))


def test_without_the_pkce_rule_a_client_may_do_without(client: Client) -> None:
    client.practice.dials(pkce_required=False)
    code = client.code("code_challenge", "code_challenge_method")
    answer = client.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert answer.status_code == 200


@pytest.mark.parametrize(("position", "outcome"), [("grace", "code"), ("deny", "error")])
def test_consent_can_be_automatic(client: Client, position: str, outcome: str) -> None:
    client.practice.dials(auto_consent=position)
    answer = call("GET", client.authorize_url())
    assert answer.status_code == 302
    assert outcome in query_of(answer.headers["location"])


def test_errors_can_hide_in_200(client: Client) -> None:
    client.practice.dials(error_in_200=True)
    assert_refused(client.refresh("made up"), "invalid_grant", 200)
    assert client.token(grant_type="client_credentials").json()["access_token"]
    client.practice.dials(error_in_200="bad_verification_code")
    assert_refused(client.token(grant_type="client_credentials"), "bad_verification_code", 200)


def test_answers_can_be_form_encoded(client: Client) -> None:
    client.practice.dials(form_encoded=True)
    answer = client.token(grant_type="client_credentials", scope="read")
    assert answer.headers["content-type"] == "application/x-www-form-urlencoded"
    assert query_of("?" + answer.text)["token_type"] == "Bearer"


def test_a_lost_answer_leaves_the_request_done(client: Client) -> None:
    document = client.connect()
    client.practice.dials(lost_answer=True)
    form = {"grant_type": "refresh_token", "refresh_token": document["refresh_token"]}
    with pytest.raises(requests.exceptions.ReadTimeout):
        call("POST", f"{client.practice.url}/oauth2/token", data=form, headers=basic(), timeout=1)
    client.practice.dials(lost_answer=False)
    assert_refused(client.refresh(document["refresh_token"]), "invalid_grant")
    assert client.practice.counters()["reuse_detected"] == 1


def test_every_kind_of_garbage_is_served_and_carries_nothing_out(client: Client) -> None:
    document = client.connect()
    names = client.practice.garbage()
    assert len(names) >= 20
    for name in names:
        client.practice.dials(garbage=name)
        answer = client.refresh(document["refresh_token"])
        assert "refresh_token" not in answer.text or name == "refresh_token_number", name
    client.practice.dials(garbage=None)
    assert client.refresh(document["refresh_token"]).status_code == 200


def test_trouble_at_the_token_endpoint_comes_and_goes(client: Client) -> None:
    client.practice.dials(token={"fail_status": 429, "retry_after": 7, "times": 2})
    for _ in range(2):
        answer = client.token(grant_type="client_credentials")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert client.token(grant_type="client_credentials").status_code == 200
    client.practice.dials(token={"slow_seconds": 0.4})
    begun = time.monotonic()
    assert client.token(grant_type="client_credentials").status_code == 200
    assert time.monotonic() - begun >= 0.4
    client.practice.dials(token={"fail_status": 503})
    assert [client.token(grant_type="client_credentials").status_code for _ in range(3)] == [503] * 3
    client.practice.dials(token={})
    assert client.token(grant_type="client_credentials").status_code == 200
