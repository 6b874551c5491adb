from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.web.stand_in import StandIn

from isthmus.broker.call import Answer, Call
from isthmus.records import Headers
from isthmus.web.api.calls import render_answer

PATH = "/api/v1/connections/crm/invoke"


def rendered(body: bytes, content_type: str | None, *more: tuple[str, str]) -> dict[str, Any]:
    headers: Headers = (("Content-Type", content_type), *more) if content_type else more
    document: dict[str, Any] = json.loads(render_answer(Answer(207, headers, body, 12.345, "req_1")))
    return document


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": None}, "url"),
        ({"type": 5}, "type"),
        ({"headers": {"A": 1}}, "headers.A"),
        ({"parameters": ["a"]}, "parameters.dict[str,any]"),
        ({"files": [{"name": "f", "filename": "f.txt", "content_base64": "***"}]}, "files.0.content_base64"),
        ({"files": [{"name": "f"}]}, "files.0.filename"),
        ({"connection": "other"}, "connection"),
    ],
)
async def test_a_malformed_call_is_refused_by_field(
    admin: httpx.AsyncClient, app: StandIn, change: dict[str, Any], field: str
) -> None:
    answer = await admin.post(PATH, json={"url": "/x", **change})
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert app.calls.count("invoke") == 0


@pytest.mark.anyio
async def test_a_call_is_handed_on_whole(admin: httpx.AsyncClient, app: StandIn) -> None:
    body = {
        "url": "/contacts",
        "type": "PATCH",
        "parameters": {"n": 2**70},
        "headers": {"X-A": "1"},
        "body": {"text": "nul \u0000 allowed"},
        "content_type": "application/json",
        "files": [{"name": "f", "filename": "f.bin", "content_type": "image/png", "content_base64": "AAE="}],
        "user": "customer-7",
    }
    answer = await admin.post(PATH, json=body)
    assert answer.status_code == 200
    call: Call = app.calls.last("invoke")[0][2]
    assert (call.url, call.method, call.parameters) == ("/contacts", "PATCH", {"n": 2**70})
    assert (call.headers, call.body, call.user) == ((("X-A", "1"),), {"text": "nul \0 allowed"}, "customer-7")
    assert [(file.name, file.filename, file.content, file.content_type) for file in call.files] == [
        ("f", "f.bin", b"\0\1", "image/png")
    ]
    assert call.request_id == answer.json()["request_id"] == answer.headers["isthmus-request-id"]


def test_a_json_body_keeps_every_digit() -> None:
    raw = b'{"id": 123456789012345678901234567890, "price": 0.10, "small": 1e-400}'
    answer = render_answer(Answer(200, (("content-type", "application/json; charset=utf-8"),), raw, 1.0, "r"))
    assert raw in answer


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a":[1,null]}', "application/json", {"body": {"a": [1, None]}}),
        (b"\xef\xbb\xbf [1]", "application/vnd.api+json", {"body": [1]}),
        ('{"ü":1}'.encode("utf-16"), "application/json; charset=utf-16", {"body": {"ü": 1}}),
        (b'{"a":NaN}', "application/json", {"body": '{"a":NaN}'}),
        (b"", "application/json", {"body": ""}),
        (b"", None, {"body": ""}),
        (b"<p>", "text/html", {"body": "<p>"}),
        ("é".encode("latin-1"), "text/plain; charset=iso-8859-1", {"body": "é"}),
        ("é".encode("latin-1"), "text/plain", {"body_base64": "6Q=="}),
        (b"\x89PNG\xff", "image/png", {"body_base64": "iVBOR/8="}),
        (b"x", "text/plain; charset=zlib", {"body_base64": "eA=="}),
        (b"x", "text/plain; charset=unicode_escape", {"body_base64": "eA=="}),
        (b"x", "text/plain; charset=utf-nonsense", {"body_base64": "eA=="}),
        (b'{"a":1}', "nonsense", {"body": '{"a":1}'}),
    ],
)
def test_a_body_is_json_else_text_else_base64(body: bytes, content_type: str | None, expected: dict[str, Any]) -> None:
    document = rendered(body, content_type)
    assert {key: document[key] for key in document if key.startswith("body")} == expected
    assert (document["status"], document["elapsed_ms"], document["request_id"]) == (207, 12.3, "req_1")


def test_headers_are_joined_and_a_third_party_s_cookies_never_pass() -> None:
    document = rendered(b"", "text/plain", ("Link", "<a>"), ("link", "<b>"), ("Set-Cookie", "sid=1"))
    assert document["headers"] == {"content-type": "text/plain", "link": "<a>, <b>"}


@pytest.mark.anyio
async def test_a_lease_asks_for_the_time_and_person_named(admin: httpx.AsyncClient, app: StandIn) -> None:
    path = "/api/v1/connections/crm/credential"
    assert (await admin.get(f"{path}?minimum_seconds=-1")).status_code == 422
    assert (await admin.get(f"{path}?minimum_seconds=300&user=u7")).json()["headers"]
    assert app.calls.last("lease")[1] == {"minimum_seconds": 300, "user": "u7"}
