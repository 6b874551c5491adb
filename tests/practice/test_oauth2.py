"""The practice party's OAuth 2 server: what it refuses, what a standard client gets."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session
from tests.practice.caller import CALLBACK, SCOPES, SECRET, Client, assert_refused, basic, call, query_of
from tests.practice_server import PracticeServer


@pytest.fixture
def plain_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """oauthlib speaks to loopback without TLS only when told so."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    return


# --- Refused at the consent page --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "",
        "http://127.0.0.1:9/elsewhere",
        "http://127.0.0.1:9/x/oauth/callback/x",
        "ftp://127.0.0.1/oauth/callback/x",
        "javascript:/oauth/callback/x",
        "//127.0.0.1/oauth/callback/x",
        "http://127.0.0.1:9/oauth/callback/x#here",
    ],
)
def test_an_unregistered_redirect_uri_is_never_redirected_to(client: Client, redirect_uri: str) -> None:
    answer = call("GET", client.authorize_url(redirect_uri=redirect_uri) + "&auto=ada")
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_an_unknown_client_is_never_redirected(client: Client) -> None:
    answer = call("GET", client.authorize_url(client_id="nobody") + "&auto=ada")
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "without", "error"),
    [
        ({"response_type": "token"}, (), "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, (), "invalid_request"),
        ({"code_challenge": "short"}, (), "invalid_request"),
        ({}, ("code_challenge", "code_challenge_method"), "invalid_request"),
    ],
)
def test_a_wrong_request_is_told_at_the_callback(
    client: Client, changes: dict[str, str], without: tuple[str, ...], error: str
) -> None:
    answer = call("GET", client.authorize_url(*without, **changes) + "&auto=ada")
    given = query_of(answer.headers["location"])
    assert (answer.status_code, given["error"], given["state"], given["iss"]) == (
        302,
        error,
        "st&te=1",
        client.practice.url,
    )
    assert "code" not in given


def test_a_denial_is_told_at_the_callback(client: Client) -> None:
    given = query_of(client.practice.approve(client.authorize_url(), decision="deny"))
    assert given["error"] == "access_denied"
    assert given["state"] == "st&te=1"
    assert "code" not in given


# --- Refused at the token endpoint -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {}),
        ({}, {"client_id": "practice-client", "client_secret": SECRET}),
        ({}, {"client_id": "practice-post", "client_secret": "wrong"}),
        ({}, {"client_id": "practice-public", "client_secret": SECRET}),
        (basic(secret="wrong"), {}),
        (basic("practice-post"), {}),
        (basic("practice-basic-raw"), {}),
        (basic(), {"client_secret": SECRET}),
        (basic(), {"client_id": "practice-post"}),
        ({"Authorization": "Basic ###"}, {}),
        ({"Authorization": "Basic " + base64.b64encode(f"practice-client:{SECRET}".encode()).decode()}, {}),
    ],
)
def test_a_client_that_does_not_authenticate_its_own_way_is_refused(
    client: Client, headers: dict[str, str], form: dict[str, str]
) -> None:
    answer = client.token(headers, grant_type="client_credentials", **form)
    assert_refused(answer, "invalid_client", 401)
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "code_made_up"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": ""},
        {"code_verifier": "v" * 43},
        {"code_verifier": ""},
    ],
)
def test_a_code_is_worth_nothing_with_something_else(client: Client, changes: dict[str, str]) -> None:
    assert_refused(client.redeem(client.code(), **changes), "invalid_grant")


def test_a_code_of_another_client_is_refused(client: Client) -> None:
    thief = Client(client.practice, "practice-post")
    form = {"client_id": "practice-post", "client_secret": SECRET, "code_verifier": client.verifier}
    answer = thief.token({}, grant_type="authorization_code", code=client.code(), redirect_uri=CALLBACK, **form)
    assert_refused(answer, "invalid_grant")


def test_a_verifier_without_a_challenge_is_refused(client: Client) -> None:
    client.practice.dials(pkce_required=False)
    assert_refused(client.redeem(client.code("code_challenge", "code_challenge_method")), "invalid_grant")


def test_a_code_works_once_and_a_second_use_ends_its_tokens(client: Client) -> None:
    code = client.code()
    document = client.redeem(code).json()
    assert client.me(document["access_token"]).status_code == 200
    assert_refused(client.redeem(code), "invalid_grant")
    assert client.me(document["access_token"]).status_code == 401
    assert_refused(client.refresh(document["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
        ({"grant_type": "account_credentials"}, "invalid_request"),
        ({"grant_type": "account_credentials", "account_id": "acct-2"}, "invalid_request"),
    ],
)
def test_other_grants_are_refused(client: Client, form: dict[str, str], error: str) -> None:
    assert_refused(client.token(**form), error)


def test_a_public_client_gets_no_token_of_its_own(client: Client) -> None:
    answer = client.token({}, grant_type="client_credentials", client_id="practice-public")
    assert_refused(answer, "unauthorized_client")


def test_a_repeated_parameter_is_refused(client: Client) -> None:
    pairs = [("grant_type", "client_credentials"), ("scope", "read"), ("scope", "write")]
    answer = call("POST", f"{client.practice.url}/oauth2/token", data=pairs, headers=basic())
    assert_refused(answer, "invalid_request")


def test_the_token_endpoint_takes_only_posts_and_counts_only_those(client: Client) -> None:
    assert call("GET", f"{client.practice.url}/oauth2/token").status_code == 405
    assert client.practice.counters()["token_calls"] == 0
    client.token(grant_type="nonsense")
    assert client.practice.counters()["token_calls"] == 1


def test_a_spent_refresh_token_ends_the_whole_grant(client: Client) -> None:
    first = client.connect()
    second = client.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert client.me(second["access_token"]).status_code == 200
    assert_refused(client.refresh(first["refresh_token"]), "invalid_grant")
    assert client.me(second["access_token"]).status_code == 401
    assert_refused(client.refresh(second["refresh_token"]), "invalid_grant")
    counters = client.practice.counters()
    assert (counters["reuse_detected"], counters["families_killed"], counters["refresh_calls"]) == (1, 1, 3)


def test_revocation_ends_the_grant_and_says_nothing_about_unknown_tokens(client: Client) -> None:
    document = client.connect()
    url = f"{client.practice.url}/oauth2/revoke"
    assert_refused(call("POST", url, data={"token": document["refresh_token"]}), "invalid_client", 401)
    assert client.me(document["access_token"]).status_code == 200
    assert call("POST", url, data={"token": "made up"}, headers=basic()).status_code == 200
    assert call("POST", url, data={"token": document["refresh_token"]}, headers=basic()).status_code == 200
    assert client.me(document["access_token"]).status_code == 401
    assert_refused(client.refresh(document["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer made-up", "Basic YTpi"])
def test_the_api_refuses_what_is_no_token(practice: PracticeServer, header: str) -> None:
    answer = call("GET", f"{practice.url}/oauth2/api/me", headers={"Authorization": header})
    assert_refused(answer, "invalid_token", 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert practice.counters()["unauthorized"] == 1


# --- What a standard client gets ---------------------------------------------------------------------------------


def test_a_standard_client_connects_refreshes_and_calls(practice: PracticeServer, plain_http: None) -> None:
    from requests.auth import HTTPBasicAuth

    session = OAuth2Session("practice-basic-raw", redirect_uri=CALLBACK, scope=SCOPES.split(), pkce="S256")
    session.trust_env = False
    url, state = session.authorization_url(f"{practice.url}/oauth2/authorize")
    callback = practice.approve(url, account="grace")
    assert query_of(callback)["iss"] == practice.url
    assert query_of(callback)["state"] == state
    auth = HTTPBasicAuth("practice-basic-raw", SECRET)
    first = session.fetch_token(f"{practice.url}/oauth2/token", authorization_response=callback, auth=auth)
    assert first["expires_in"] == 3600
    assert session.get(f"{practice.url}/oauth2/api/me").json()["login"] == "grace"
    second = session.refresh_token(f"{practice.url}/oauth2/token", auth=auth)
    assert second["refresh_token"] != first["refresh_token"]
    assert session.get(f"{practice.url}/oauth2/api/me").json()["scopes"] == SCOPES.split()


def test_a_standard_client_gets_a_token_of_its_own(practice: PracticeServer, plain_http: None) -> None:
    session = OAuth2Session(client=BackendApplicationClient("practice-post", scope=["read"]), scope=["read"])
    session.trust_env = False
    document = session.fetch_token(f"{practice.url}/oauth2/token", client_secret=SECRET, include_client_id=True)
    assert "refresh_token" not in document
    assert session.get(f"{practice.url}/oauth2/api/me").json()["scopes"] == ["read"]


@pytest.mark.parametrize(
    ("client_id", "headers", "form"),
    [
        ("practice-client", basic(), {}),
        ("practice-post", {}, {"client_id": "practice-post", "client_secret": SECRET}),
        ("practice-public", {}, {"client_id": "practice-public"}),
    ],
)
def test_each_client_connects_its_own_way(
    practice: PracticeServer, client_id: str, headers: dict[str, str], form: dict[str, str]
) -> None:
    client = Client(practice, client_id)
    form = {"code": client.code(), "redirect_uri": CALLBACK, "code_verifier": client.verifier, **form}
    answer = client.token(headers, grant_type="authorization_code", **form)
    assert answer.status_code == 200
    assert answer.json()["scope"] == SCOPES
    assert answer.headers["cache-control"] == "no-store"


def test_an_account_gets_a_token_by_its_id(client: Client) -> None:
    answer = client.token(grant_type="account_credentials", account_id="acct-1")
    assert client.me(answer.json()["access_token"]).json()["name"] == "ada"


@pytest.mark.parametrize("scope", ["read write", "read,write"])
def test_scopes_come_with_spaces_or_commas(client: Client, scope: str) -> None:
    assert client.redeem(client.code(scope=scope)).json()["scope"] == "read write"


def test_the_consent_page_names_the_client_and_its_wishes_harmlessly(client: Client) -> None:
    page = call("GET", client.authorize_url(scope="read <b>"))
    assert page.status_code == 200
    assert "practice-client" in page.text
    assert "<li>read</li>" in page.text
    assert "<b>" not in page.text


@pytest.mark.parametrize("account", ["ada", "grace"])
def test_auto_decides_at_once(client: Client, account: str) -> None:
    answer = call("GET", client.authorize_url() + f"&auto={account}")
    assert answer.status_code == 302
    document = client.redeem(query_of(answer.headers["location"])["code"]).json()
    assert client.me(document["access_token"]).json()["name"] == account


def test_a_callback_keeps_its_own_query(client: Client) -> None:
    callback = client.practice.approve(client.authorize_url(redirect_uri=CALLBACK + "?kept=1"))
    assert set(query_of(callback)) == {"kept", "code", "state", "iss"}


def test_the_metadata_names_the_origin_it_was_asked_at(practice: PracticeServer) -> None:
    document = call("GET", f"{practice.url}/.well-known/oauth-authorization-server").json()
    assert document["issuer"] == practice.url
    assert document["token_endpoint"] == f"{practice.url}/oauth2/token"
    assert document["revocation_endpoint"] == f"{practice.url}/oauth2/revoke"
