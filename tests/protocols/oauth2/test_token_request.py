import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from isthmus.errors import InputError
from isthmus.protocols.oauth2 import (
    AuthorizationResponse,
    authorization_code_request,
    client_credentials_request,
    grant_request,
    judge_callback,
    refresh_request,
    token_request,
)
from isthmus.records import ClientCredentials, HttpRequest, Service

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
REDIRECT = "https://us.example/oauth/callback/example"
CLIENT = ClientCredentials("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw")
SERVICE = Service(
    link_name="example",
    name="Example",
    auth_type="oauth2",
    access_token_url="https://example.com/token?tenant=%2F",
)


def judged() -> AuthorizationResponse:
    return judge_callback(SERVICE, [("code", "SplxlOBeZQQYbYS6WxSbIA"), ("state", "xyz")], state="xyz")


def code_request(service: Service = SERVICE, verifier: str | None = VERIFIER) -> HttpRequest:
    return authorization_code_request(service, CLIENT, judged(), redirect_uri=REDIRECT, verifier=verifier)


# --- refused


@pytest.mark.parametrize("name", ["code", "code_verifier"])
def test_token_parameters_may_not_override_the_code_grant(name: str) -> None:
    with pytest.raises(InputError) as caught:
        code_request(replace(SERVICE, token_parameters={name: "other"}))
    assert caught.value.field == "token_parameters"


def test_refresh_parameters_may_not_override_the_refresh_token() -> None:
    service = replace(SERVICE, refresh_parameters={"refresh_token": "other"})
    with pytest.raises(InputError) as caught:
        refresh_request(service, CLIENT, refresh_token="r")
    assert caught.value.field == "refresh_parameters"


def test_missing_verifier_is_refused_where_pkce_is_on() -> None:
    with pytest.raises(InputError):
        code_request(verifier=None)
    with pytest.raises(InputError):
        code_request(verifier="short")


def test_service_without_token_url_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        code_request(replace(SERVICE, access_token_url=""))
    assert caught.value.field == "access_token_url"


def test_empty_refresh_token_is_not_sent() -> None:
    with pytest.raises(InputError):
        refresh_request(SERVICE, CLIENT, refresh_token="")


@pytest.mark.parametrize("headers", [{"X-A": "1\r\nX-B: 2"}, {"X-A\r\nX-B": "1"}, {"X A": "1"}, {"": "1"}])
def test_malformed_declared_header_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InputError):
        code_request(replace(SERVICE, token_request_headers=headers))


@pytest.mark.parametrize("grant_type", ["authorization_code", "password", "implicit", "refresh_token", ""])
def test_grants_that_need_a_person_are_refused_without_one(grant_type: str) -> None:
    with pytest.raises(InputError) as caught:
        grant_request(replace(SERVICE, grant_type=grant_type), CLIENT)
    assert caught.value.field == "grant_type"


# --- accepted


def test_code_grant_is_that_of_rfc_6749_and_7636() -> None:
    request = code_request()
    assert (request.method, request.url) == ("POST", "https://example.com/token?tenant=%2F")
    # The header is that of RFC 6749 4.1.3.
    assert dict(request.headers) == {
        "Accept": "application/json",
        "Authorization": "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3",
    }
    assert request.form == (
        ("grant_type", "authorization_code"),
        ("code", "SplxlOBeZQQYbYS6WxSbIA"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    )


def test_code_grant_without_pkce_sends_no_verifier() -> None:
    service = replace(SERVICE, pkce="none")
    for verifier in (None, VERIFIER):
        assert "code_verifier" not in dict(code_request(service, verifier).form or ())


def test_json_format_carries_the_same_fields() -> None:
    service = replace(
        SERVICE,
        token_request_format="json",
        client_authentication="post",
        token_parameters={"audience": "é"},
        token_request_headers={"accept": "application/vnd.example+json", "Version": "2"},
    )
    request = code_request(service)
    assert request.form is None
    assert json.loads(request.body) == {
        "grant_type": "authorization_code",
        "code": "SplxlOBeZQQYbYS6WxSbIA",
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        "audience": "é",
        "client_id": CLIENT.client_id,
        "client_secret": CLIENT.client_secret,
    }
    assert sorted(request.headers) == [
        ("Content-Type", "application/json"),
        ("Version", "2"),
        ("accept", "application/vnd.example+json"),
    ]


@pytest.mark.parametrize(("method", "form"), [("GET", "form"), ("GET", "query"), ("POST", "query")])
def test_query_format_and_get_travel_in_the_url(method: Any, form: Any) -> None:
    service = replace(SERVICE, token_request_method=method, token_request_format=form, client_authentication="post")
    request = code_request(service)
    assert request.method == method
    assert request.form is None
    assert request.body == b""
    assert request.url.startswith("https://example.com/token?tenant=%2F&grant_type=authorization_code&")
    assert dict(parse_qsl(urlsplit(request.url).query))["client_secret"] == CLIENT.client_secret


def test_declared_headers_cannot_replace_our_authentication() -> None:
    request = code_request(replace(SERVICE, token_request_headers={"authorization": "Basic other"}))
    assert [value for name, value in request.headers if name.lower() == "authorization"] == [
        "Basic " + base64.b64encode(b"s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw").decode()
    ]


def test_declared_parameters_cannot_replace_our_authentication() -> None:
    service = replace(SERVICE, client_authentication="post", token_parameters={"client_secret": "other"})
    sent = [value for name, value in code_request(service).form or () if name == "client_secret"]
    assert sent == [CLIENT.client_secret]


def test_client_credentials_ask_for_scopes_with_the_declared_delimiter() -> None:
    service = replace(SERVICE, scope_delimiter=",", token_parameters={"audience": "api"})
    request = client_credentials_request(service, CLIENT, scopes=("a", "b"))
    assert request.form == (("grant_type", "client_credentials"), ("scope", "a,b"), ("audience", "api"))
    assert client_credentials_request(SERVICE, CLIENT).form == (("grant_type", "client_credentials"),)


def test_grant_of_a_providers_own_goes_by_its_declared_parameters() -> None:
    service = replace(SERVICE, grant_type="account_credentials", token_parameters={"account_id": "42"})
    request = grant_request(service, CLIENT)
    assert request.form == (("grant_type", "account_credentials"), ("account_id", "42"))


def test_dispatcher_knows_client_credentials() -> None:
    service = replace(SERVICE, grant_type="client_credentials")
    assert grant_request(service, CLIENT, scopes=("a",)) == client_credentials_request(service, CLIENT, scopes=("a",))


def test_refresh_goes_to_its_own_url_where_there_is_one() -> None:
    service = replace(SERVICE, refresh_parameters={"x": "1"}, token_parameters={"not": "here"})
    request = refresh_request(service, CLIENT, refresh_token="tGzv3JOkF0XG5Qx2TlKWIA")
    assert request.url == SERVICE.access_token_url
    assert request.form == (("grant_type", "refresh_token"), ("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"), ("x", "1"))
    other = replace(SERVICE, refresh_token_url="https://example.com/refresh")
    assert refresh_request(other, CLIENT, refresh_token="r").url == "https://example.com/refresh"
    assert ("scope", "a b") in (refresh_request(SERVICE, CLIENT, refresh_token="r", scopes=("a", "b")).form or ())


def test_grant_type_itself_may_be_declared_otherwise() -> None:
    request = refresh_request(replace(SERVICE, refresh_parameters={"grant_type": "renew"}), CLIENT, refresh_token="r")
    assert dict(request.form or ())["grant_type"] == "renew"


def test_nothing_secret_is_in_the_repr() -> None:
    request = token_request(
        replace(SERVICE, token_request_format="query", client_authentication="post"),
        ClientCredentials("id", "cnry-secret"),
        [("code", "cnry-code")],
        endpoint="https://example.com/t",
    )
    assert "cnry" not in repr(request)


def test_the_code_grant_as_an_assertion_with_the_client_where_the_service_says() -> None:
    service = replace(
        SERVICE,
        client_authentication="declared",
        code_parameter="assertion",
        token_parameters={"grant_type": "jwt-bearer", "client_assertion": "${client_secret}", "who": "${client_id}"},
    )
    form = dict(code_request(service).form or ())
    assert form["assertion"] == "SplxlOBeZQQYbYS6WxSbIA"
    assert (form["grant_type"], form["client_assertion"], form["who"]) == (
        "jwt-bearer",
        CLIENT.client_secret,
        CLIENT.client_id,
    )
    assert "client_id" not in form
    assert "Authorization" not in dict(code_request(service).headers)


def test_a_token_request_in_xml_escapes_what_it_holds() -> None:
    service = replace(SERVICE, token_request_format="xml", token_request_root="login", client_authentication="post")
    request = code_request(replace(service, token_parameters={"note": "<a & b>"}))
    assert dict(request.headers)["Content-Type"] == "application/xml"
    assert b"<login><grant_type>authorization_code</grant_type>" in request.body
    assert b"<note>&lt;a &amp; b&gt;</note>" in request.body


def test_a_header_of_the_token_request_may_hold_the_client() -> None:
    service = replace(SERVICE, client_authentication="declared", token_request_headers={"X-Key": "${client_secret}"})
    assert dict(code_request(service).headers)["X-Key"] == CLIENT.client_secret


def test_the_refresh_may_show_the_client_otherwise_and_repeat_the_redirect_uri() -> None:
    service = replace(
        SERVICE,
        client_authentication="post",
        refresh_client_authentication="basic",
        refresh_parameters={"redirect_uri": "${redirect_uri}", "grant_type": ""},
    )
    request = refresh_request(service, CLIENT, refresh_token="r", values={"redirect_uri": REDIRECT})
    form = dict(request.form or ())
    assert form == {"refresh_token": "r", "redirect_uri": REDIRECT}
    assert dict(request.headers)["Authorization"].startswith("Basic ")


def test_a_slot_that_nothing_fills_is_an_error_not_sent() -> None:
    with pytest.raises(InputError) as caught:
        code_request(replace(SERVICE, token_parameters={"x": "${refresh_token}"}))
    assert caught.value.code == "slot_unfilled"
