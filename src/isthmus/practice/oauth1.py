"""The practice party's OAuth 1.0a server: verifies signatures octet by octet, as RFC 5849 section 3.4 describes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from urllib.parse import quote, unquote, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from isthmus.practice import consent
from isthmus.practice.messages import Answer, Pairs, Request, form_answer, redirect
from isthmus.practice.state import CONSUMER_SECRET, State, Temporary, Token1, draw

WINDOW_SECONDS = 300
_UNRESERVED = "-._~"
_HEADER_PARAMETER = re.compile(r'(?:^|,)\s*([^=\s,"]+)="([^"]*)"')
_CONSUMER = "practice-consumer"
_RSA_CONSUMER = "practice-rsa"
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


class Refused(Exception):
    """A request whose signature or parameters are not accepted."""

    def __init__(self, problem: str, status: int = 401) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status

    def answer(self) -> Answer:
        answer = form_answer(urlencode({"oauth_problem": self.problem}), self.status)
        if self.status == 401:
            answer.headers.append(("www-authenticate", 'OAuth realm="practice"'))
        return answer


async def temporary(state: State, request: Request) -> Answer:
    """Temporary credentials (section 2.1)."""
    try:
        given = await verify(state, request, token_secret="")
        if "oauth_callback" not in given:
            raise Refused("parameter_absent", 400)
        if not consent.is_callback(given["oauth_callback"]):
            raise Refused("parameter_rejected", 400)
    except Refused as refused:
        state.note(request, refused.status, refused.problem)
        return refused.answer()
    token = draw("tmp")
    consumer = given["oauth_consumer_key"]
    state.temporary[token] = Temporary(consumer, _draw_secret(), given["oauth_callback"])
    fields = {"oauth_token": token, "oauth_token_secret": state.temporary[token].secret}
    if state.dials["callback_confirmed"]:
        fields["oauth_callback_confirmed"] = "true"
    state.note(request, 200, "ok", client=consumer)
    return form_answer(urlencode(fields))


async def authorize(state: State, request: Request) -> Answer:
    """The person's consent (section 2.2)."""
    named = request.query().get("oauth_token", "")
    pending = state.temporary.get(named)
    if pending is None:
        state.note(request, 400, "token_rejected")
        return consent.refuse("The temporary token is unknown.")
    decided = await consent.decision(state.dials, request)
    if decided is None:
        state.note(request, 200, "ok", client=pending.consumer)
        return consent.show(pending.consumer)
    if decided == consent.DENY:
        del state.temporary[named]
        given = {"denied": named}
    else:
        pending.account, pending.verifier = decided, draw("verifier")
        given = {"oauth_token": named, "oauth_verifier": pending.verifier}
    status = consent.away_status(request)
    state.note(request, status, "access_denied" if "denied" in given else "ok", client=pending.consumer)
    separator = "&" if "?" in pending.callback else "?"
    return redirect(f"{pending.callback}{separator}{urlencode(given)}", status)


async def token(state: State, request: Request) -> Answer:
    """Token credentials (section 2.3). The temporary ones end with it."""
    try:
        named = dict(await _all_parameters(request)).get("oauth_token", "")
        pending = state.temporary.get(named)
        if pending is None:
            raise Refused("token_rejected")
        given = await verify(state, request, token_secret=pending.secret)
        if given["oauth_consumer_key"] != pending.consumer:
            raise Refused("consumer_key_rejected")
        if pending.verifier is None or not hmac.compare_digest(
            given.get("oauth_verifier", "").encode(), pending.verifier.encode()
        ):
            raise Refused("verifier_invalid")
    except Refused as refused:
        state.note(request, refused.status, refused.problem)
        return refused.answer()
    del state.temporary[named]
    key = draw("token")
    state.tokens1[key] = Token1(pending.consumer, _draw_secret(), pending.account or "ada")
    state.note(request, 200, "ok", client=pending.consumer)
    return form_answer(urlencode({"oauth_token": key, "oauth_token_secret": state.tokens1[key].secret}))


def _draw_secret() -> str:
    """A secret that shows at once when somebody forgets to encode it."""
    return draw("secret") + "/+=&% s"


async def resource_owner(state: State, request: Request) -> tuple[str, str]:
    """The token and account of a signed API call. Raises Refused."""
    named = dict(await _all_parameters(request)).get("oauth_token", "")
    known = state.tokens1.get(named)
    if known is None:
        raise Refused("token_rejected")
    given = await verify(state, request, token_secret=known.secret)
    if given["oauth_consumer_key"] != known.consumer:
        raise Refused("consumer_key_rejected")
    return named, known.account


async def verify(state: State, request: Request, *, token_secret: str) -> dict[str, str]:
    """The request's oauth_ parameters, if its signature is good. Raises Refused."""
    parameters = await _all_parameters(request)
    given = {name: value for name, value in parameters if name.startswith("oauth_")}
    if len(given) != sum(1 for name, _ in parameters if name.startswith("oauth_")):
        raise Refused("parameter_rejected", 400)
    for name in ("oauth_signature_method", "oauth_consumer_key", "oauth_signature"):
        if name not in given:
            raise Refused("parameter_absent", 400)
    if given.get("oauth_version", "1.0") != "1.0":
        raise Refused("version_rejected", 400)
    if given["oauth_consumer_key"] not in (_CONSUMER, _RSA_CONSUMER):
        raise Refused("consumer_key_unknown")
    if not _is_allowed(state, request, given):
        raise Refused("signature_method_rejected", 400)
    base = _base_string(request, [pair for pair in parameters if pair[0] != "oauth_signature"])
    key = f"{_encode(CONSUMER_SECRET)}&{_encode(token_secret)}"
    await _check_body_hash(state, request, given)
    if not _signature_is_good(state, given["oauth_signature_method"], given["oauth_signature"], base, key):
        raise Refused("signature_invalid")
    if given["oauth_signature_method"] != "PLAINTEXT":
        _check_freshness(state, given)
    return given


async def _check_body_hash(state: State, request: Request, given: dict[str, str]) -> None:
    """The hash of a body that is no form, where one was sent; by dial, it has to be (the body hash extension)."""
    told, body = given.get("oauth_body_hash"), await request.body()
    if told is None and (request.is_form or not body or not state.dials["body_hash_required"]):
        return
    digest = _HASHES.get(given["oauth_signature_method"], hashlib.sha1)(body).digest()
    if request.is_form or told != base64.b64encode(digest).decode():
        raise Refused("body_hash_invalid")


def _is_allowed(state: State, request: Request, given: dict[str, str]) -> bool:
    """Each consumer signs in its own way; PLAINTEXT only here at home, and by dial."""
    method = given["oauth_signature_method"]
    if given["oauth_consumer_key"] == _RSA_CONSUMER:
        return method == "RSA-SHA1" and bool(state.dials["rsa_public_key"])
    if method == "PLAINTEXT":
        at_home = request.headers.get("host", "").partition(":")[0] in ("127.0.0.1", "localhost")
        return bool(state.dials["plaintext"]) and at_home
    return method in _HASHES


def _check_freshness(state: State, given: dict[str, str]) -> None:
    """Timestamp near our time, nonce never seen (section 3.3); asked only once the signature is known to be good."""
    timestamp, nonce = given.get("oauth_timestamp", ""), given.get("oauth_nonce", "")
    if not (timestamp.isascii() and timestamp.isdigit()) or not nonce:
        raise Refused("parameter_absent", 400)
    if abs(int(timestamp) - state.now()) > WINDOW_SECONDS:
        raise Refused("timestamp_refused")
    used = (given["oauth_consumer_key"], timestamp, nonce)
    if used in state.nonces:
        raise Refused("nonce_used")
    state.nonces.add(used)


def _signature_is_good(state: State, method: str, signature: str, base: str, key: str) -> bool:
    if method == "PLAINTEXT":
        return hmac.compare_digest(signature.encode(), key.encode())
    if method == "RSA-SHA1":
        return _rsa_is_good(state.dials["rsa_public_key"], signature, base)
    digest = hmac.new(key.encode(), base.encode(), _HASHES[method]).digest()
    return hmac.compare_digest(signature.encode(), base64.b64encode(digest))


def _rsa_is_good(pem: str, signature: str, base: str) -> bool:
    public = load_pem_public_key(pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    try:
        public.verify(base64.b64decode(signature, validate=True), base.encode(), padding.PKCS1v15(), hashes.SHA1())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


async def _all_parameters(request: Request) -> Pairs:
    """Header (without realm), query and form, decoded, duplicates kept (section 3.4.1.3.1)."""
    pairs: Pairs = []
    header = request.headers.get("authorization", "")
    if header[:6].lower() == "oauth ":
        for name, value in _HEADER_PARAMETER.findall(header[6:]):
            if name.lower() != "realm":
                pairs.append((unquote(name), unquote(value)))
    pairs += _decode(request.query_string)
    if request.is_form:
        pairs += _decode((await request.body()).decode("latin-1"))
    return pairs


def _decode(text: str) -> Pairs:
    pairs: Pairs = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote(name.replace("+", " ")), unquote(value.replace("+", " "))))
    return pairs


def _base_string(request: Request, parameters: Pairs) -> str:
    scheme = request.scope.get("scheme", "http")
    host = request.headers.get("host", "").lower()
    default = ":443" if scheme == "https" else ":80"
    uri = f"{scheme}://{host.removesuffix(default)}{request.raw_path}"
    encoded = sorted((_encode(name), _encode(value)) for name, value in parameters)
    normalized = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join((request.method.upper(), _encode(uri), _encode(normalized)))


def _encode(text: str) -> str:
    return quote(text, safe=_UNRESERVED)
