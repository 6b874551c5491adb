"""The practice party's OAuth 1.0a server, driven by oauthlib; what it refuses comes first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth1 import Client as Signer
from requests_oauthlib import OAuth1Session
from tests.practice.caller import CALLBACK, call, query_of
from tests.practice_server import PracticeServer

CONSUMER = "practice-consumer"
CONSUMER_SECRET = "c0ns+mer/=:&% s"
METHODS = ("HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT", "RSA-SHA1")
PLACES = ("AUTH_HEADER", "QUERY", "BODY")


def make_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@pytest.fixture(scope="module")
def rsa_pair() -> tuple[str, str]:
    return make_pair()


@dataclass
class Grant:
    key: str
    secret: str


def sign(
    practice: PracticeServer, path: str, method: str = "POST", body: Any = None, **options: Any
) -> requests.Response:
    """One request signed by oauthlib."""
    options = {"client_secret": CONSUMER_SECRET, **options}
    signer = Signer(options.pop("consumer", CONSUMER), **options)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
    url, signed, data = signer.sign(practice.url + path, method, body, headers)
    return call(method, url, headers=signed, data=data)


def tokens_of(answer: requests.Response) -> Grant:
    assert answer.status_code == 200, answer.text
    given = dict(parse_qsl(answer.text))
    return Grant(given["oauth_token"], given["oauth_token_secret"])


def connect(practice: PracticeServer, account: str = "ada", **options: Any) -> Grant:
    first = tokens_of(sign(practice, "/oauth1/temporary", callback_uri=CALLBACK, **options))
    given = query_of(practice.approve(authorize_url(practice, first), account=account))
    more = {"resource_owner_key": first.key, "resource_owner_secret": first.secret}
    return tokens_of(sign(practice, "/oauth1/token", verifier=given["oauth_verifier"], **more, **options))


def authorize_url(practice: PracticeServer, temporary: Grant) -> str:
    return f"{practice.url}/oauth1/authorize?oauth_token={temporary.key}"


def me(practice: PracticeServer, grant: Grant, path: str = "/oauth1/api/me", **options: Any) -> requests.Response:
    options = {"resource_owner_key": grant.key, "resource_owner_secret": grant.secret, "method": "GET", **options}
    return sign(practice, path, **options)


def problem(answer: requests.Response) -> str:
    if answer.headers["content-type"] == "application/json":
        assert answer.json()["error"] == "invalid_token"
        return str(answer.json()["oauth_problem"])
    return dict(parse_qsl(answer.text))["oauth_problem"]


# --- Refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"consumer": "nobody"}, "consumer_key_unknown"),
        ({"client_secret": "wrong"}, "signature_invalid"),
        ({"client_secret": "wrong", "signature_method": "HMAC-SHA256"}, "signature_invalid"),
        ({"signature_method": "PLAINTEXT"}, "signature_method_rejected"),
        ({"signature_method": "HMAC-SHA512"}, "signature_method_rejected"),
        ({"consumer": "practice-rsa"}, "signature_method_rejected"),
        ({"timestamp": str(int(time.time()) - 3600)}, "timestamp_refused"),
        ({"timestamp": str(int(time.time()) + 3600)}, "timestamp_refused"),
        ({"timestamp": "soon"}, "parameter_absent"),
        ({"nonce": ""}, "parameter_absent"),
        ({"callback_uri": "http://127.0.0.1:9/elsewhere"}, "parameter_rejected"),
        ({"callback_uri": None}, "parameter_absent"),
    ],
)
def test_temporary_credentials_are_refused(practice: PracticeServer, options: dict[str, Any], word: str) -> None:
    answer = sign(practice, "/oauth1/temporary", **{"callback_uri": CALLBACK, **options})
    assert problem(answer) == word
    assert "oauth_token" not in answer.text
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("OAuth")


def test_a_request_without_oauth_is_refused(practice: PracticeServer) -> None:
    assert problem(call("POST", f"{practice.url}/oauth1/temporary")) == "parameter_absent"
    assert problem(call("GET", f"{practice.url}/oauth1/api/me")) == "token_rejected"


def test_a_repeated_oauth_parameter_is_refused(practice: PracticeServer) -> None:
    answer = sign(practice, "/oauth1/temporary?oauth_callback=http://x/oauth/callback/y", callback_uri=CALLBACK)
    assert problem(answer) == "parameter_rejected"


def test_a_nonce_is_taken_once(practice: PracticeServer) -> None:
    grant = connect(practice)
    once = {"nonce": "only-once", "timestamp": str(int(time.time()))}
    assert me(practice, grant, **once).status_code == 200
    assert problem(me(practice, grant, **once)) == "nonce_used"
    assert practice.counters()["unauthorized"] == 1


def test_a_nonce_with_a_wrong_signature_is_not_spent(practice: PracticeServer) -> None:
    grant = connect(practice)
    once = {"nonce": "only-once", "timestamp": str(int(time.time()))}
    assert problem(me(practice, grant, client_secret="wrong", **once)) == "signature_invalid"
    assert me(practice, grant, **once).status_code == 200


@pytest.mark.parametrize("place", PLACES)
def test_what_was_changed_after_signing_is_refused(practice: PracticeServer, place: str) -> None:
    grant = connect(practice)
    signer = Signer(CONSUMER, CONSUMER_SECRET, grant.key, grant.secret, signature_type=place)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url, headers, body = signer.sign(f"{practice.url}/oauth1/api/items?q=1", "POST", "name=one", form)
    changes = [
        ("PUT", url, body),
        ("POST", url.replace("q=1", "q=2"), body),
        ("POST", url + "&more=1", body),
        ("POST", url.replace("/items", "/echo"), body),
        ("POST", url, body.replace("name=one", "name=two")),
    ]
    for changed_method, changed_url, changed_body in changes:
        answer = call(changed_method, changed_url, headers=headers, data=changed_body)
        assert problem(answer) == "signature_invalid", (changed_method, changed_url)
    assert call("POST", url, headers=headers, data=body).status_code == 201


def test_the_token_needs_consent_and_its_verifier(practice: PracticeServer) -> None:
    first = tokens_of(sign(practice, "/oauth1/temporary", callback_uri=CALLBACK))
    more: dict[str, Any] = {"resource_owner_key": first.key, "resource_owner_secret": first.secret}
    assert problem(sign(practice, "/oauth1/token", **more)) == "verifier_invalid"
    given = query_of(practice.approve(authorize_url(practice, first)))
    assert problem(sign(practice, "/oauth1/token", **more)) == "verifier_invalid"
    assert problem(sign(practice, "/oauth1/token", verifier="made up", **more)) == "verifier_invalid"
    tokens_of(sign(practice, "/oauth1/token", verifier=given["oauth_verifier"], **more))
    again = sign(practice, "/oauth1/token", verifier=given["oauth_verifier"], **more)
    assert problem(again) == "token_rejected"


def test_another_consumer_cannot_use_the_credentials(practice: PracticeServer, rsa_pair: tuple[str, str]) -> None:
    private, public = rsa_pair
    practice.dials(rsa_public_key=public)
    other = {"consumer": "practice-rsa", "signature_method": "RSA-SHA1", "rsa_key": private}
    first = tokens_of(sign(practice, "/oauth1/temporary", callback_uri=CALLBACK))
    verifier = query_of(practice.approve(authorize_url(practice, first)))["oauth_verifier"]
    answer = sign(practice, "/oauth1/token", verifier=verifier, resource_owner_key=first.key, **other)
    assert problem(answer) == "consumer_key_rejected"
    assert problem(me(practice, connect(practice), **other)) == "consumer_key_rejected"


def test_a_signature_by_another_key_is_refused(practice: PracticeServer, rsa_pair: tuple[str, str]) -> None:
    practice.dials(rsa_public_key=rsa_pair[1])
    mine = {"consumer": "practice-rsa", "signature_method": "RSA-SHA1", "rsa_key": make_pair()[0]}
    answer = sign(practice, "/oauth1/temporary", callback_uri=CALLBACK, **mine)
    assert problem(answer) == "signature_invalid"


def test_a_denial_ends_the_temporary_credentials(practice: PracticeServer) -> None:
    first = tokens_of(sign(practice, "/oauth1/temporary", callback_uri=CALLBACK))
    given = query_of(practice.approve(authorize_url(practice, first), decision="deny"))
    assert given == {"denied": first.key}
    assert call("GET", authorize_url(practice, first)).status_code == 400


# --- What a standard client gets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_a_standard_client_connects_and_calls(
    practice: PracticeServer, rsa_pair: tuple[str, str], method: str, place: str
) -> None:
    private, public = rsa_pair
    practice.dials(rsa_public_key=public, plaintext=True)
    options: dict[str, Any] = {"signature_method": method, "signature_type": place}
    if method == "RSA-SHA1":
        options |= {"consumer": "practice-rsa", "rsa_key": private}
    grant = connect(practice, "grace", **{**options, "body": "" if place == "BODY" else None})
    answer = me(practice, grant, **{**options, "signature_type": "QUERY" if place == "BODY" else place})
    assert answer.json()["login"] == "grace"


def test_requests_oauthlib_does_the_whole_dance(practice: PracticeServer) -> None:
    session = OAuth1Session(CONSUMER, CONSUMER_SECRET, callback_uri=CALLBACK)
    session.trust_env = False
    asked = session.fetch_request_token(f"{practice.url}/oauth1/temporary", realm=["practice"])
    assert asked["oauth_callback_confirmed"] == "true"
    session.parse_authorization_response(
        practice.approve(session.authorization_url(f"{practice.url}/oauth1/authorize"))
    )
    session.fetch_access_token(f"{practice.url}/oauth1/token")
    awkward = {"b": "2 +%&=~", "a": "ä€", "a b": ""}
    answer = session.post(
        f"{practice.url}/oauth1/api/echo/x%2Fy%20z;v", params={**awkward, "c": ["2", "1"]}, data=awkward
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["path"] == "/oauth1/api/echo/x%2Fy%20z;v"
    assert session.put(f"{practice.url}/oauth1/api/echo", json={"name": "ä"}).status_code == 200


def test_the_realm_is_not_signed(practice: PracticeServer) -> None:
    assert me(practice, connect(practice), realm="any, realm").status_code == 200


def test_auto_decides_at_once(practice: PracticeServer) -> None:
    first = tokens_of(sign(practice, "/oauth1/temporary", callback_uri=CALLBACK))
    answer = call("GET", authorize_url(practice, first) + "&auto=ada")
    assert answer.status_code == 302
    assert set(query_of(answer.headers["location"])) == {"oauth_token", "oauth_verifier"}


# --- Dials -------------------------------------------------------------------------------------------------------


def test_the_clock_can_be_wrong_and_tells_so_in_its_date(practice: PracticeServer) -> None:
    grant = connect(practice)
    practice.dials(clock_skew_seconds=7200)
    answer = me(practice, grant)
    assert problem(answer) == "timestamp_refused"
    skew = parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()
    assert 7190 < skew < 7210
    assert me(practice, grant, timestamp=str(int(time.time() + skew))).status_code == 200


def test_the_callback_can_stay_unconfirmed(practice: PracticeServer) -> None:
    practice.dials(callback_confirmed=False)
    answer = sign(practice, "/oauth1/temporary", callback_uri=CALLBACK)
    tokens_of(answer)
    assert "oauth_callback_confirmed" not in answer.text


def test_plaintext_is_taken_by_dial_only(practice: PracticeServer) -> None:
    practice.dials(plaintext=True)
    plain = {"signature_method": "PLAINTEXT", "callback_uri": CALLBACK}
    assert sign(practice, "/oauth1/temporary", **plain).status_code == 200
    assert problem(sign(practice, "/oauth1/temporary", client_secret="wrong", **plain)) == "signature_invalid"


def test_revoked_by_dial(practice: PracticeServer) -> None:
    grant = connect(practice)
    practice.dials(revoke_all=True)
    assert problem(me(practice, grant)) == "token_rejected"
