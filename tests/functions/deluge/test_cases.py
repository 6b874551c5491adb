"""Every case of the language reference: a script, what it says or answers, and for a call what is sent.

`confidence: inferred` marks a case that follows from a rule; the others are stated by the page at `source`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.functions.running import AROUND, Run, opened, run

from isthmus.functions.deluge import check
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Failed, HostCall, Reply
from isthmus.functions.sandbox import Sandbox

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
CONTRADICTED: dict[str, str] = {}
"""Case -> why it cannot hold together with another one."""

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    async with opened(workers=1) as made:
        yield made


def parameters() -> list[Any]:
    return [
        pytest.param(
            case,
            id=case["id"],
            marks=[pytest.mark.xfail(reason=CONTRADICTED[case["id"]], strict=True)]
            if case["id"] in CONTRADICTED
            else [],
        )
        for case in CASES
    ]


def reply_of(case: dict[str, Any]) -> list[Reply]:
    if "reply" not in case:
        return []
    reply = case["reply"]
    value = {"status": reply["status"], "headers": reply["headers"], "body": reply["body"].encode(), "url": ""}
    return [Reply(value)]


@pytest.mark.parametrize("case", parameters())
async def test_case(sandbox: Sandbox, case: dict[str, Any]) -> None:
    assert not [problem for problem in check(case["script"]) if problem.severity == "error"]
    program = compile_deluge(case["script"])
    around = replace(AROUND, timezone=case.get("tz", "UTC"))
    ended = await run(sandbox, program, case.get("args"), replies=reply_of(case), around=around)
    expected = case["expect"]
    if isinstance(expected, dict) and set(expected) == {"error"}:
        assert isinstance(ended.end, Failed)
        assert ended.end.fault.code in ("run_failed", "thrown")
        return
    assert not isinstance(ended.end, Failed), ended.end
    if case["via"] == "info":
        assert ended.info == [expected]
    else:
        assert alike(ended.value, expected)
    if "http" in case:
        assert_sent(ended, case["http"])


def alike(value: Any, expected: Any) -> bool:
    """Equality in which numbers are worth what they are worth, and true is not 1."""
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    if isinstance(value, Decimal):
        return isinstance(expected, int | float) and value == Decimal(str(expected))
    if isinstance(value, list):
        return isinstance(expected, list) and len(value) == len(expected) and all(map(alike, value, expected))
    if isinstance(value, dict):
        return (
            isinstance(expected, dict)
            and value.keys() == expected.keys()
            and all(alike(value[key], expected[key]) for key in value)
        )
    return type(value) is type(expected) and bool(value == expected)


def assert_sent(ended: Run, expected: dict[str, Any]) -> None:
    """What the embedder was asked to send. Credentials are the embedder's: here only the connection is named."""
    (call,) = ended.calls
    asked = call.arguments
    assert asked["type"] == expected["method"]
    assert asked["url"] == expected["url"]
    assert (asked["connection"] or "") == expected.get("connection", "")
    if expected.get("query"):
        assert asked["parameters"] == expected["query"]
    if "body" in expected:
        assert body_of(call) == expected["body"]
    if "body_json" in expected:
        assert json.loads(body_of(call)) == expected["body_json"]


def body_of(call: HostCall) -> str:
    body = call.arguments["body"] if call.arguments["body"] is not None else call.arguments["parameters"]
    assert isinstance(body, str)
    return body


def test_no_case_is_lost() -> None:
    assert len(CASES) == 270
    assert len({case["id"] for case in CASES}) == 270
    assert CONTRADICTED.keys() <= {case["id"] for case in CASES}
    assert all(urlsplit(case["source"]).scheme in ("http", "https") for case in CASES if "://" in case["source"])
