"""Signed webhooks: the vendors' own examples and libraries, and everything that has to be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.signature import SignatureVerifier
from stripe import WebhookSignature

from isthmus.protocols.webhooks import STYLES, TOLERANCE_SECONDS, judge_signature

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"id": 7, "text": "gr\xc3\xbc\xc3\x9fe"}'
SECRET = b"a secret that both sides know"

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GITHUB = (b"It's a Secret to Everybody", b"Hello, World!")
GITHUB_HEADER = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

# https://docs.slack.dev/authentication/verifying-requests-from-slack
SLACK_SECRET = b"8f742231b10e8888abcd99yyyzzz85a5"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_STAMP = "1531420618"
SLACK_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def sign(style: str, secret: bytes = SECRET, body: bytes = BODY, stamp: str = STAMP) -> dict[str, str]:
    """The headers that a sender of this style adds, made with the vendor's library where there is one."""
    if style == "github":
        return {"x-hub-signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()}
    if style == "slack":
        signature = SignatureVerifier(secret.decode()).generate_signature(timestamp=stamp, body=body)
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": str(signature)}
    if style == "stripe":
        signature = WebhookSignature._compute_signature(f"{stamp}.{body.decode()}", secret.decode())
        return {"stripe-signature": f"t={stamp},v1={signature},v0=ignored"}
    if style == "shopify":
        return {"x-shopify-hmac-sha256": base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()}
    return {}


SIGNED_STYLES = sorted(set(STYLES) - {"none"})


@pytest.mark.parametrize("style", SIGNED_STYLES)
def test_a_delivery_without_signature_is_refused(style: str) -> None:
    assert judge_signature(style, SECRET, {}, BODY, now=NOW) is None


@pytest.mark.parametrize("style", SIGNED_STYLES)
def test_a_changed_body_is_refused(style: str) -> None:
    headers = sign(style)
    assert judge_signature(style, SECRET, headers, BODY + b" ", now=NOW) is None
    assert judge_signature(style, SECRET, headers, b"", now=NOW) is None


@pytest.mark.parametrize("style", SIGNED_STYLES)
def test_another_secret_is_refused(style: str) -> None:
    assert judge_signature(style, SECRET, sign(style, b"another secret"), BODY, now=NOW) is None


@pytest.mark.parametrize("style", SIGNED_STYLES)
@pytest.mark.parametrize("garbage", ["", "=", "sha256=", "v0=", "t=,v1=", "t=1,t=1,v1=", "\xff\ud800", "x" * 5000, ","])
def test_garbage_in_the_headers_is_refused_without_an_exception(style: str, garbage: str) -> None:
    headers = dict.fromkeys(sign(style), garbage)
    assert judge_signature(style, SECRET, headers, BODY, now=NOW) is None


@pytest.mark.parametrize("style", SIGNED_STYLES)
def test_a_signature_that_is_cut_short_is_refused(style: str) -> None:
    headers = sign(style)
    name = next(name for name in headers if "signature" in name or "hmac" in name)
    headers[name] = headers[name].replace(",v0=ignored", "")[:-1]
    assert judge_signature(style, SECRET, headers, BODY, now=NOW) is None


@pytest.mark.parametrize("style", ["slack", "stripe"])
@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, -86400])
def test_a_replay_outside_of_five_minutes_is_refused(style: str, seconds: int) -> None:
    assert judge_signature(style, SECRET, sign(style), BODY, now=NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize("style", ["slack", "stripe"])
@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "١٧", "9" * 40, f"{STAMP}.5", f" {STAMP}"])
def test_a_stamp_that_is_no_time_is_refused_even_if_it_is_signed(style: str, stamp: str) -> None:
    signed = hmac.new(SECRET, (f"v0:{stamp}:" if style == "slack" else f"{stamp}.").encode() + BODY, hashlib.sha256)
    headers = (
        {"x-slack-request-timestamp": stamp, "x-slack-signature": "v0=" + signed.hexdigest()}
        if style == "slack"
        else {"stripe-signature": f"t={stamp},v1={signed.hexdigest()}"}
    )
    assert judge_signature(style, SECRET, headers, BODY, now=NOW) is None


@pytest.mark.parametrize("style", ["slack", "stripe"])
def test_the_stamp_is_part_of_what_is_signed(style: str) -> None:
    headers = {name: value.replace(STAMP, str(int(STAMP) + 1)) for name, value in sign(style).items()}
    assert judge_signature(style, SECRET, headers, BODY, now=NOW) is None


def test_stripe_refuses_a_header_with_two_stamps_or_with_hundreds_of_signatures() -> None:
    header = sign("stripe")["stripe-signature"]
    twice = {"stripe-signature": f"t={STAMP},{header}"}
    many = {"stripe-signature": header + ",v1=0" * 500}
    assert judge_signature("stripe", SECRET, twice, BODY, now=NOW) is None
    assert judge_signature("stripe", SECRET, many, BODY, now=NOW) is None


def test_stripe_ignores_the_schemes_it_does_not_know() -> None:
    header = {"stripe-signature": sign("stripe")["stripe-signature"].replace("v1=", "v2=")}
    assert judge_signature("stripe", SECRET, header, BODY, now=NOW) is None


@pytest.mark.parametrize("style", [*SIGNED_STYLES, "none"])
def test_a_good_delivery_is_accepted(style: str) -> None:
    assert judge_signature(style, SECRET, sign(style), BODY, now=NOW) is not None


@pytest.mark.parametrize("style", ["slack", "stripe"])
@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_clocks_may_differ_by_five_minutes(style: str, seconds: int) -> None:
    signed = judge_signature(style, SECRET, sign(style), BODY, now=NOW + timedelta(seconds=seconds))
    assert signed is not None
    assert signed.signed_at == NOW


@pytest.mark.parametrize("style", ["slack", "stripe"])
def test_the_same_delivery_has_the_same_mark_and_another_has_another(style: str) -> None:
    marks = [
        judge_signature(style, SECRET, sign(style, body=body, stamp=stamp), body, now=NOW)
        for body, stamp in [(BODY, STAMP), (BODY, STAMP), (b"{}", STAMP), (BODY, str(int(STAMP) + 1))]
    ]
    assert all(marks)
    assert marks[0] == marks[1]
    assert len({signed.mark for signed in marks if signed}) == 3


def test_githubs_documented_example_is_accepted() -> None:
    secret, body = GITHUB
    assert judge_signature("github", secret, {"x-hub-signature-256": GITHUB_HEADER}, body, now=NOW)


def test_slacks_documented_example_is_accepted() -> None:
    headers = {"x-slack-request-timestamp": SLACK_STAMP, "x-slack-signature": SLACK_SIGNATURE}
    now = datetime.fromtimestamp(int(SLACK_STAMP), UTC)
    assert judge_signature("slack", SLACK_SECRET, headers, SLACK_BODY, now=now)


def test_stripe_accepts_either_of_two_signatures_while_a_secret_is_replaced() -> None:
    old, new = sign("stripe", b"old secret"), sign("stripe")
    header = old["stripe-signature"] + "," + new["stripe-signature"].split(",")[1]
    assert judge_signature("stripe", SECRET, {"stripe-signature": header}, BODY, now=NOW)
    assert judge_signature("stripe", b"old secret", {"stripe-signature": header}, BODY, now=NOW)


def test_shopifys_signature_is_what_openssl_makes() -> None:
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", SECRET.decode(), "-binary"], input=BODY, capture_output=True, check=True
    )
    header = {"x-shopify-hmac-sha256": base64.b64encode(made.stdout).decode()}
    assert judge_signature("shopify", SECRET, header, BODY, now=NOW)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    real = hmac.compare_digest

    def watched(left: bytes, right: bytes) -> bool:
        compared.append(len(right))
        return real(left, right)

    monkeypatch.setattr("isthmus.protocols.webhooks.hmac.compare_digest", watched)
    for style in SIGNED_STYLES:
        assert judge_signature(style, SECRET, sign(style, b"another"), BODY, now=NOW) is None
    assert len(compared) == len(SIGNED_STYLES)
