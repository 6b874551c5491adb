"""What holds for everything that is served: the headers, the description, nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from tests.web.stand_in import StandIn, connected_client

from isthmus.web.application import ROUTERS
from isthmus.web.openapi import PROXY_METHODS

pytestmark = pytest.mark.anyio

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


def filled(path: str) -> str:
    values = {"link_name": "crm", "service": "practice", "token": "token", "id": "1", "path": "x", "file": "mark.svg"}
    values |= {"name": "standalone.hello", "client_id": "1", "secret_id": "1", "grant_id": "1"}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


def everything(description: dict[str, Any]) -> list[tuple[str, str]]:
    return [(method.upper(), filled(path)) for path, methods in description["paths"].items() for method in methods]


async def described(client: httpx.AsyncClient) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8400", "https://isthmus.example"])
@pytest.mark.parametrize("with_key", [False, True])
async def test_every_answer_carries_the_protecting_headers(public_url: str, with_key: bool) -> None:
    app = StandIn(public_url=public_url)
    async with connected_client(app) as client:
        requests = everything(await described(client))
        requests += [("GET", "/nowhere"), ("PUT", "/login"), ("TRACE", "/"), ("GET", "/api/v1/nowhere")]
        assert len(requests) > 50
        headers = {"Authorization": f"Bearer {app.keys['administrator']}"} if with_key else {}
        statuses = set()
        for method, path in requests:
            answer = await client.request(method, path, headers={**headers, "Accept": "text/html"})
            statuses.add(answer.status_code)
            for name, value in ALWAYS.items():
                assert answer.headers.get_list(name) == [value], (method, path, name)
            assert answer.headers["isthmus-request-id"].startswith("req_")
            assert len(answer.headers.get_list("content-security-policy")) == 1
            secure = "strict-transport-security" in answer.headers
            assert secure == public_url.startswith("https")
            assert "access-control-allow-origin" not in answer.headers
            policy = answer.headers["content-security-policy"]
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                assert "base-uri 'none'" in policy
                check_page(answer.text)
            elif path.startswith("/proxy/") and answer.status_code == 200:
                assert policy == "sandbox"
            else:
                assert policy == "default-src 'none'; frame-ancestors 'none'"
        assert {401, 404, 405} & statuses


def check_page(text: str) -> None:
    for script in re.findall(r"<script[^>]*>[^<]*", text):
        assert re.fullmatch(r'<script src="/static/[a-z]+\.js\?v=[0-9a-f]{12}" defer>', script), script
    assert "style=" not in text
    assert "<style" not in text
    assert not re.search(r"\son\w+=", text)
    for source in re.findall(r'(?:src|href|action)="([^"]*)"', text):
        assert source.startswith(("/", "#")), source
        assert not source.startswith("//"), source


async def test_every_served_route_is_described_and_every_described_one_served(client: httpx.AsyncClient) -> None:
    paths = (await described(client))["paths"]
    served = {
        (method.lower(), route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    told = {(method, path) for path, methods in paths.items() for method in methods}
    outside = {(method, "/proxy/{link_name}/{path}") for method in PROXY_METHODS}
    outside |= {("get", path) for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")}
    outside.add(("get", "/static/{file}"))
    assert told == served | outside
    for method, path in outside:
        assert (await client.request(method, filled(path))).status_code in (200, 401)


async def test_every_operation_is_described_with_its_errors_and_credentials(client: httpx.AsyncClient) -> None:
    document = await described(client)
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for path, method, operation in operations:
        assert operation["description"], path
        if not path.startswith("/api/"):
            continue
        # Who delivers a webhook has no credential of ours: the URL itself is one.
        assert bool(operation["security"]) == (path != "/api/v1/hooks/{token}"), path
        assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"])
        if "requestBody" in operation:
            assert {"413", "415", "422"} <= set(operation["responses"])
        named = [parameter["name"] for parameter in operation.get("parameters", [])]
        assert ("Idempotency-Key" in named) == (method == "post")
    schemas = document["components"]["schemas"]
    references = set(re.findall(r"#/components/schemas/([\w-]+)", repr(document)))
    assert references <= set(schemas)
    assert "HTTPValidationError" not in schemas


async def test_the_docs_page_lists_every_route(client: httpx.AsyncClient) -> None:
    text = (await client.get("/docs")).text
    for path, methods in (await described(client))["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in text
    assert 'id="not_connected"' in (await client.get("/docs/errors")).text


async def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(client: httpx.AsyncClient) -> None:
    page = await client.get("/nowhere", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    problem = await client.get("/nowhere")
    assert problem.headers["content-type"] == "application/problem+json"
    assert page.status_code == problem.status_code == 404
