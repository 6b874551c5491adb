import base64
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.protocols import attach, ready_headers
from isthmus.records import (
    ApiKeyCredential,
    BasicCredential,
    ClientCredentials,
    Credential,
    HttpRequest,
    OAuth1Credential,
    OAuth2Credential,
    Parameter,
    Service,
)

CLIENT = ClientCredentials("id", "secret")
TOKEN = OAuth2Credential("cnry-token+/=")
OAUTH2 = Service(link_name="example", name="Example", auth_type="oauth2")
BASIC = replace(OAUTH2, auth_type="basic")
KEYS = replace(
    OAUTH2,
    auth_type="api_key",
    parameters=(Parameter("X-Api-Key", "Key", "header", "Token "), Parameter("X-Account", placement="header")),
)
GET = HttpRequest("GET", "https://a.example/a%2Fb?x=%7e+1&&y=#f")
FORM_HEADER = (("content-type", "application/x-www-form-urlencoded"),)


def put(service: Service, credential: Credential, request: HttpRequest = GET) -> HttpRequest:
    return attach(service, CLIENT, credential, request, nonce="n", timestamp=1)


def basic_pair(service: Service, username: str, password: str) -> str:
    ((name, value),) = put(service, BasicCredential(username, password)).headers
    assert name == "Authorization"
    return base64.b64decode(value.removeprefix("Basic "), validate=True).decode()


# --- refused


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00", "a\x7f", "\ud800"])
@pytest.mark.parametrize("placement", ["header", "query", "form"])
def test_control_characters_are_refused_everywhere_without_showing_the_value(bad: str, placement: Any) -> None:
    bad = "cnry-secret" + bad
    request = HttpRequest("POST", "https://a.example/")
    keys = replace(KEYS, parameters=(Parameter("k", placement=placement),))
    for service, credential in (
        (replace(OAUTH2, param_type=placement), OAuth2Credential(bad)),
        (keys, ApiKeyCredential({"k": bad})),
    ):
        with pytest.raises(InputError) as caught:
            put(service, credential, request)
        assert "cnry" not in f"{caught.value.message}{caught.value.hint}{caught.value.details}"


@pytest.mark.parametrize("field", ["username", "password"])
@pytest.mark.parametrize("bad", ["a\r\nb", "a\x00", "a\x1f", "\x7f"])
def test_control_characters_in_basic_are_refused_by_field(field: str, bad: str) -> None:
    with pytest.raises(InputError) as caught:
        put(BASIC, BasicCredential(**{"username": "u", "password": "p", field: bad}))
    assert caught.value.field == field


def test_colon_in_the_user_name_is_refused_by_field() -> None:
    with pytest.raises(InputError) as caught:
        put(BASIC, BasicCredential("a:b", "p"))
    assert caught.value.field == "username"


@pytest.mark.parametrize("values", [{}, {"X-Api-Key": ""}, {"x-api-key": "wrong case", "X-Account": "1"}])
def test_missing_value_is_refused_by_the_parameters_name(values: dict[str, str]) -> None:
    for use in (put, lambda service, credential: ready_headers(service, credential)):
        with pytest.raises(InputError) as caught:
            use(KEYS, ApiKeyCredential(values))
        assert caught.value.field == "X-Api-Key"
        assert "Key" in caught.value.message


def test_service_that_declares_no_key_is_refused() -> None:
    service = replace(KEYS, parameters=())
    with pytest.raises(InputError):
        put(service, ApiKeyCredential({"a": "b"}))
    with pytest.raises(InputError):
        ready_headers(service, ApiKeyCredential({"a": "b"}))


@pytest.mark.parametrize("key", ["X Key", "X:Key", "X\r\nKey", "", "Clé"])
def test_malformed_header_name_is_refused(key: str) -> None:
    with pytest.raises(InputError):
        put(replace(KEYS, parameters=(Parameter(key),)), ApiKeyCredential({key: "v"}))


@pytest.mark.parametrize("prefix", ["Bearer\r\nX: y", "Bearer\x00"])
def test_prefix_cannot_break_the_header(prefix: str) -> None:
    with pytest.raises(InputError):
        put(replace(OAUTH2, param_prefix=prefix), TOKEN)
    with pytest.raises(InputError):
        ready_headers(replace(OAUTH2, param_prefix=prefix), TOKEN)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (HttpRequest("GET", "https://a.example/"), "method"),
        (HttpRequest("get", "https://a.example/", FORM_HEADER), "method"),
        (HttpRequest("HEAD", "https://a.example/"), "method"),
        (HttpRequest("POST", "https://a.example/", (("Content-Type", "application/json"),), b"{}"), "content_type"),
        (HttpRequest("POST", "https://a.example/", (("Content-Type", "application/json"),)), "content_type"),
        (HttpRequest("PUT", "https://a.example/", (), b"x"), "content_type"),
    ],
)
def test_form_placement_without_a_form_is_explained(request_: HttpRequest, field: str) -> None:
    for service, credential in (
        (replace(OAUTH2, param_type="form"), TOKEN),
        (replace(KEYS, parameters=(Parameter("k", placement="form"),)), ApiKeyCredential({"k": "v"})),
    ):
        with pytest.raises(InputError) as caught:
            put(service, credential, request_)
        assert caught.value.field == field
        assert caught.value.hint


# --- bearer


@pytest.mark.parametrize(
    ("prefix", "value"),
    [
        ("Bearer", "Bearer cnry-token+/="),
        ("Bearer ", "Bearer cnry-token+/="),
        ("Zoho-oauthtoken", "Zoho-oauthtoken cnry-token+/="),
        ("token=", "token=cnry-token+/="),
        ("", "cnry-token+/="),
    ],
)
def test_token_stands_in_the_header_with_its_prefix(prefix: str, value: str) -> None:
    service = replace(OAUTH2, param_prefix=prefix, param_name="X-Auth")
    assert put(service, TOKEN) == replace(GET, headers=(("X-Auth", value),))
    assert ready_headers(service, TOKEN) == (("X-Auth", value),)


@pytest.mark.parametrize("name", ["authorization", "AUTHORIZATION", "Authorization"])
def test_callers_header_of_the_same_name_is_replaced(name: str) -> None:
    request = replace(GET, headers=((name, "evil"), ("Accept", "a"), (name, "evil"), ("Accept", "b")))
    assert put(OAUTH2, TOKEN, request).headers == (
        ("Accept", "a"),
        ("Accept", "b"),
        ("Authorization", "Bearer cnry-token+/="),
    )


def test_callers_header_with_an_underscore_is_replaced() -> None:
    request = replace(GET, headers=(("x_api_key", "evil"), ("X-API-KEY", "evil")))
    attached = put(KEYS, ApiKeyCredential({"X-Api-Key": "k", "X-Account": "1"}), request)
    assert attached.headers == (("X-Api-Key", "Token k"), ("X-Account", "1"))


def test_token_in_the_query_leaves_the_rest_byte_for_byte() -> None:
    attached = put(replace(OAUTH2, param_type="query"), TOKEN)
    assert attached.url == "https://a.example/a%2Fb?x=%7e+1&&y=&access_token=cnry-token%2B%2F%3D#f"
    assert attached.headers == ()
    named = put(replace(OAUTH2, param_type="query", param_name="auth"), TOKEN)
    assert named.url.endswith("&auth=cnry-token%2B%2F%3D#f")


def test_callers_query_parameter_of_the_same_name_is_replaced() -> None:
    request = HttpRequest("GET", "https://a.example/?access_token=evil&a=1&ACCESS%5FTOKEN=evil&%61ccess_token")
    assert put(replace(OAUTH2, param_type="query"), OAuth2Credential("t"), request).url == (
        "https://a.example/?a=1&access_token=t"
    )


def test_token_in_the_form_joins_the_fields() -> None:
    service = replace(OAUTH2, param_type="form")
    joined = put(service, TOKEN, HttpRequest("POST", "https://a.example/", form=(("a", "1"), ("Access_Token", "evil"))))
    assert joined.form == (("a", "1"), ("access_token", "cnry-token+/="))
    empty = put(service, TOKEN, HttpRequest("POST", "https://a.example/"))
    assert empty.form == (("access_token", "cnry-token+/="),)


def test_token_in_a_form_that_came_as_bytes_leaves_the_rest_byte_for_byte() -> None:
    request = HttpRequest("PATCH", "https://a.example/", FORM_HEADER, b"a=%2f+1&b=\xff&access%5Ftoken=evil")
    attached = put(replace(OAUTH2, param_type="form"), TOKEN, request)
    assert attached.body == b"a=%2f+1&b=\xff&access_token=cnry-token%2B%2F%3D"
    assert attached.form is None


def test_credential_is_not_in_the_repr_of_the_request() -> None:
    for placement in ("header", "query", "form"):
        attached = put(replace(OAUTH2, param_type=placement), TOKEN, HttpRequest("POST", "https://a.example/"))
        assert "cnry" not in repr(attached)


# --- basic


def test_basic_is_that_of_rfc_7617() -> None:
    assert put(BASIC, BasicCredential("Aladdin", "open sesame")).headers == (
        ("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    )
    # The UTF-8 example of RFC 7617 2.1.
    assert put(BASIC, BasicCredential("test", "123£")).headers == (("Authorization", "Basic dGVzdDoxMjPCow=="),)
    assert ready_headers(BASIC, BasicCredential("test", "123£")) == (("Authorization", "Basic dGVzdDoxMjPCow=="),)


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=":"), max_size=20),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_basic_survives_a_server_that_splits_at_the_first_colon(username: str, password: str) -> None:
    if any(ord(c) < 32 or ord(c) == 127 for c in username + password):
        with pytest.raises(InputError):
            basic_pair(BASIC, username, password)
        return
    assert basic_pair(BASIC, username, password).split(":", 1) == [username, password]


@pytest.mark.parametrize(
    ("user_template", "password_template", "pair"),
    [
        ("${username}", "", "key:"),
        ("any", "${username}", "any:key"),
        ("${username}/token", "${password}", "key/token:p:w"),
        ("x", "${password}-${username}", "x:p:w-key"),
    ],
)
def test_templates_are_filled(user_template: str, password_template: str, pair: str) -> None:
    service = replace(BASIC, username_template=user_template, password_template=password_template)
    assert basic_pair(service, "key", "p:w") == pair


def test_password_that_looks_like_a_slot_is_not_filled_again() -> None:
    assert basic_pair(BASIC, "${password}", "${username}\\1") == "${password}:${username}\\1"


# --- API keys


def test_values_go_each_to_its_own_place() -> None:
    service = replace(
        KEYS,
        parameters=(
            Parameter("X-Api-Key", placement="header", prefix="Token "),
            Parameter("key", placement="query"),
            Parameter("token", placement="query", prefix="v1-"),
            Parameter("secret", placement="form"),
        ),
    )
    values = {"X-Api-Key": "k", "key": "a b&", "token": "t", "secret": "s", "unused": "never sent"}
    request = HttpRequest("POST", "https://a.example/?KEY=evil&z=1", (("Accept", "x"),), form=(("a", "b"),))
    attached = put(service, ApiKeyCredential(values), request)
    assert attached.headers == (("Accept", "x"), ("X-Api-Key", "Token k"))
    assert attached.url == "https://a.example/?z=1&key=a%20b%26&token=v1-t"
    assert attached.form == (("a", "b"), ("secret", "s"))
    assert ready_headers(service, ApiKeyCredential(values)) is None


def test_headers_are_ready_where_headers_alone_carry_the_credential() -> None:
    credential = ApiKeyCredential({"X-Api-Key": "k", "X-Account": "1"})
    assert ready_headers(KEYS, credential) == put(KEYS, credential).headers


# --- OAuth 1.0a and what is ready


def test_oauth1_is_signed_and_never_ready() -> None:
    service = replace(OAUTH2, auth_type="oauth1")
    credential = OAuth1Credential("t", "s")
    assert put(service, credential).headers[0][1].startswith("OAuth oauth_consumer_key=")
    assert ready_headers(service, credential) is None
    for placement in ("query", "form"):
        assert ready_headers(replace(OAUTH2, param_type=placement), TOKEN) is None


def test_bearer_header_is_cheap_to_attach() -> None:
    request = replace(GET, headers=(("accept", "*/*"), ("user-agent", "x"), ("content-type", "y")))
    best = min(_timed(request) for _ in range(5))
    assert best < 100e-6, f"{best * 1e6:.1f} us"


def _timed(request: HttpRequest) -> float:
    began = time.perf_counter()
    for _ in range(500):
        put(OAUTH2, TOKEN, request)
    return (time.perf_counter() - began) / 500
