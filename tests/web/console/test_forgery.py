"""No page of another site changes anything, whatever it sends; and every answer carries the headers that say so."""

from __future__ import annotations

import re

import pytest
from tests.web.console.conftest import House

from isthmus.web.application import ROUTERS
from isthmus.web.console.frame import ConsoleRoute

pytestmark = pytest.mark.anyio
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, ConsoleRoute)]
CHANGING = sorted(re.sub(r"\{\w+\}", "some", route.path) for route in ROUTES if "POST" in route.methods)
WAYS = (
    {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
    {"Origin": "null", "Content-Type": "application/x-www-form-urlencoded"},
    {"Origin": "null", "Content-Type": "text/plain"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site", "Content-Type": "multipart/form-data; boundary=x"},
    {"Origin": "https://evil.example", "Content-Type": "application/json", "X-HTTP-Method-Override": "DELETE"},
)


async def test_every_form_refuses_what_comes_from_elsewhere(house: House) -> None:
    assert len(CHANGING) > 25
    browser = await house.browser("administrator")
    before = (await browser.get("/api/v1/activity")).json()["items"][0]["id"]
    for path in CHANGING:
        for headers in WAYS:
            answer = await browser.client.post(path, content="form_token=00&typed=some&act=save", headers=headers)
            assert answer.status_code == 403, (path, headers)
            assert "does not come from a page of this server" in answer.text
    assert (await browser.get("/api/v1/activity")).json()["items"][0]["id"] == before


async def test_only_get_and_post_reach_a_page(house: House) -> None:
    assert {method for route in ROUTES for method in route.methods} == {"GET", "POST"}
    browser = await house.browser("administrator")
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await browser.client.request(method, "/account", headers={"Origin": "null"})
        assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/", "/functions", "/settings", "/keys", "/connections/none", "/login", "/nowhere"])
async def test_pages_and_their_errors_carry_the_headers(house: House, path: str) -> None:
    answer = await (await house.browser("administrator")).get(path, headers={"Accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", answer.text)
