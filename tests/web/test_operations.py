from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
import structlog
from tests.web.stand_in import StandIn, connected_client, running

from isthmus.errors import KeyUnavailable, StorageError
from isthmus.web.logs import LineWriter, Logs, whole_lines
from isthmus.web.server import create_asgi

pytestmark = pytest.mark.anyio
SECRET = "a-secret-in-an-exception"


async def test_a_server_whose_application_cannot_be_built_does_not_start() -> None:
    lines: list[bytes] = []
    for error in (KeyUnavailable("Key k1 is missing.", hint="Give it."), RuntimeError(SECRET)):
        sent: list[Any] = []
        asgi = create_asgi(_failing(error), logs=Logs("info", LineWriter(lines.append)))
        received = iter([{"type": "lifespan.startup"}])
        await asgi({"type": "lifespan"}, _receiver(received), _sender(sent))
        assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
        assert SECRET not in repr(sent)
    events = [json.loads(line) for line in b"".join(lines).splitlines()]
    assert events[0]["code"] == "key_unavailable"
    assert events[1]["error"] == "builtins.RuntimeError"
    assert SECRET not in repr(events)


def _failing(error: Exception) -> Any:
    async def build() -> Any:
        raise error

    return build


def _receiver(messages: Any) -> Any:
    async def receive() -> Any:
        return next(messages)

    return receive


def _sender(sent: list[Any]) -> Any:
    async def send(message: Any) -> None:
        sent.append(message)

    return send


async def test_a_request_before_the_start_gets_503() -> None:
    sent: list[Any] = []
    asgi = create_asgi(_failing(RuntimeError()))
    await asgi({"type": "http", "raw_path": b"/", "headers": []}, _receiver(iter([])), _sender(sent))
    assert sent[0]["status"] == 503


async def test_ready_tells_why_it_is_not(client: httpx.AsyncClient, app: StandIn) -> None:
    app.ready_error = StorageError("The database is away.")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["code"] == "storage_unavailable"
    assert (await client.get("/healthz")).status_code == 200
    app.ready_error = None
    assert (await client.get("/readyz")).json() == {"status": "ready", "checks": {"database": "ok", "keys": "ok"}}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/static/console.css"])
async def test_operations_take_get_and_head_only(client: httpx.AsyncClient, path: str) -> None:
    whole, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    if path != "/metrics":
        assert head.headers["content-length"] == whole.headers["content-length"]
    answer = await client.post(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_metrics_count_by_surface_and_status_without_names(admin: httpx.AsyncClient) -> None:
    for path in ("/proxy/crm/x", "/proxy/crm/x", "/proxy/missing/x", "/api/v1/me", "/login"):
        await admin.get(path)
    text = (await admin.get("/metrics")).text
    assert 'isthmus_requests_total{status="200",surface="proxy"} 2.0' in text
    assert 'isthmus_requests_total{status="404",surface="proxy"} 1.0' in text
    assert 'isthmus_requests_total{status="200",surface="api"} 1.0' in text
    assert 'isthmus_request_seconds_count{surface="page"} 1.0' in text
    assert "isthmus_requests_in_flight 1.0" in text
    assert "process_resident_memory_bytes" in text
    assert "crm" not in text


async def test_the_application_starts_and_stops_with_the_server() -> None:
    app = StandIn()
    async with running(app):
        assert app.life == ["start"]
    assert app.life == ["start", "stop"]
    assert [line["event"] for line in app.log] == ["started", "stopped"]


async def test_each_worker_s_lines_are_json_whoever_writes_them() -> None:
    app = StandIn()
    async with running(app, "debug"):
        logging.getLogger("isthmus.broker").warning("from the %s\nlibrary", "standard")
        logging.getLogger("client").info("GET https://h/?token=%s", SECRET)
        logging.getLogger("client").warning("cannot reach %s", f"https://h/?token={SECRET}")
        structlog.get_logger().info("from_structlog", a=1)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger("elsewhere").exception("failed")
    events = {line["event"]: line for line in app.log}
    assert events["from the standard\nlibrary"]["logger"] == "isthmus.broker"
    assert events["from_structlog"]["a"] == 1
    assert events["failed"]["error"] == "builtins.ValueError"
    assert "cannot reach %s" in events
    assert SECRET not in repr(app.log)
    assert all("at" in line and "level" in line for line in app.log)


async def test_below_info_calls_are_not_logged() -> None:
    app = StandIn()
    async with running(app, "warning") as asgi:
        transport = httpx.ASGITransport(app=asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
            await client.get("/login")
    assert app.log == []


async def test_a_line_is_written_soon_though_nothing_follows() -> None:
    lines: list[bytes] = []
    writer = LineWriter(lines.append)
    writer.add(b"one")
    writer.add(b"two")
    assert lines == []
    async with asyncio.timeout(20):
        while not lines:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert lines == [b"one\ntwo\n"]


def test_lines_are_written_in_whole_pieces_that_a_shared_pipe_keeps_whole() -> None:
    lines = [b"a" * 100, b"b" * 5000, *[b"c" * 90] * 200, b"d"]
    data = b"\n".join(lines) + b"\n"
    pieces = list(whole_lines(data))
    assert b"".join(pieces) == data
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert [len(piece) for piece in pieces if len(piece) > 4096] == [5001]
    assert len(pieces) < 10


async def test_the_one_time_token_of_a_connect_link_is_not_logged() -> None:
    app = StandIn()
    async with connected_client(app) as client:
        await client.get("/connect/one-time-token")
    assert "one-time-token" not in repr(app.log)
    assert "/connect/***" in repr(app.log)
