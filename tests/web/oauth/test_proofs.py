from __future__ import annotations

import json
import socket
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from tests.web.console.conftest import Browser, House
from tests.web.oauth.conftest import Application, error_of, register

pytestmark = pytest.mark.anyio

TOKEN_URL = "http://127.0.0.1:8400/oauth/v2/token"
ME = "http://127.0.0.1:8400/api/v1/me"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = "http://127.0.0.1:8400"


def sign(header: dict[str, Any], claims: Any, key: Any) -> str:
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=[header["alg"]])


def encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class Holder:
    """Somebody with a DPoP key."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.nonce: str | None = None
        self.count = 0

    def proof(self, method: str = "POST", url: str = TOKEN_URL, token: str | None = None, **changes: Any) -> str:
        self.count += 1
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(time.time()), "jti": f"{id(self)} {self.count}"}
        if self.nonce is not None:
            claims["nonce"] = self.nonce
        if token is not None:
            claims["ath"] = urlsafe_b64encode(sha256(token.encode()).digest()).decode().rstrip("=")
        header = {
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": self.key.as_dict(private=False),
            **changes.pop("header", {}),
        }
        claims.update(changes)
        return sign(header, {name: value for name, value in claims.items() if value is not None}, self.key)

    async def learn(self, app: Application) -> None:
        answer = await app.token(headers={"DPoP": self.proof()}, grant_type="client_credentials")
        assert error_of(answer) == (400, "use_dpop_nonce")
        self.nonce = answer.headers["dpop-nonce"]

    async def token(self, app: Application) -> str:
        await self.learn(app)
        answer = await app.token(headers={"DPoP": self.proof()}, grant_type="client_credentials")
        assert answer.json()["token_type"] == "DPoP", answer.text
        return str(answer.json()["access_token"])


async def get(app: Application, token: str, *proofs: str, scheme: str = "DPoP") -> Any:
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
    return await app.browser.client.get("/api/v1/me", headers=headers)


# --- DPoP (RFC 9449 §4.3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"htm": "GET"},
        {"htm": None},
        {"htu": "http://127.0.0.1:8400/oauth/v2/other"},
        {"htu": "http://evil.example/oauth/v2/token"},
        {"htu": None},
        {"iat": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"iat": "now"},
        {"iat": None},
        {"jti": None},
        {"jti": ""},
        {"header": {"typ": "JWT"}},
        {"header": {"crit": ["exp"], "exp": 1}},
    ],
)
async def test_a_proof_that_is_not_for_this_request_is_refused(app: Application, wrong: dict[str, Any]) -> None:
    holder = Holder()
    await holder.learn(app)
    try:
        proof = holder.proof(**wrong)
    except Exception:
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": holder.key.as_dict(private=False), **wrong["header"]}
        proof = f"{encoded(header)}.{encoded({})}.AAAA"
    answer = await app.token(headers={"DPoP": proof}, grant_type="client_credentials")
    assert error_of(answer) == (400, "invalid_dpop_proof")


async def test_a_proof_whose_key_or_signature_is_wrong_is_refused(app: Application) -> None:
    holder, other = Holder(), Holder()
    await holder.learn(app)
    good = holder.proof()
    private = {"typ": "dpop+jwt", "alg": "ES256", "jwk": holder.key.as_dict(private=True)}
    shared = OctKey.generate_key(256)
    forged = [
        "nonsense",
        f"{good}.x",
        good[:-4] + "AAAA",
        good.rpartition(".")[0] + ".",
        f"{encoded({'typ': 'dpop+jwt', 'alg': 'none', 'jwk': {}})}.{good.split('.')[1]}.",
        sign(private, {}, holder.key),
        holder.proof(header={"jwk": other.key.as_dict(private=False)}),
        sign({"typ": "dpop+jwt", "alg": "HS256", "jwk": shared.as_dict(private=True)}, {}, shared),
        f"{encoded({'typ': 'dpop+jwt', 'alg': 'ES256'})}.{good.split('.')[1]}.{good.split('.')[2]}",
    ]
    for proof in forged:
        answer = await app.token(headers={"DPoP": proof}, grant_type="client_credentials")
        assert error_of(answer) == (400, "invalid_dpop_proof"), proof


async def test_a_proof_counts_once_and_needs_a_nonce_of_ours(app: Application) -> None:
    holder = Holder()
    await holder.learn(app)
    proof = holder.proof()
    assert (await app.token(headers={"DPoP": proof}, grant_type="client_credentials")).status_code == 200
    again = await app.token(headers={"DPoP": proof}, grant_type="client_credentials")
    assert error_of(again) == (400, "invalid_dpop_proof")
    for nonce in ("made-up", "A" * 60, None):
        answer = await app.token(headers={"DPoP": holder.proof(nonce=nonce)}, grant_type="client_credentials")
        assert error_of(answer) == (400, "use_dpop_nonce")


async def test_a_bound_token_is_worth_nothing_without_its_key(app: Application) -> None:
    holder, thief = Holder(), Holder()
    token = await holder.token(app)
    assert (await get(app, token, scheme="Bearer")).status_code == 401
    assert (await get(app, token)).status_code == 401
    thief.nonce = holder.nonce
    assert (await get(app, token, thief.proof("GET", ME, token))).status_code == 401
    for wrong in (
        holder.proof("POST", ME, token),
        holder.proof("GET", f"{ME}x", token),
        holder.proof("GET", ME),
        holder.proof("GET", ME, token + "x"),
    ):
        answer = await get(app, token, wrong)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("DPoP ")
    fine = holder.proof("GET", ME, token)
    assert (await get(app, token, fine, holder.proof("GET", ME, token))).status_code == 401
    assert (await get(app, token, fine)).status_code == 200
    assert (await get(app, token, fine)).status_code == 401
    stale = await get(app, token, holder.proof("GET", ME, token, nonce=None))
    assert (stale.status_code, "dpop-nonce" in stale.headers) == (401, True)
    assert 'error="use_dpop_nonce"' in stale.headers["www-authenticate"]


async def test_an_unbound_token_is_not_taken_with_a_proof(app: Application) -> None:
    holder = Holder()
    await holder.learn(app)
    token = (await app.token(grant_type="client_credentials")).json()["access_token"]
    assert (await get(app, token, holder.proof("GET", ME, token))).status_code == 401


async def test_a_client_that_must_send_a_proof_gets_nothing_without(house: House) -> None:
    app = await register(house, require_dpop=True)
    answer = await app.token(grant_type="client_credentials")
    assert error_of(answer) == (400, "invalid_dpop_proof")


async def test_code_and_refresh_token_stay_bound_to_the_key(public: Application, ada: Browser) -> None:
    holder, other = Holder(), Holder()
    asked = await public.token(headers={"DPoP": holder.proof()}, grant_type="refresh_token", refresh_token="x")
    holder.nonce = other.nonce = asked.headers["dpop-nonce"]
    code = await public.code(ada, dpop_jkt=holder.key.thumbprint())
    wrong = await public.exchange(code, headers={"DPoP": other.proof()})
    assert error_of(wrong) == (400, "invalid_grant")
    tokens = (await public.exchange(code, headers={"DPoP": holder.proof()})).json()
    for headers in ({}, {"DPoP": other.proof()}):
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert error_of(await public.token(headers=headers, **form)) == (400, "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await public.token(headers={"DPoP": holder.proof()}, **form)).json()["token_type"] == "DPoP"


# --- private_key_jwt (RFC 7523)


class Signer:
    def __init__(self, app: Application, key: Any) -> None:
        self.app = app
        self.key = key
        self.count = 0

    def assertion(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        self.count += 1
        now = int(time.time())
        claims = {
            "iss": self.app.client_id,
            "sub": self.app.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 120,
            "jti": str(self.count),
            **changes,
        }
        chosen = {"alg": "ES256", "kid": "one", **(header or {})}
        return sign(chosen, {name: value for name, value in claims.items() if value is not None}, self.key)

    async def ask(self, assertion: str, **more: Any) -> tuple[int, str]:
        form = {"client_assertion_type": JWT_BEARER, "client_assertion": assertion, **more}
        answer = await self.app.token(grant_type="client_credentials", **form)
        return answer.status_code, answer.json().get("error", "")


@pytest.fixture
async def signer(house: House) -> Signer:
    key = ECKey.generate_key("P-256", {"kid": "one"})
    public = {"keys": [key.as_dict(private=False)]}
    return Signer(await register(house, authentication="private_key_jwt", keys=public), key)


async def test_an_assertion_that_is_not_for_us_is_refused(signer: Signer) -> None:
    now, wrong = int(time.time()), (401, "invalid_client")
    for changes in (
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "https://other.example"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": [ISSUER]},
        {"aud": f"{ISSUER}/oauth/v2/token"},
        {"exp": now - 60},
        {"exp": now + 3600},
        {"exp": None},
        {"exp": "later"},
        {"nbf": now + 3600},
        {"jti": None},
    ):
        assert await signer.ask(signer.assertion(**changes)) == wrong, changes


async def test_forged_assertions_are_refused(signer: Signer) -> None:
    wrong = (401, "invalid_client")
    good = signer.assertion()
    head, claims, signature = good.split(".")
    other = ECKey.generate_key("P-256")
    rsa = RSAKey.generate_key(2048)
    public = signer.key.as_dict(private=False)
    shared = OctKey.import_key(json.dumps(public))
    own = {
        "iss": signer.app.client_id,
        "sub": signer.app.client_id,
        "aud": ISSUER,
        "exp": int(time.time()) + 60,
        "jti": "x",
    }
    forged = [
        f"{encoded({'alg': 'none'})}.{claims}.",
        f"{encoded({'alg': 'None'})}.{claims}.{signature}",
        f"{head}.{claims}.",
        f"{head}.{encoded({**own, 'sub': 'x'})}.{signature}",
        sign({"alg": "HS256"}, own, shared),
        sign({"alg": "ES256", "kid": "one"}, own, other),
        sign({"alg": "ES256", "jwk": other.as_dict(private=False)}, own, other),
        sign({"alg": "ES256", "jku": "http://127.0.0.1:1/keys"}, own, signer.key),
        sign({"alg": "ES256", "x5u": "http://127.0.0.1:1/chain"}, own, signer.key),
        sign({"alg": "ES256", "kid": "../../etc/passwd"}, own, signer.key),
        sign({"alg": "ES256", "kid": "one' or '1'='1"}, own, signer.key),
        sign({"alg": "RS256", "kid": "one"}, own, rsa),
        sign({"alg": "ES256", "kid": "one"}, "text", signer.key),
        f"{encoded({'alg': 'ES256', 'crit': ['x'], 'x': 1})}.{claims}.{signature}",
        "a.b.c.d.e",
    ]
    for assertion in forged:
        assert await signer.ask(assertion) == wrong, assertion[:80]
    assert await signer.ask(good) == (200, "")


async def test_an_assertion_counts_once_and_is_the_only_proof(signer: Signer) -> None:
    assertion = signer.assertion()
    assert await signer.ask(assertion) == (200, "")
    assert await signer.ask(assertion) == (401, "invalid_client")
    assert await signer.ask(signer.assertion(), client_secret="x") == (400, "invalid_request")
    assert await signer.ask(signer.assertion(), client_assertion_type="other") == (401, "invalid_client")
    assert await signer.ask(signer.assertion(), client_id=signer.app.client_id) == (200, "")


@pytest.mark.parametrize("kind", ["RS256", "PS256", "EdDSA", "ES384"])
async def test_each_algorithm_on_offer_works(house: House, kind: str) -> None:
    made: dict[str, Any] = {
        "RS256": lambda: RSAKey.generate_key(2048),
        "PS256": lambda: RSAKey.generate_key(2048),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
        "ES384": lambda: ECKey.generate_key("P-384"),
    }
    key = made[kind]()
    app = await register(house, authentication="private_key_jwt", keys={"keys": [key.as_dict(private=False)]})
    signer = Signer(app, key)
    assert await signer.ask(signer.assertion({"alg": kind})) == (200, "")


# --- access tokens are opaque: no JWT is ever one


async def test_forged_access_tokens_are_refused_alike_and_nobody_is_asked(app: Application, signer: Signer) -> None:
    """Each names a key, an address or an algorithm of the forger's own; none of them is looked at or called."""
    with socket.create_server(("127.0.0.1", 0)) as keys:
        address = f"http://127.0.0.1:{keys.getsockname()[1]}/keys"
        keys.setblocking(False)
        tokens = (await app.token(grant_type="client_credentials")).json()
        bodies = set()
        for token in forged_tokens(signer, address, tokens["access_token"]):
            answer = await app.get("/api/v1/me", token)
            assert answer.status_code == 401, token[:60]
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
            told = answer.json()
            bodies.add((told["code"], told["detail"], told["hint"]))
        assert len(bodies) == 1
        assert await app.is_live(tokens["access_token"])
        with pytest.raises(BlockingIOError):
            keys.accept()


def forged_tokens(signer: Signer, address: str, good: str) -> list[str]:
    """RFC 7515 with every trick of its header, RFC 7516, and opaque tokens that are almost ours."""
    rest = signer.assertion().partition(".")[2]
    public = signer.key.as_dict(private=False)
    shared = OctKey.import_key(json.dumps(public))
    other = ECKey.generate_key("P-256")
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": ISSUER, "sub": "user:x", "exp": now + 60, "jti": "x", "scope": "people.manage"}
    return [
        signer.assertion(),
        f"{encoded({'alg': 'none'})}.{encoded(claims)}.",
        sign({"alg": "HS256", "typ": "at+jwt"}, claims, shared),
        sign({"alg": "ES256", "typ": "at+jwt", "jwk": other.as_dict(private=False)}, claims, other),
        sign({"alg": "ES256", "typ": "at+jwt", "jku": address}, claims, other),
        sign({"alg": "ES256", "typ": "at+jwt", "x5u": address}, claims, other),
        sign({"alg": "ES256", "kid": "../../master.key"}, claims, other),
        sign({"alg": "ES256", "kid": "x' UNION SELECT '1"}, claims, other),
        f"{encoded({'alg': 'ES256', 'crit': ['x'], 'x': 1})}.{rest}",
        sign({"alg": "ES256", "typ": "JWT"}, claims, signer.key),
        sign({"alg": "ES256", "typ": "at+jwt"}, {**claims, "iss": address}, signer.key),
        sign({"alg": "ES256", "typ": "at+jwt"}, {**claims, "aud": "https://other.example"}, signer.key),
        sign({"alg": "ES256", "typ": "at+jwt"}, {**claims, "exp": now - 60}, signer.key),
        sign({"alg": "ES256", "typ": "at+jwt"}, {**claims, "nbf": now + 600}, signer.key),
        f"{encoded({'alg': 'ES256', 'typ': 'at+jwt'})}.{encoded(claims)}.",
        f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..AAAA.AAAA.AAAA",
        "iat_" + "0" * 43 + "_000000",
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.swapcase(),
        good.replace("iat_", "irt_"),
        good.replace("iat_", "isk_"),
        "iat_",
    ]


async def test_a_refresh_token_or_code_opens_nothing(app: Application, ada: Browser) -> None:
    code = await app.code(ada)
    tokens = (await app.exchange(code)).json()
    assert not await app.is_live(tokens["refresh_token"])
    assert not await app.is_live(code)
    assert not await app.is_live(app.secret)
