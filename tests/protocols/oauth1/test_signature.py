import base64
from typing import Any
from urllib.parse import parse_qsl

import pytest
from authlib.oauth1.rfc5849.signature import construct_base_string
from authlib.oauth1.rfc5849.signature import normalize_parameters as authlib_normalize
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth1.rfc5849 import signature as oauthlib_signature
from oauthlib.oauth1.rfc5849.utils import escape as oauthlib_escape

from isthmus.errors import InputError
from isthmus.protocols.oauth1.signature import base_string, base_string_uri, normalize, signature
from isthmus.protocols.urls import encode, query_octets

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Both counterparts have oddities with these names: one drops every `realm`, both unescape `oauth_` values twice.
NAME = TEXT.filter(lambda name: name != "realm" and not name.startswith("oauth_"))
PAIRS = st.lists(st.tuples(NAME, TEXT), max_size=8)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def octets(pairs: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in pairs]


# --- refused


@pytest.mark.parametrize("url", ["", "/path", "ftp://a/b", "https://", "https:///x", "http://a:b/", "http://a:99999/"])
def test_url_that_is_not_absolute_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        base_string_uri(url)
    assert caught.value.field == "url"


def test_unknown_method_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        signature("HMAC-MD5", "text", "a", "b")
    assert caught.value.field == "signature_method"


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "not a key",
        PEM.replace("A", "B"),
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
    ],
)
def test_key_that_cannot_be_read_is_refused_without_showing_it(pem: str) -> None:
    with pytest.raises(InputError) as caught:
        signature("RSA-SHA1", "text", pem, "")
    assert caught.value.field == "client_secret"
    assert caught.value.__cause__ is None
    assert "PRIVATE" not in caught.value.message


# --- RFC 5849


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        # The two examples of 3.4.1.2.
        ("http://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"),
        ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://a.example:443/x", "http://a.example:443/x"),
        ("https://a.example:80/x", "https://a.example:80/x"),
        ("https://a.example:/x", "https://a.example/x"),
        ("HTTPS://A.example/%7Eb/%2f;p=1", "https://a.example/%7Eb/%2f;p=1"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example?x=1", "https://a.example/"),
        ("https://u:p@a.example:8443/x#f", "https://a.example:8443/x"),
        ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]/x"),
        ("https://[2001:db8::1]:444/x", "https://[2001:db8::1]:444/x"),
        ("https://a.example/é x", "https://a.example/%C3%A9%20x"),
    ],
)
def test_base_string_uri(url: str, uri: str) -> None:
    assert base_string_uri(url) == uri


def test_base_string_is_the_printed_one_of_3_4_1_1() -> None:
    parameters = [
        *query_octets("b5=%3D%253D&a3=a&c%40=&a2=r%20b"),
        (b"oauth_consumer_key", b"9djdj82h48djs9d2"),
        (b"oauth_token", b"kkk9d7dh3k39sjv7"),
        (b"oauth_signature_method", b"HMAC-SHA1"),
        (b"oauth_timestamp", b"137131201"),
        (b"oauth_nonce", b"7d8f3e4a"),
        *query_octets("c2&a3=2+q"),
    ]
    assert normalize(parameters) == (
        "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&c2=&oauth_consumer_key=9djdj82h48djs9d2&oauth_nonce=7d8f3e4a"
        "&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_token=kkk9d7dh3k39sjv7"
    )
    assert base_string("post", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", parameters) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540"
        "%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method"
        "%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.parametrize(
    ("method", "url", "token", "token_secret", "timestamp", "nonce", "extra", "expected"),
    [
        (
            "POST",
            "https://photos.example.net/initiate",
            None,
            "",
            "137131200",
            "wIjqoS",
            {"oauth_callback": "http://printer.example.com/ready"},
            "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
        ),
        (
            "POST",
            "https://photos.example.net/token",
            "hh5s93j4hdidpola",
            "hdhd0244k9j7ao03",
            "137131201",
            "walatlh",
            {"oauth_verifier": "hfdp7dh39dks9884"},
            "gKgrFCywp7rO0OXSjdot/IHF7IU=",
        ),
        (
            "GET",
            "http://photos.example.net/photos?file=vacation.jpg&size=original",
            "nnch734d00sl2jdk",
            "pfkkdhi9sl3r4s00",
            "137131202",
            "chapoH",
            {},
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        ),
    ],
)
def test_signatures_are_those_of_1_2(
    method: str,
    url: str,
    token: str | None,
    token_secret: str,
    timestamp: str,
    nonce: str,
    extra: dict[str, str],
    expected: str,
) -> None:
    own = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": timestamp,
        "oauth_nonce": nonce,
        **({"oauth_token": token} if token else {}),
        **extra,
    }
    parameters = [*parse_qsl(url.partition("?")[2]), *own.items()]
    text = base_string(method, url, octets(parameters))
    assert signature("HMAC-SHA1", text, "kd94hf93k423kf44", token_secret) == expected


def test_plaintext_is_that_of_3_4_4() -> None:
    assert signature("PLAINTEXT", "", "djr9rjt0jd78jf88", "jjd999tj88uiths3") == "djr9rjt0jd78jf88&jjd999tj88uiths3"
    assert signature("PLAINTEXT", "", "djr9rjt0jd78jf88", "jjd99$tj88uiths3") == "djr9rjt0jd78jf88&jjd99%24tj88uiths3"
    assert signature("PLAINTEXT", "", "djr9rjt0jd78jf88", "") == "djr9rjt0jd78jf88&"


# --- against second implementations


@settings(max_examples=2000, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encoding_agrees_with_a_second_implementation(text: str) -> None:
    assert encode(text) == oauthlib_escape(text)


@settings(max_examples=500, deadline=None)
@given(PAIRS)
def test_normalization_agrees_with_two_other_implementations(pairs: list[tuple[str, str]]) -> None:
    ours = normalize(octets(pairs))
    assert ours == oauthlib_signature.normalize_parameters(pairs)
    assert ours == authlib_normalize(pairs)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(["get", "POST", "PROPFIND"]),
    st.sampled_from(["http", "https", "HTTP"]),
    st.from_regex(r"[A-Za-z0-9]{1,8}(\.[A-Za-z0-9]{1,8}){0,2}", fullmatch=True),
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.from_regex(r"(/[A-Za-z0-9._~%,@!$'()*+-]{0,8}){0,3}", fullmatch=True),
    PAIRS,
)
def test_base_string_agrees_with_two_other_implementations(
    method: str, scheme: str, host: str, port: str, path: str, pairs: list[tuple[str, str]]
) -> None:
    # A name that is a number is an address to one of them, and rewritten as such.
    url = f"{scheme}://x{host}{port}{path}"
    ours = base_string(method, url, octets(pairs))
    uri = oauthlib_signature.base_string_uri(url)
    theirs = oauthlib_signature.signature_base_string(method, uri, oauthlib_signature.normalize_parameters(pairs))
    assert ours == theirs
    assert ours == construct_base_string(method, url, pairs)


@settings(max_examples=500, deadline=None)
@given(TEXT, TEXT, st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_hmac_agrees_with_a_second_implementation(client_secret: str, token_secret: str, text: str) -> None:
    for method, theirs in (
        ("HMAC-SHA1", oauthlib_signature.sign_hmac_sha1_with_client),
        ("HMAC-SHA256", oauthlib_signature.sign_hmac_sha256_with_client),
    ):
        holder: Any = type("Holder", (), {"client_secret": client_secret, "resource_owner_secret": token_secret})()
        assert signature(method, text, client_secret, token_secret) == theirs(text, holder)


def test_rsa_is_verified_with_the_public_key() -> None:
    signed = base64.b64decode(signature("RSA-SHA1", "text to sign", PEM, "plays no part"))
    KEY.public_key().verify(signed, b"text to sign", PKCS1v15(), SHA1())


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=6), st.binary(max_size=6)), max_size=6))
def test_octets_that_are_no_text_survive(pairs: list[tuple[bytes, bytes]]) -> None:
    query = "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)
    assert query_octets(query) == pairs
