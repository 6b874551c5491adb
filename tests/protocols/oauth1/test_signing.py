import base64
import hashlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import pytest
from authlib.oauth1.rfc5849.signature import verify_hmac_sha1, verify_plaintext, verify_rsa_sha1
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature as oauthlib_signature

from isthmus.errors import InputError
from isthmus.protocols.oauth1 import sign
from isthmus.records import ClientCredentials, HttpRequest, OAuth1Credential, Placement, Service

CLIENT = ClientCredentials("key + /", "s%cret&é")
# No percent sign in the token: both independent servers unescape protocol parameters a second time.
CREDENTIAL = OAuth1Credential("tok/en+é", "token s&cret%20")
SERVICE = Service(link_name="example", name="Example", auth_type="oauth1")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORM = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)


def sign_it(request: HttpRequest, service: Service = SERVICE, **more: Any) -> HttpRequest:
    return sign(service, CLIENT, CREDENTIAL, request, nonce="n0nce", timestamp=137131200, **more)


def received(request: HttpRequest) -> OAuth1Request:
    """The request as an independent server sees it."""
    body: dict[str, Any] | str | None = None
    headers = dict(request.headers)
    if request.form is not None:
        body = urlencode(request.form)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif headers.get("Content-Type", "").startswith("application/x-www-form"):
        body = request.body.decode()
    seen = OAuth1Request(request.method, request.url, body=body, headers=headers)
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    seen.client = SimpleNamespace(get_client_secret=lambda: CLIENT.client_secret, get_rsa_public_key=lambda: public)
    seen.credential = SimpleNamespace(get_oauth_token_secret=lambda: CREDENTIAL.token_secret)
    return seen


def protocol_parameters(request: HttpRequest) -> dict[str, str]:
    header = dict(request.headers)["Authorization"]
    pairs = (part.split("=", 1) for part in header.removeprefix("OAuth ").split(", "))
    return {name: unquote(value.strip('"')) for name, value in pairs}


# --- refused


def test_plaintext_without_tls_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        sign_it(HttpRequest("GET", "http://a.example/"), replace(SERVICE, signature_method="PLAINTEXT"))
    assert caught.value.field == "signature_method"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (HttpRequest("GET", "https://a.example/"), "method"),
        (HttpRequest("DELETE", "https://a.example/"), "method"),
        (HttpRequest("POST", "https://a.example/", (("content-type", "application/json"),), b"{}"), "content_type"),
        (HttpRequest("POST", "https://a.example/", (), b"raw"), "content_type"),
    ],
)
def test_form_placement_without_a_form_is_refused(request_: HttpRequest, field: str) -> None:
    with pytest.raises(InputError) as caught:
        sign_it(request_, replace(SERVICE, param_type="form"))
    assert caught.value.field == field


def test_missing_consumer_key_and_nonce_are_refused() -> None:
    request = HttpRequest("GET", "https://a.example/")
    with pytest.raises(InputError):
        sign(SERVICE, ClientCredentials("", "s"), None, request, nonce="n", timestamp=1)
    with pytest.raises(InputError):
        sign(SERVICE, CLIENT, None, request, nonce="", timestamp=1)


@pytest.mark.parametrize("realm", ["a\r\nX: y", "a\x00"])
def test_realm_cannot_break_the_header(realm: str) -> None:
    with pytest.raises(InputError) as caught:
        sign_it(HttpRequest("GET", "https://a.example/"), replace(SERVICE, realm=realm))
    assert caught.value.field == "realm"


@pytest.mark.parametrize("url", ["https://a.example/\r\n", "https://a.example/?a=\ud800", "/relative"])
def test_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        sign_it(HttpRequest("GET", url))


def test_half_a_character_in_the_form_is_refused() -> None:
    with pytest.raises(InputError):
        sign_it(HttpRequest("POST", "https://a.example/", form=(("a", "\ud800"),)))


# --- accepted


def test_header_holds_realm_and_parameters_and_no_second_authorization() -> None:
    request = HttpRequest("GET", "https://a.example/x", (("AUTHORIZATION", "Bearer smuggled"), ("X-Other", "1")))
    signed = sign_it(request, replace(SERVICE, realm='Ph"otos'))
    assert [name for name, _ in signed.headers] == ["X-Other", "Authorization"]
    value = signed.headers[-1][1]
    assert value.startswith(
        'OAuth realm="Ph\\"otos", oauth_consumer_key="key%20%2B%20%2F", oauth_token="tok%2Fen%2B%C3%A9", '
    )
    assert 'oauth_timestamp="137131200"' in value
    assert 'oauth_nonce="n0nce"' in value
    assert 'oauth_version="1.0"' in value
    assert signed.url == request.url


def test_query_placement_keeps_the_rest_byte_for_byte() -> None:
    request = HttpRequest("GET", "https://a.example/a%2Fb?x=%7e+1&&y#f")
    signed = sign_it(request, replace(SERVICE, param_type="query"))
    assert signed.url.startswith("https://a.example/a%2Fb?x=%7e+1&&y&oauth_consumer_key=key%20%2B%20%2F&")
    assert signed.url.endswith("#f")
    assert signed.headers == ()


def test_caller_cannot_smuggle_protocol_parameters() -> None:
    request = HttpRequest(
        "POST", "https://a.example/?oauth_token=evil&a=1&OAuth%5Ftoken=evil", form=(("oauth_nonce", "x"),)
    )
    signed = sign_it(request)
    assert signed.url == "https://a.example/?a=1"
    assert signed.form == ()
    raw = sign_it(HttpRequest("POST", "https://a.example/", FORM, b"oauth_nonce=x&a=%2f"))
    assert raw.body == b"a=%2f"


def test_two_signatures_differ_by_nonce_and_by_time() -> None:
    request = HttpRequest("GET", "https://a.example/")
    signatures = {
        protocol_parameters(sign(SERVICE, CLIENT, CREDENTIAL, request, nonce=nonce, timestamp=at))["oauth_signature"]
        for nonce, at in (("a", 1), ("b", 1), ("a", 2))
    }
    assert len(signatures) == 3


def test_body_that_is_no_form_is_not_signed() -> None:
    request = HttpRequest("POST", "https://a.example/", (("Content-Type", "application/json"),), b'{"a": 1}')
    signed = sign_it(request)
    assert signed.body == request.body
    assert verify_hmac_sha1(received(signed))
    assert signed.headers == sign_it(replace(request, body=b"other")).headers


def test_body_hash_is_added_on_request() -> None:
    # The OAuth Request Body Hash extension, section 3.2.
    request = HttpRequest("PUT", "https://a.example/", (("Content-Type", "text/plain"),), b"Hello World!")
    signed = sign_it(request, body_hash=True)
    assert protocol_parameters(signed)["oauth_body_hash"] == "Lve95gjOVATpfV8EL5X4nxwjKHE="
    assert verify_hmac_sha1(received(signed))
    sha256 = sign_it(request, replace(SERVICE, signature_method="HMAC-SHA256"), body_hash=True)
    expected = base64.b64encode(hashlib.sha256(b"Hello World!").digest()).decode()
    assert protocol_parameters(sha256)["oauth_body_hash"] == expected
    form = sign_it(HttpRequest("POST", "https://a.example/", form=(("a", "b"),)), body_hash=True)
    assert "oauth_body_hash" not in protocol_parameters(form)


def test_rsa_and_plaintext_are_accepted_by_an_independent_server() -> None:
    request = HttpRequest("POST", "https://a.example:8443/x?a=1&a=0", form=(("é", "ü &="),))
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    service = replace(SERVICE, signature_method="RSA-SHA1")
    signed = sign(service, ClientCredentials("k", pem), CREDENTIAL, request, nonce="n", timestamp=1)
    assert verify_rsa_sha1(received(signed))
    assert verify_plaintext(received(sign_it(request, replace(SERVICE, signature_method="PLAINTEXT"))))


VALUE = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# One counterpart drops every parameter named realm; both unescape `oauth_` values twice.
NAME = VALUE.filter(lambda name: name != "realm" and not name.lower().startswith("oauth_"))
RAW = st.text(st.sampled_from("xyz%2+&=~*é;:/?"), max_size=16)


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(["header", "query", "form"]),
    st.lists(st.tuples(NAME, VALUE), max_size=4),
    st.lists(st.tuples(NAME, VALUE), max_size=4),
    st.sampled_from(["https://A.example:443/p%2Fq", "https://a.example", "https://a.example:444/~x;y=1"]),
)
def test_independent_server_accepts_every_placement(
    placement: Placement, query: list[tuple[str, str]], form: list[tuple[str, str]], address: str
) -> None:
    url = f"{address}?{urlencode(query)}" if query else address
    signed = sign_it(HttpRequest("POST", url, form=tuple(form)), replace(SERVICE, param_type=placement, realm="r"))
    assert verify_hmac_sha1(received(signed))


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(["header", "query", "form"]),
    st.lists(st.tuples(NAME, VALUE), max_size=4),
    st.lists(st.tuples(NAME, VALUE), max_size=4),
)
def test_second_independent_server_accepts_every_placement(
    placement: Placement, query: list[tuple[str, str]], form: list[tuple[str, str]]
) -> None:
    url = "http://a.example/x?" + urlencode(query, quote_via=quote)
    body = urlencode(form).encode()
    service = replace(SERVICE, param_type=placement, signature_method="HMAC-SHA256")
    signed = sign_it(HttpRequest("POST", url, FORM, body), service)
    sent = signed.body.decode() if signed.form is None else urlencode(signed.form)
    headers = dict(signed.headers)
    seen: Any = Request(signed.url, "POST", sent, headers)
    collected = oauthlib_signature.collect_parameters(
        uri_query=signed.url.partition("?")[2],
        body=sent,
        headers=headers,
        exclude_oauth_signature=False,
    )
    seen.signature = dict(collected)["oauth_signature"]
    seen.params = [pair for pair in collected if pair[0] != "oauth_signature"]
    assert oauthlib_signature.verify_hmac_sha256(seen, CLIENT.client_secret, CREDENTIAL.token_secret)


@settings(max_examples=500, deadline=None)
@given(RAW)
def test_raw_queries_are_signed_as_a_server_reads_them(query: str) -> None:
    signed = protocol_parameters(sign_it(HttpRequest("GET", f"https://a.example/x?{query}")))
    signature = signed.pop("oauth_signature")
    pairs = [*parse_qsl(query, keep_blank_values=True), *signed.items()]
    text = oauthlib_signature.signature_base_string(
        "GET", "https://a.example/x", oauthlib_signature.normalize_parameters(pairs)
    )
    holder = SimpleNamespace(client_secret=CLIENT.client_secret, resource_owner_secret=CREDENTIAL.token_secret)
    assert signature == oauthlib_signature.sign_hmac_sha1_with_client(text, holder)
