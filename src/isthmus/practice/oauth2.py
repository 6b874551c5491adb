"""The practice party's OAuth 2 authorization server (RFC 6749, 7636, 7009, 8414, 9207), strict by default."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

from isthmus.practice import consent, garbage
from isthmus.practice.messages import Answer, Request, form_answer, json_answer, redirect, split_pairs
from isthmus.practice.state import (
    ACCOUNT_ID,
    CLIENT_SECRET,
    CLIENTS,
    AccessToken,
    Code,
    Family,
    RefreshToken,
    State,
    draw,
)

CODE_SECONDS = 60


class Refused(Exception):
    """A token request that is answered with an error."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


def metadata(request: Request) -> Answer:
    base = request.origin
    return json_answer(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth2/authorize",
            "token_endpoint": f"{base}/oauth2/token",
            "revocation_endpoint": f"{base}/oauth2/revoke",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


async def authorize(state: State, request: Request) -> Answer:
    """GET shows the consent page (or decides, with `auto`); POST decides."""
    asked = request.query()
    client, callback = asked.get("client_id", ""), asked.get("redirect_uri", "")
    if client not in CLIENTS or not consent.is_callback(callback):
        state.note(request, 400, "invalid_request", client=client)
        return consent.refuse("No such client." if client not in CLIENTS else "This redirect URI is not registered.")
    given = _wrong_request(state, asked)
    if not given:
        decided = await consent.decision(state.dials, request)
        if decided is None:
            state.note(request, 200, "ok", client=client)
            return consent.show(client, _scopes(asked.get("scope", "")))
        given = _decide(state, asked, decided)
    if "state" in asked:
        given["state"] = asked["state"]
    if not state.dials["no_iss"]:
        given["iss"] = "https://somebody-else.example" if state.dials["wrong_iss"] else request.origin
    status = consent.away_status(request)
    state.note(request, status, given.get("error", "ok"), client=client)
    separator = "&" if "?" in callback else "?"
    return redirect(callback + separator + urlencode(given, quote_via=quote), status)


def _wrong_request(state: State, asked: dict[str, str]) -> dict[str, str]:
    """The error to answer to the callback with (RFC 6749 section 4.1.2.1), or nothing."""
    if asked.get("response_type") != "code":
        return {"error": "unsupported_response_type"}
    given = "code_challenge" in asked
    s256 = asked.get("code_challenge_method") == "S256" and len(asked.get("code_challenge", "")) == 43
    if not s256 and (given or state.dials["pkce_required"]):
        return {"error": "invalid_request", "error_description": "PKCE with S256 is required."}
    return {}


def _decide(state: State, asked: dict[str, str], decided: str) -> dict[str, str]:
    if decided == consent.DENY:
        return {"error": "access_denied", "error_description": "The person said no."}
    code = draw("code")
    family = Family(asked["client_id"], decided, _scopes(asked.get("scope", "")))
    state.codes[code] = Code(family, asked["redirect_uri"], asked.get("code_challenge"), time.time())
    return {"code": code}


def _scopes(text: str) -> list[str]:
    return [scope for scope in text.replace(",", " ").split() if scope]


async def token(state: State, request: Request) -> Answer:
    """The token endpoint, with whatever the dials add to it."""
    if request.method != "POST":
        return json_answer({"error": "invalid_request"}, 405, allow="POST")
    state.count("token_calls")
    pairs = await request.form_pairs()
    form = dict(pairs)
    noted = {"grant_type": form.get("grant_type"), "credential": form.get("refresh_token") or form.get("code")}
    imposed = await _impose(state)
    if imposed is not None:
        state.note(request, imposed.status, "dial", **noted)
        return imposed
    try:
        if len(form) != len(pairs):
            raise Refused("invalid_request", "A parameter is repeated.")
        client = _client(request, form)
        document = _grant(state, form, client)
    except Refused as refused:
        state.note(request, refused.status, refused.error, client=form.get("client_id"), **noted)
        return _refusal(refused, in_200=bool(state.dials["error_in_200"]))
    state.note(request, 200, "ok", client=client, **noted)
    if state.dials["lost_answer"]:
        return Answer(lost=True)
    if state.dials["form_encoded"]:
        return form_answer(urlencode(document))
    return json_answer(document, cache_control="no-store")


async def _impose(state: State) -> Answer | None:
    """What a dial answers in place of the token endpoint; the request is then not carried out."""
    spoiled = await spoil(state, "token")
    if spoiled is not None:
        return spoiled
    if state.dials["garbage"]:
        return garbage.answer(state.dials["garbage"])
    if isinstance(state.dials["error_in_200"], str):
        return json_answer({"error": state.dials["error_in_200"]}, cache_control="no-store")
    return None


def _refusal(refused: Refused, *, in_200: bool) -> Answer:
    error = {"error": refused.error, "error_description": refused.description}
    answer = json_answer(error, 200 if in_200 else refused.status, cache_control="no-store")
    if refused.status == 401:
        answer.headers.append(("www-authenticate", 'Basic realm="practice"'))
    return answer


async def spoil(state: State, name: str) -> Answer | None:
    """What the `token` or `api` dial does to a call: slow it down, or answer it with a failure."""
    dial = state.dials[name]
    if not dial:
        return None
    if dial.get("times") is not None:
        if dial["times"] <= 0:
            return None
        dial["times"] -= 1
    if dial.get("until_turned"):
        await state.turned.wait()
    if dial.get("slow_seconds"):
        await asyncio.sleep(float(dial["slow_seconds"]))
    if dial.get("fail_status"):
        answer = json_answer({"error": "temporarily_unavailable"}, int(dial["fail_status"]))
        if dial.get("retry_after") is not None:
            answer.headers.append(("retry-after", str(dial["retry_after"])))
        return answer
    return None


def _client(request: Request, form: dict[str, str]) -> str:
    """The client that authenticated, in the way that is right for it and no other."""
    header = request.headers.get("authorization", "")
    if header.lower().startswith("basic "):
        try:
            user, colon, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Refused("invalid_client", "The Basic header is malformed.", 401) from None
        decoded = unquote_plus(user)
        if CLIENTS.get(decoded) == "basic" and colon:
            user, secret = decoded, unquote_plus(secret)
        if CLIENTS.get(user) not in ("basic", "basic_raw") or "client_secret" in form:
            raise Refused("invalid_client", "This client does not authenticate by Basic.", 401)
        if form.get("client_id", user) != user:
            raise Refused("invalid_client", "The body names another client than the header.", 401)
        return _checked(user, secret)
    client = form.get("client_id", "")
    if CLIENTS.get(client) == "none" and "client_secret" not in form:
        return client
    if CLIENTS.get(client) != "post":
        raise Refused("invalid_client", "This client does not authenticate in the body.", 401)
    return _checked(client, form.get("client_secret", ""))


def _checked(client: str, secret: str) -> str:
    if not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
        raise Refused("invalid_client", "The client secret is wrong.", 401)
    return client


def _grant(state: State, form: dict[str, str], client: str) -> dict[str, Any]:
    grant_type = form.get("grant_type")
    if grant_type == "authorization_code":
        return _redeem_code(state, form, client)
    if grant_type == "refresh_token":
        state.count("refresh_calls")
        return _redeem_refresh(state, form, client)
    if grant_type in ("client_credentials", "account_credentials"):
        if grant_type == "account_credentials" and form.get("account_id") != ACCOUNT_ID:
            raise Refused("invalid_request", "The account id is wrong.")
        if CLIENTS[client] == "none":
            raise Refused("unauthorized_client", "This client has no credentials to show.")
        family = Family(client, "ada", _scopes(form.get("scope", "")))
        return _issue(state, family, with_refresh=False)
    raise Refused("unsupported_grant_type", "This grant type is not offered.")


def _redeem_code(state: State, form: dict[str, str], client: str) -> dict[str, Any]:
    code = state.codes.get(form.get("code", ""))
    if code is None or code.family.client != client or time.time() - code.made_at > CODE_SECONDS:
        raise Refused("invalid_grant", "The code is unknown or has ended.")
    if code.used:
        state.kill(code.family)
        raise Refused("invalid_grant", "The code was used already; its tokens are revoked.")
    if form.get("redirect_uri") != code.redirect_uri:
        raise Refused("invalid_grant", "The redirect URI is another than the one of the authorization.")
    if not code.challenge and "code_verifier" in form:
        raise Refused("invalid_grant", "There is a code verifier, but there was no challenge.")
    if code.challenge:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        expected = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not hmac.compare_digest(expected, code.challenge):
            raise Refused("invalid_grant", "The code verifier does not fit the challenge.")
    code.used = True
    return _issue(state, code.family, with_refresh=True)


def _redeem_refresh(state: State, form: dict[str, str], client: str) -> dict[str, Any]:
    spent = state.refresh.get(form.get("refresh_token", ""))
    if spent is None or spent.family.client != client or spent.family.dead:
        raise Refused("invalid_grant", "The refresh token is unknown or revoked.")
    rotation = state.dials["rotation"]
    if rotation == "keep":
        return _issue(state, spent.family, with_refresh=False)
    if spent.used_at is not None:
        in_grace = rotation == "grace" and time.time() - spent.used_at <= float(state.dials["grace_seconds"])
        if in_grace and spent.successor is not None:
            return spent.successor
        state.count("reuse_detected")
        state.kill(spent.family)
        raise Refused("invalid_grant", "The refresh token was used already; the grant is revoked.")
    spent.used_at = time.time()
    spent.successor = _issue(state, spent.family, with_refresh=True)
    return spent.successor


def _issue(state: State, family: Family, *, with_refresh: bool) -> dict[str, Any]:
    lifetime = state.dials["token_lifetime_seconds"]
    family.scopes = [scope for scope in family.scopes if scope not in state.dials["scope_loss"]]
    access = draw("at")
    state.access[access] = AccessToken(family, None if lifetime is None else time.time() + float(lifetime))
    document: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "scope": " ".join(family.scopes)}
    if lifetime is not None:
        document["expires_in"] = lifetime
    if with_refresh:
        refresh = draw("rt")
        state.refresh[refresh] = RefreshToken(family)
        document["refresh_token"] = refresh
    return document


async def revoke(state: State, request: Request) -> Answer:
    """RFC 7009: an unknown token is answered like a known one; a refresh token takes its whole grant along."""
    if request.method != "POST":
        return json_answer({"error": "invalid_request"}, 405, allow="POST")
    form = dict(await request.form_pairs())
    given = form.get("token", "")
    try:
        client = _client(request, form)
        if not given:
            raise Refused("invalid_request", "There is no token.")
    except Refused as refused:
        state.note(request, refused.status, refused.error, client=form.get("client_id"), credential=given)
        return _refusal(refused, in_200=False)
    spent, access = state.refresh.get(given), state.access.get(given)
    if spent is not None and spent.family.client == client:
        spent.family.dead = True
    if access is not None and access.family.client == client:
        access.dead = True
    state.note(request, 200, "ok", client=client, credential=given)
    return Answer(200, b"", "text/plain")


def bearer(state: State, request: Request) -> tuple[str | None, Family | None]:
    """The token that a request shows (header, query or form) and the grant behind it, if it is good."""
    header = request.headers.get("authorization", "")
    scheme, _, given = header.partition(" ")
    if scheme.lower() not in ("bearer", "token", "oauth") or not given:
        given = dict(split_pairs(request.query_string)).get("access_token", "")
    found = state.access.get(given)
    if found is None or found.dead or found.family.dead:
        return given or None, None
    if found.ends_at is not None and found.ends_at <= time.time():
        return given, None
    return given, found.family
