"""ID tokens: each forgery is refused by itself."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from isthmus.authserver.id_tokens import UnknownKey, judge_id_token
from isthmus.authserver.jose import Unverified

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
EC, RSA = ECKey.generate_key("P-256", {"kid": "ec"}), RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER = ECKey.generate_key("P-256", {"kid": "ec"})
KEYS = [EC.as_dict(private=False), RSA.as_dict(private=False)]
CLAIMS: dict[str, Any] = {
    "iss": "https://login.example",
    "aud": "isthmus",
    "sub": "ada",
    "nonce": "of this attempt",
    "iat": SECONDS,
    "exp": SECONDS + 300,
}
ABSENT = "(absent)"


def judge(token: str, keys: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return judge_id_token(
        token,
        KEYS if keys is None else keys,
        issuer="https://login.example",
        client_id="isthmus",
        nonce="of this attempt",
        now=NOW,
    )


def made(header: dict[str, Any] | None = None, key: Any = EC, **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ABSENT}
    return jwt.encode({"alg": "ES256", "kid": "ec", **(header or {})}, claims, key, algorithms=["ES256", "RS256"])


def bare(header: dict[str, Any], signature: str = "") -> str:
    parts = [urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (header, CLAIMS)]
    return ".".join([*parts, signature])


def symmetric(secret: bytes, kid: str) -> str:
    """Signed with a public key as if that were a shared secret."""
    unsigned = bare({"alg": "HS256", "kid": kid}).removesuffix(".")
    return f"{unsigned}.{urlsafe_b64encode(hmac.digest(secret, unsigned.encode(), 'sha256')).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example/"},
        {"iss": "https://LOGIN.example"},
        {"iss": "https://evil.example"},
        {"iss": ABSENT},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["isthmus", "another"]},
        {"aud": ["isthmus", "another"], "azp": "another"},
        {"aud": "isthmus", "azp": "another"},
        {"aud": ABSENT},
        {"aud": {"isthmus": 1}},
        {"sub": ABSENT},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a" * 256},
        {"sub": "a\nb"},
        {"nonce": "of another attempt"},
        {"nonce": ABSENT},
        {"nonce": ["of this attempt"]},
        {"exp": SECONDS - 61},
        {"exp": ABSENT},
        {"exp": "later"},
        {"exp": True},
        {"iat": SECONDS + 61},
        {"iat": SECONDS - 601},
        {"iat": ABSENT},
        {"nbf": SECONDS + 61},
        {"nbf": "now"},
    ],
    ids=str,
)
def test_a_token_that_is_wrong_in_one_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Unverified):
        judge(made(**changes))


@pytest.mark.parametrize(
    "token",
    [
        bare({"alg": "none"}),
        bare({"alg": "none"}, "e30"),
        bare({"alg": "ES256", "kid": "ec"}),
        bare({"alg": "ES256", "kid": "ec"}, "AAAA"),
        bare({"alg": "ES256", "kid": "ec", "crit": ["exp"]}, "AAAA"),
        made(key=OTHER),
        made({"alg": "RS256"}, key=RSA),
        made({"kid": "rsa"}),
        made({"typ": "at+jwt"}),
        made({"jwk": OTHER.as_dict(private=False)}, key=OTHER),
        symmetric(json.dumps(KEYS[0]).encode(), "ec"),
        symmetric(RSA.as_pem(private=False), "rsa"),
        made()[:-8] + "AAAAAAAA",
        made().replace(".", "..", 1),
        made() + ".e30.e30",
        "",
        "a.b.c",
        "é.é.é",
        "x" * 20_000,
    ],
    ids=lambda token: token[:0],
)
def test_a_token_that_the_issuers_keys_did_not_sign_is_refused(token: str) -> None:
    with pytest.raises(Unverified):
        judge(token)


def test_a_key_that_is_not_published_is_told_apart_so_that_the_keys_are_read_again() -> None:
    with pytest.raises(UnknownKey):
        judge(made({"kid": "new"}))
    with pytest.raises(UnknownKey):
        judge(made(), [])
    with pytest.raises(UnknownKey):
        judge(made(), [{**KEYS[0], "use": "enc"}])


def test_a_key_with_its_private_part_or_too_short_verifies_nothing() -> None:
    with pytest.raises(Unverified):
        judge(made(), [EC.as_dict(private=True)])


@pytest.mark.parametrize(
    "token",
    [
        made(),
        made({"alg": "RS256", "kid": "rsa"}, key=RSA),
        made({"typ": "JWT"}),
        made(aud=["isthmus"]),
        made(aud=["isthmus", "another"], azp="isthmus"),
        made(exp=SECONDS - 59),
        made(iat=SECONDS + 59, nbf=SECONDS + 59),
    ],
    ids=["plain", "rsa", "typ", "list", "party", "just expired", "fast clock"],
)
def test_a_token_for_us_and_this_attempt_is_taken(token: str) -> None:
    assert judge(token)["sub"] == "ada"


def test_without_a_key_id_each_fitting_key_is_tried() -> None:
    first = OTHER.as_dict(private=False)
    token = jwt.encode({"alg": "ES256"}, CLAIMS, EC)
    assert judge(token, [first, *KEYS])["sub"] == "ada"
    with pytest.raises(Unverified):
        judge(token, [first])
