import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.oauth1.rfc5849.signature import verify_hmac_sha1
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import ConnectError, InputError, ProtocolError
from isthmus.protocols.oauth1 import (
    TemporaryCredentials,
    VerifiedCallback,
    authorization_url,
    judge_callback,
    judge_temporary_credentials,
    judge_token_credentials,
    temporary_credentials_request,
    token_credentials_request,
)
from isthmus.records import ClientCredentials, HttpRequest, HttpResponse, OAuth1Credential, Service

CLIENT = ClientCredentials("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
TEMPORARY = TemporaryCredentials("hh5s93j4hdidpola", "hdhd0244k9j7ao03")
CALLBACK = "https://us.example/oauth/callback/photos"
SERVICE = Service(
    link_name="photos",
    name="Photos",
    auth_type="oauth1",
    request_token_url="https://photos.example.net/initiate?scope=read%2Cwrite",
    authorize_url="https://photos.example.net/authorize",
    access_token_url="https://photos.example.net/token",
    realm="Photos",
)


def answer(body: Any, status: int = 200, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def seen_by_server(request: HttpRequest, token_secret: str = "") -> OAuth1Request:
    seen = OAuth1Request(request.method, request.url, headers=dict(request.headers))
    seen.client = SimpleNamespace(get_client_secret=lambda: CLIENT.client_secret)
    seen.credential = SimpleNamespace(get_oauth_token_secret=lambda: token_secret)
    return seen


def refused(*parameters: tuple[str, str]) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        judge_callback(parameters, token=TEMPORARY.token)
    return caught.value


GOOD = b"oauth_token=hh5s93j4hdidpola&oauth_token_secret=hdhd0244k9j7ao03&oauth_callback_confirmed=true"
GARBAGE: dict[str, tuple[int, Any]] = {
    "empty": (200, b""),
    "html": (200, b"<html>oauth_token=x&oauth_token_secret=y</html>"),
    "sentence": (200, b"oauth_token = none today"),
    "list": (200, [1]),
    "no token": (200, b"oauth_token_secret=s&oauth_callback_confirmed=true"),
    "empty token": (200, b"oauth_token=&oauth_token_secret=s&oauth_callback_confirmed=true"),
    "no secret": (200, b"oauth_token=t&oauth_callback_confirmed=true"),
    "two tokens": (200, b"oauth_token=t&oauth_token=u&oauth_token_secret=s&oauth_callback_confirmed=true"),
    "line break in the token": (200, b"oauth_token=t%0D%0A&oauth_token_secret=s&oauth_callback_confirmed=true"),
    "token an object": (200, {"oauth_token": {}, "oauth_token_secret": "s", "oauth_callback_confirmed": True}),
    "good with a bad status": (401, GOOD),
    "bad gateway": (502, b"<html></html>"),
    "binary": (200, bytes(range(256))),
    "redirect": (302, b""),
}


# --- refused


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_as_not_understood(name: str) -> None:
    status, body = GARBAGE[name]
    for judge in (judge_temporary_credentials, judge_token_credentials):
        with pytest.raises(ProtocolError) as caught:
            judge(answer(body, status))
        assert (caught.value.code, caught.value.status) == ("provider_answer_not_understood", status)
        assert caught.value.error is None


@pytest.mark.parametrize(
    "body",
    [
        b"oauth_token=t&oauth_token_secret=s",
        b"oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=false",
        b"oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=",
    ],
)
def test_unconfirmed_callback_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        judge_temporary_credentials(answer(body))
    assert "oauth_callback_confirmed" in caught.value.message


@pytest.mark.parametrize(
    ("response", "word", "text"),
    [
        (
            answer(b"oauth_problem=timestamp_refused&oauth_problem_advice=set+the+clock", 401),
            "timestamp_refused",
            "set the clock",
        ),
        (answer(b"oauth_problem=token_rejected"), "token_rejected", None),
        (
            answer(b"", 401, ("www-authenticate", 'OAuth realm="x", oauth_problem="signature_invalid"')),
            "signature_invalid",
            None,
        ),
        (answer(b"no", 401, ("www-authenticate", "OAuth oauth_problem=nonce_used, x=1")), "nonce_used", None),
        (answer({"error": {"code": 32, "message": "Could not authenticate"}}, 401), "32", None),
    ],
)
def test_problem_of_the_provider_is_told(response: HttpResponse, word: str, text: str | None) -> None:
    for judge in (judge_temporary_credentials, judge_token_credentials):
        with pytest.raises(ProtocolError) as caught:
            judge(response)
        assert (caught.value.code, caught.value.error) == ("provider_refused", word)
        assert caught.value.description == text


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([200, 400, 500]), st.text(max_size=40))
def test_no_bytes_cause_anything_but_a_protocol_error(body: bytes, status: int, challenge: str) -> None:
    for judge in (judge_temporary_credentials, judge_token_credentials):
        with pytest.raises(ProtocolError):
            judge(answer(body, status, ("www-authenticate", "oauth_problem=" + challenge)))


@pytest.mark.parametrize("token", ["", "other", "HH5S93J4HDIDPOLA", "hh5s93j4hdidpola ", "\ud800"])
def test_callback_refuses_a_token_it_did_not_ask_for(token: str) -> None:
    assert refused(("oauth_token", token), ("oauth_verifier", "v")).code == "token_mismatch"


def test_callback_without_token_is_refused() -> None:
    assert refused(("oauth_verifier", "v")).code == "token_mismatch"
    with pytest.raises(ConnectError):
        judge_callback([("oauth_token", ""), ("oauth_verifier", "v")], token="")


@pytest.mark.parametrize("verifier", [(), (("oauth_verifier", ""),), (("oauth_verifier", "a\nb"),)])
def test_callback_without_verifier_is_refused(verifier: tuple[tuple[str, str], ...]) -> None:
    assert refused(("oauth_token", TEMPORARY.token), *verifier).code == "verifier_missing"


def test_callback_with_a_repeated_parameter_is_refused() -> None:
    token = ("oauth_token", TEMPORARY.token)
    assert refused(token, token, ("oauth_verifier", "v")).code == "repeated_parameter"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ([("denied", TEMPORARY.token)], "user_denied"),
        ([("oauth_token", TEMPORARY.token), ("denied", "1")], "user_denied"),
        ([("oauth_token", TEMPORARY.token), ("oauth_problem", "user_refused")], "user_denied"),
        ([("oauth_token", TEMPORARY.token), ("oauth_problem", "token_expired")], "authorization_refused"),
        ([("oauth_token", TEMPORARY.token), ("oauth_verifier", "v"), ("error", "x")], "authorization_refused"),
        ([("denied", "somebody else's")], "token_mismatch"),
    ],
)
def test_declining_is_told_from_other_refusals(parameters: list[tuple[str, str]], code: str) -> None:
    assert refused(*parameters).code == code


def test_nobody_else_can_make_a_verified_callback() -> None:
    with pytest.raises(TypeError):
        VerifiedCallback("t", "v")
    judged = judge_callback([("oauth_token", "t"), ("oauth_verifier", "v")], token="t")
    with pytest.raises((TypeError, ValueError)):
        replace(judged, token="u")


def test_verifier_of_another_attempt_is_refused() -> None:
    judged = judge_callback([("oauth_token", "t"), ("oauth_verifier", "v")], token="t")
    with pytest.raises(ConnectError) as caught:
        token_credentials_request(SERVICE, CLIENT, TEMPORARY, judged, nonce="n", timestamp=1)
    assert caught.value.code == "token_mismatch"


@pytest.mark.parametrize("field", ["request_token_url", "authorize_url", "access_token_url"])
def test_incomplete_service_is_refused_by_field(field: str) -> None:
    emptied: dict[str, Any] = {field: ""}
    service = replace(SERVICE, **emptied)
    judged = judge_callback([("oauth_token", TEMPORARY.token), ("oauth_verifier", "v")], token=TEMPORARY.token)
    steps: dict[str, Callable[[], object]] = {
        "request_token_url": lambda: temporary_credentials_request(
            service, CLIENT, callback=CALLBACK, nonce="n", timestamp=1
        ),
        "authorize_url": lambda: authorization_url(service, TEMPORARY),
        "access_token_url": lambda: token_credentials_request(
            service, CLIENT, TEMPORARY, judged, nonce="n", timestamp=1
        ),
    }
    with pytest.raises(InputError) as caught:
        steps[field]()
    assert caught.value.field == field


def test_authorize_parameters_may_not_set_the_token() -> None:
    with pytest.raises(InputError):
        authorization_url(replace(SERVICE, authorize_parameters={"oauth_token": "x"}), TEMPORARY)


# --- accepted


def test_first_leg_is_accepted_by_an_independent_server() -> None:
    request = temporary_credentials_request(SERVICE, CLIENT, callback=CALLBACK, nonce="wIjqoS", timestamp=137131200)
    assert (request.method, request.url, request.body, request.form) == ("POST", SERVICE.request_token_url, b"", None)
    seen = seen_by_server(request)
    assert seen.redirect_uri == CALLBACK
    assert ("scope", "read,write") in seen.params
    assert seen.token is None
    assert verify_hmac_sha1(seen)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_declared_method_and_headers_are_used(method: Any) -> None:
    service = replace(SERVICE, token_request_method=method, token_request_headers={"User-Agent": "x"})
    request = temporary_credentials_request(service, CLIENT, callback=CALLBACK, nonce="n", timestamp=1)
    assert request.method == method
    assert ("User-Agent", "x") in request.headers
    assert verify_hmac_sha1(seen_by_server(request))


def test_form_placement_sends_a_form() -> None:
    service = replace(SERVICE, param_type="form")
    request = temporary_credentials_request(service, CLIENT, callback=CALLBACK, nonce="n", timestamp=1)
    assert dict(request.form or ())["oauth_callback"] == CALLBACK
    assert request.headers == ()


@pytest.mark.parametrize("body", [GOOD, b"\xef\xbb\xbf" + GOOD, dict(parse_qsl(GOOD.decode()))])
def test_temporary_credentials_are_read(body: Any) -> None:
    temporary = judge_temporary_credentials(answer(body))
    assert temporary == TEMPORARY
    assert TEMPORARY.token_secret not in repr(temporary)


def test_person_is_sent_on_with_token_scopes_and_declared_parameters() -> None:
    service = replace(
        SERVICE,
        authorize_url="https://photos.example.net/authorize?x=1#top",
        authorize_parameters={"name": "Us & Co", "expiration": "never"},
        scope_delimiter=",",
    )
    url = authorization_url(service, TEMPORARY, scopes=("read", "write"))
    assert url.endswith("#top")
    assert parse_qsl(urlsplit(url).query) == [
        ("x", "1"),
        ("oauth_token", TEMPORARY.token),
        ("scope", "read,write"),
        ("name", "Us & Co"),
        ("expiration", "never"),
    ]
    assert "scope" not in authorization_url(service, TEMPORARY)


def test_third_leg_is_accepted_by_an_independent_server() -> None:
    verified = judge_callback(
        [("oauth_token", TEMPORARY.token), ("oauth_verifier", "hfdp7dh39dks9884")], token=TEMPORARY.token
    )
    request = token_credentials_request(SERVICE, CLIENT, TEMPORARY, verified, nonce="walatlh", timestamp=137131201)
    seen = seen_by_server(request, TEMPORARY.token_secret)
    assert (seen.token, seen.oauth_params["oauth_verifier"]) == (TEMPORARY.token, "hfdp7dh39dks9884")
    assert verify_hmac_sha1(seen)


def test_token_credentials_are_read_with_what_else_is_told() -> None:
    body = (
        b"oauth_token=nnch734d00sl2jdk&oauth_token_secret=&user_id=38895958&screen_name=Mara+E&oauth_session_handle=h"
    )
    credential, extra = judge_token_credentials(answer(body))
    assert credential == OAuth1Credential("nnch734d00sl2jdk", "")
    assert extra == {"user_id": "38895958", "screen_name": "Mara E"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_parameters_of_the_first_request_are_signed_and_go_where_the_method_puts_them(method: Any) -> None:
    parameters = {"scope": "${scope}", "mode": "a b"}
    service = replace(SERVICE, token_request_method=method, request_token_parameters=parameters)
    request = temporary_credentials_request(
        service, CLIENT, callback=CALLBACK, nonce="n", timestamp=1, scopes=("read", "write")
    )
    query = dict(parse_qsl(urlsplit(request.url).query))
    form = dict(request.form or ())
    found = query if method == "GET" else form
    assert (found["scope"], found["mode"]) == ("read write", "a b")
    assert "mode" not in (form if method == "GET" else query)
    assert request.method == method
    if method == "GET":
        assert request.form is None
        seen = seen_by_server(request)
        assert ("mode", "a b") in seen.params
        assert verify_hmac_sha1(seen)
