from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.web.stand_in import SESSION, StandIn, running

from isthmus import errors
from isthmus.broker.call import StreamCall
from isthmus.web.asgi import AnswerCutOff

pytestmark = pytest.mark.anyio


def carried(app: StandIn) -> StreamCall:
    call: StreamCall = app.calls.last("stream")[0][2]
    return call


@pytest.mark.parametrize("name", ["", "a-b", "a" * 51, "%63rm", "a.b", "é"])
async def test_a_name_that_is_none_reaches_no_use_case(admin: httpx.AsyncClient, app: StandIn, name: str) -> None:
    answer = await admin.get(f"/proxy/{name}/x")
    assert answer.status_code == 404
    assert app.calls.made == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
async def test_methods_that_are_for_hops_are_refused(admin: httpx.AsyncClient, method: str) -> None:
    assert (await admin.request(method, "/proxy/crm/x")).status_code == 405


async def test_an_error_before_the_answer_is_a_problem(admin: httpx.AsyncClient, app: StandIn) -> None:
    app.calls.fail_with = errors.DestinationDenied("Not there.")
    answer = await admin.get("/proxy/crm/x")
    assert (answer.status_code, answer.json()["code"]) == (403, "destination_denied")
    answer = await admin.head("/proxy/crm/x")
    assert (answer.status_code, answer.content) == (403, b"")


@pytest.mark.parametrize(
    ("sent", "target"),
    [
        ("/proxy/crm/a%2Fb/c%20d", "/a%2Fb/c%20d"),
        ("/proxy/crm/a//b/./../c", "/a//b/./../c"),
        ("/proxy/crm/?", "/"),
        ("/proxy/crm", "/"),
        ("/proxy/crm/x?a=%2F&b=c+d&a=", "/x?a=%2F&b=c+d&a="),
        ("/proxy/crm/%e4%zz", "/%e4%zz"),
    ],
)
async def test_path_and_query_travel_byte_for_byte(app: StandIn, sent: str, target: str) -> None:
    path, _, query = sent.partition("?")
    await ask(app, path.encode(), query.encode(), [])
    assert carried(app).target == target


async def ask(app: StandIn, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]) -> list[dict[str, object]]:
    """One request as the server hands it over, unnormalised."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    key = app.keys["member"].encode()
    scope = {
        "type": "http",
        "method": "GET",
        "http_version": "1.1",
        "path": "/decoded/elsewhere",
        "raw_path": path,
        "query_string": query,
        "headers": [(b"host", b"h"), (b"authorization", b"Bearer " + key), *headers],
        "client": ("192.0.2.7", 1),
    }
    async with running(app) as asgi:
        await asgi(scope, receive, send)
    return sent


async def test_our_credential_cookies_and_hop_by_hop_headers_stop_here(client: httpx.AsyncClient, app: StandIn) -> None:
    headers = {
        "Isthmus-Key": app.keys["member"],
        "Isthmus-User": "customer-7",
        "Isthmus-Anything": "x",
        "Cookie": f"isthmus={SESSION}; other=1",
        "Connection": "keep-alive, X-Private, Upgrade",
        "X-Private": "x",
        "Keep-Alive": "5",
        "TE": "trailers",
        "Upgrade": "h2c",
        "Proxy-Authorization": "Basic x",
        "X-Forwarded-For": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "X-Kept": "kept",
        "Accept": "application/json",
    }
    await client.get("/proxy/crm/x", headers=headers)
    call = carried(app)
    assert call.user == "customer-7"
    names = {name for name, _ in call.headers}
    assert {"x-kept", "accept", "user-agent"} <= names
    assert names <= {"x-kept", "accept", "accept-encoding", "user-agent"}
    assert app.keys["member"] not in repr(call.headers)


async def test_the_answer_keeps_its_headers_but_sets_nothing_on_our_origin(
    admin: httpx.AsyncClient, app: StandIn
) -> None:
    app.invoker.stream_status = 418
    app.invoker.stream_headers = (
        ("content-type", "text/html"),
        ("content-length", "11"),
        ("x-ratelimit-remaining", "7"),
        ("set-cookie", "isthmus=planted"),
        ("clear-site-data", '"*"'),
        ("strict-transport-security", "max-age=0"),
        ("content-security-policy", "default-src *"),
        ("x-content-type-options", "none"),
        ("isthmus-request-id", "planted"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
    )
    answer = await admin.get("/proxy/crm/x")
    assert answer.status_code == 418
    assert answer.headers["x-ratelimit-remaining"] == "7"
    assert answer.headers["content-length"] == "11"
    assert answer.headers.get_list("content-security-policy") == ["sandbox"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers["isthmus-request-id"].startswith("req_")
    for gone in ("set-cookie", "clear-site-data", "strict-transport-security", "connection", "transfer-encoding"):
        assert gone not in answer.headers


async def test_an_answer_without_cache_rule_is_private(admin: httpx.AsyncClient, app: StandIn) -> None:
    assert (await admin.get("/proxy/crm/x")).headers["cache-control"] == "private"
    app.invoker.stream_headers = (("cache-control", "max-age=60"),)
    assert (await admin.get("/proxy/crm/x")).headers.get_list("cache-control") == ["max-age=60"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
async def test_any_other_method_is_carried(admin: httpx.AsyncClient, app: StandIn, method: str) -> None:
    answer = await admin.request(method, "/proxy/crm/x")
    assert answer.status_code == 200
    assert answer.content == (b"" if method == "HEAD" else b'{"ok":true}')
    assert carried(app).method == method


async def test_a_body_of_known_length_is_streamed_with_it(admin: httpx.AsyncClient, app: StandIn) -> None:
    await admin.post("/proxy/crm/x", content=b"hello")
    assert carried(app).content_length == 5
    assert b"".join(app.invoker.received) == b"hello"


async def test_a_body_of_unknown_length_is_streamed(admin: httpx.AsyncClient, app: StandIn) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    await admin.post("/proxy/crm/x", content=parts())
    assert carried(app).content_length is None
    assert app.invoker.received == [b"a", b"b"]


async def test_a_request_without_body_has_none(admin: httpx.AsyncClient, app: StandIn) -> None:
    await admin.get("/proxy/crm/x")
    await admin.post("/proxy/crm/x", headers={"Content-Length": "0"})
    assert carried(app).body is None


async def test_the_answer_comes_in_the_pieces_it_came_in(app: StandIn) -> None:
    app.invoker.stream_headers, app.invoker.chunks = (), (b"data: 1\n\n", b"data: 2\n\n")
    sent = await ask(app, b"/proxy/crm/events", b"", [])
    assert [message.get("body") for message in sent[1:]] == [b"data: 1\n\n", b"data: 2\n\n", b""]
    assert [message.get("more_body") for message in sent[1:]] == [True, True, False]


async def test_a_whole_answer_is_sent_at_once_where_its_length_is_known(app: StandIn) -> None:
    sent = await ask(app, b"/proxy/crm/x", b"", [])
    assert [(message.get("body"), message.get("more_body")) for message in sent[1:]] == [(b'{"ok":true}', False)]
    assert app.invoker.closed == 1


async def test_an_answer_that_breaks_off_aborts_the_connection(app: StandIn) -> None:
    app.invoker.stream_headers, app.invoker.chunks, app.invoker.break_after = (), (b"a", b"b"), 1
    with pytest.raises(AnswerCutOff):
        await ask(app, b"/proxy/crm/x", b"", [])
    assert app.log[-2]["status"] == 0


async def test_one_line_is_logged_for_a_call_without_query_or_key(admin: httpx.AsyncClient, app: StandIn) -> None:
    await admin.get("/proxy/crm/contacts?email=ann@example.com")
    line = next(line for line in app.log if line["event"] == "call")
    assert (line["connection"], line["method"], line["path"], line["status"]) == ("crm", "GET", "/contacts", 200)
    assert (line["actor"], line["address"]) == ("api_key:administrator", "192.0.2.7")
    assert "ann@example.com" not in repr(app.log)
    assert app.keys["administrator"] not in repr(app.log)
