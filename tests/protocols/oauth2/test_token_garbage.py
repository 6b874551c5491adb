import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import ProtocolError
from isthmus.protocols.oauth2 import TokenAnswer, is_grant_dead, judge_token_answer
from isthmus.records import HttpResponse, Service, TokenResponse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SERVICE = Service(link_name="example", name="Example", auth_type="oauth2", access_token_url="https://example.com/t")
GOOD = {"access_token": "cnry-access", "token_type": "bearer", "expires_in": 3600, "refresh_token": "cnry-refresh"}


def answer(body: Any, status: int = 200, content_type: str = "application/json") -> HttpResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, (("content-type", content_type),), data)


def judge(body: Any, status: int = 200, previous: str | None = None, **rules: Any) -> TokenAnswer:
    service = replace(SERVICE, token_response=TokenResponse(**rules))
    return judge_token_answer(
        service, answer(body, status), received_at=NOW, requested_scopes=("a", "b"), previous_refresh_token=previous
    )


def refused(body: Any, status: int = 200, previous: str | None = None, **rules: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        judge(body, status, previous, **rules)
    assert caught.value.status == status
    return caught.value


GARBAGE: dict[str, tuple[int, Any]] = {
    "empty": (200, b""),
    "only blanks": (200, b" \r\n\t "),
    "only a byte order mark": (200, b"\xef\xbb\xbf"),
    "html page": (200, b"<!DOCTYPE html><html><body>access_token=x&y=1</body></html>"),
    "xml": (200, b'<?xml version="1.0"?><access_token>x</access_token>'),
    "plain sentence": (200, b"access_token = try again later"),
    "truncated json": (200, b'{"access_token": "x", "expires_in": 36'),
    "json with a tail": (200, b'{"access_token": "x"} {"access_token": "y"}'),
    "array": (200, [GOOD]),
    "string": (200, "access_token=x"),
    "number": (200, 42),
    "null": (200, None),
    "true": (200, True),
    "empty object": (200, {}),
    "token missing": (200, {"token_type": "bearer", "expires_in": 1}),
    "token empty": (200, {**GOOD, "access_token": ""}),
    "token null": (200, {**GOOD, "access_token": None}),
    "token a number": (200, {**GOOD, "access_token": 12345}),
    "token a list": (200, {**GOOD, "access_token": ["x"]}),
    "token an object": (200, {**GOOD, "access_token": {"value": "x"}}),
    "token true": (200, {**GOOD, "access_token": True}),
    "token with a line break": (200, {**GOOD, "access_token": "x\r\nX-Evil: 1"}),
    "token with a nul": (200, {**GOOD, "access_token": "x\x00y"}),
    "token with a blank": (200, {**GOOD, "access_token": "x y"}),
    "token not ascii": (200, {**GOOD, "access_token": "jeton-é"}),
    "token half a character": (200, b'{"access_token": "\\ud800"}'),
    "token of a mebibyte": (200, {**GOOD, "access_token": "x" * 1_000_000}),
    "refresh token a number": (200, {**GOOD, "refresh_token": 1}),
    "refresh token a list": (200, {**GOOD, "refresh_token": ["x"]}),
    "refresh token with a line break": (200, {**GOOD, "refresh_token": "x\ny"}),
    "utf-16": (200, json.dumps(GOOD).encode("utf-16")),
    "latin-1": (200, '{"access_token": "x", "name": "é"}'.encode("latin-1")),
    "gzip left packed": (200, b"\x1f\x8b\x08\x00\x00\x00\x00\x00"),
    "not a number": (200, b'{"access_token": "x", "expires_in": NaN}'),
    "infinity": (200, b'{"access_token": "x", "expires_in": -Infinity}'),
    "single quotes": (200, b"{'access_token': 'x'}"),
    "nested deeply": (200, b'{"access_token": "x", "a": ' + b"[" * 100 + b"]" * 100 + b"}"),
    "nested very deeply": (200, b'{"access_token": "x", "a": ' + b"[" * 400_000),
    "objects nested very deeply": (200, b'{"a":' * 150_000),
    "huge": (200, b'{"access_token": "x", "pad": "' + b"x" * 1_100_000 + b'"}'),
    "number of many digits": (200, b'{"access_token": "x", "expires_in": ' + b"9" * 10_000 + b"}"),
    "form without a token": (200, b"token_type=bearer&expires_in=1"),
    "form with two tokens": (200, b"access_token=x&access_token=y"),
    "form with invalid utf-8": (200, b"access_token=x&name=%FF"),
    "form of many fields": (200, b"access_token=x&" + b"&".join(b"f%d=1" % n for n in range(1000))),
    "redirect": (302, b""),
    "not found page": (404, b"<html>404</html>"),
    "unauthorized, no body": (401, b""),
    "good answer with a bad status": (400, GOOD),
    "internal error": (500, b"<html>oops</html>"),
    "bad gateway with a good body": (502, GOOD),
    "unavailable": (503, {"message": "maintenance"}),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_as_not_understood(name: str) -> None:
    status, body = GARBAGE[name]
    error = refused(body, status, previous="cnry-previous")
    assert error.code == "provider_answer_not_understood"
    assert error.error is None
    assert not is_grant_dead(error)
    assert "cnry" not in f"{error.message}{error.description}{error.hint}"


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([200, 204, 302, 400, 500]))
def test_no_bytes_cause_anything_but_a_protocol_error(body: bytes, status: int) -> None:
    try:
        judged = judge(body, status)
    except ProtocolError:
        return
    assert judged.credential.access_token


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELD = st.sampled_from(
    ["access_token", "refresh_token", "token_type", "expires_in", "refresh_token_expires_in", "scope", "error", "ok"]
)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(FIELD, JSON_VALUE), st.sampled_from(["seconds", "epoch_milliseconds", "iso8601"]))
def test_no_values_cause_anything_but_a_protocol_error(body: dict[str, Any], unit: str) -> None:
    try:
        judged = judge(json.dumps(body).encode(), expires_unit=unit, ok="ok", copy={"v": "scope.0"})
    except ProtocolError:
        return
    assert isinstance(judged.credential.access_token, str)
    assert judged.expires_at is None or judged.expires_at > NOW - timedelta(days=2)
    assert json.dumps(judged.variables).encode()
