"""JWTs of ours: keys that do not fit are refused, and what is signed verifies with an independent library."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt as independent
from joserfc.jwk import OctKey, import_key

from isthmus.errors import InputError
from isthmus.expressions import Moment
from isthmus.protocols.jwt import algorithm_of, claims_of, signed_jwt
from isthmus.protocols.oauth2.clients import JWT_BEARER, authenticate
from isthmus.records import ClientCredentials, Jwt, Service

NOW = Moment(1_700_000_000, "noise")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
EC384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
SERVICE = Service("acme", "Acme", "oauth2", access_token_url="https://acme.example.com/token")


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def verified(token: str, key: bytes, algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Claims and header, by an independent library."""
    kinds = {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
    kind = kinds[algorithm[:2]]
    read = independent.decode(
        token, OctKey.import_key(key) if kind == "oct" else import_key(key, kind), algorithms=[algorithm]
    )
    return dict(read.claims), dict(read.header)


@pytest.mark.parametrize(
    ("algorithm", "key", "encoding"),
    [
        ("RS256", "not a key", "text"),
        ("RS256", pem(EC), "text"),
        ("ES256", pem(RSA), "text"),
        ("ES256", pem(EC384), "text"),
        ("EdDSA", pem(EC), "text"),
        ("RS256", pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "text"),
        ("HS256", "zz", "hex"),
        ("HS256", "é", "base64"),
    ],
)
def test_a_key_that_does_not_fit_is_refused_and_not_shown(algorithm: str, key: str, encoding: Any) -> None:
    with pytest.raises(InputError) as caught:
        signed_jwt(Jwt(algorithm, "${key}", encoding), {"key": key}, NOW)
    assert caught.value.code == "key_malformed"
    assert key not in caught.value.message


@pytest.mark.parametrize(
    ("algorithm", "private", "verifier"),
    [
        ("HS256", "a shared secret", b"a shared secret"),
        ("HS512", "a shared secret", b"a shared secret"),
        ("RS256", pem(RSA), public(RSA)),
        ("PS256", pem(RSA), public(RSA)),
        ("ES256", pem(EC), public(EC)),
        ("ES384", pem(EC384), public(EC384)),
        ("EdDSA", pem(ED), public(ED)),
    ],
)
def test_what_is_signed_verifies_elsewhere(algorithm: str, private: str, verifier: bytes) -> None:
    jwt = Jwt(
        algorithm,
        "${file.key}",
        header={"kid": "${kid}"},
        claims={"iss": "${kid}", "aud": ["https://acme.example.com"], "nbf": "${now('seconds', -5)}"},
        seconds=60,
    )
    token = signed_jwt(jwt, {"file": json.dumps({"key": private}), "kid": "k1"}, NOW)
    claims, head = verified(token, verifier, algorithm)
    assert claims == {
        "iat": 1_700_000_000,
        "exp": 1_700_000_060,
        "iss": "k1",
        "aud": ["https://acme.example.com"],
        "nbf": 1_699_999_995,
    }
    assert head["kid"] == "k1"
    assert claims_of(token) == claims


def test_a_key_in_hex_is_the_octets() -> None:
    token = signed_jwt(Jwt("HS256", "${key}", "hex"), {"key": b"a shared secret".hex()}, NOW)
    assert verified(token, b"a shared secret", "HS256")[0]["iat"] == 1_700_000_000


def test_a_pasted_key_with_its_line_breaks_written_out_is_read() -> None:
    escaped = pem(RSA).replace("\n", "\\n")
    token = signed_jwt(Jwt("RS256", "${key}"), {"key": escaped}, NOW)
    assert verified(token, public(RSA), "RS256")[0]["iat"] == 1_700_000_000


def test_the_usual_algorithm_is_known_by_the_key() -> None:
    keys = {"RS256": RSA, "ES256": EC, "ES384": EC384, "EdDSA": ED}
    assert [algorithm_of(pem(key).encode()) for key in keys.values()] == list(keys)


@pytest.mark.parametrize("token", [None, 5, "", "a.b", "a.b.c", "a.!!.c", f"a.{base64.b64encode(b'[1]').decode()}.c"])
def test_what_is_no_jwt_has_no_claims(token: Any) -> None:
    assert claims_of(token) is None


def test_private_key_jwt_shows_the_client_by_a_signed_assertion() -> None:
    service = replace(SERVICE, client_authentication="private_key_jwt")
    shown = authenticate(
        service, ClientCredentials("c1", pem(RSA)), moment=NOW, audience="https://acme.example.com/token"
    )
    sent = dict(shown.parameters)
    assert (sent["client_id"], sent["client_assertion_type"]) == ("c1", JWT_BEARER)
    claims, _ = verified(sent["client_assertion"], public(RSA), "RS256")
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("c1", "c1", "https://acme.example.com/token")
    assert claims["jti"]
    assert claims["exp"] - claims["iat"] <= 300


def test_a_client_secret_may_be_a_jwt_signed_with_what_is_kept() -> None:
    jwt = Jwt("ES256", "${client_secret}", header={"kid": "k1"}, claims={"sub": "${client_id}"})
    service = replace(SERVICE, client_authentication="post", client_jwt=jwt)
    shown = authenticate(service, ClientCredentials("c1", pem(EC)), moment=NOW)
    assert verified(dict(shown.parameters)["client_secret"], public(EC), "ES256")[0]["sub"] == "c1"
