from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.web.stand_in import StandIn

from isthmus import errors
from isthmus.errors import IsthmusError
from isthmus.web.errors import TABLE, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "a-secret-in-an-exception"


def tree(kind: type[IsthmusError] = IsthmusError) -> list[type[IsthmusError]]:
    own = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(found for child in own for found in tree(child))]


def make(kind: type[IsthmusError]) -> IsthmusError:
    more: dict[str, Any] = {}
    if kind in (errors.RateLimited, errors.RefreshDeferred):
        more["retry_at"] = NOW + timedelta(seconds=6.5)
    if kind is errors.FunctionError:
        more.update(line=3, column=7)
    return kind("What happened.", **more)


def test_the_table_has_a_row_of_its_own_for_every_error() -> None:
    assert set(tree()) == set(TABLE)
    assert len(tree()) > 20


@pytest.mark.parametrize("kind", tree())
def test_every_error_becomes_a_whole_problem_document(kind: type[IsthmusError]) -> None:
    problem = judge(make(kind), now=NOW)
    document = json.loads(problem.document(request_id="req_1", public_url="https://isthmus.example"))
    assert {"type", "title", "status", "code", "detail", "hint", "request_id"} <= set(document)
    assert document["status"] == problem.status >= 400
    assert document["type"] == f"https://isthmus.example/docs/errors#{kind.default_code}"
    assert document["detail"] == "What happened."


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.InputError, 422),
        (errors.NotFound, 404),
        (errors.Conflict, 409),
        (errors.AccessDenied, 403),
        (errors.NotAuthenticated, 401),
        (errors.RateLimited, 429),
        (errors.ConnectError, 422),
        (errors.NotConnected, 409),
        (errors.ReauthorizationRequired, 409),
        (errors.RefreshDeferred, 503),
        (errors.DestinationDenied, 403),
        (errors.Unreachable, 502),
        (errors.TimedOut, 504),
        (errors.ResponseTooLarge, 502),
        (errors.ProtocolError, 502),
        (errors.StorageError, 503),
        (errors.KeyUnavailable, 503),
    ],
)
def test_an_error_has_the_documented_status(kind: type[IsthmusError], status: int) -> None:
    assert judge(make(kind), now=NOW).status == status


def test_a_wait_is_told_in_whole_seconds_rounded_up() -> None:
    assert judge(make(errors.RefreshDeferred), now=NOW).headers["Retry-After"] == "7"
    assert judge(make(errors.RateLimited), now=NOW + timedelta(hours=1)).headers["Retry-After"] == "1"


def test_an_error_of_a_class_added_later_is_judged_like_its_parent() -> None:
    class Newer(errors.NotFound):
        pass

    assert judge(Newer("Gone.")).status == 404


def test_the_provider_s_error_is_told_only_where_it_is_a_plain_code() -> None:
    told = judge(errors.ProtocolError("No.", error="invalid_grant", description=SECRET, status=400))
    assert told.extra == {"provider_error": "invalid_grant", "provider_status": 400}
    assert judge(errors.ProtocolError("No.", error="<b>")).extra == {}


def test_details_cannot_replace_the_members_of_the_document() -> None:
    problem = judge(errors.InputError("No.", details={"status": 200}))
    document = json.loads(problem.document(request_id="r", public_url=""))
    assert document["status"] == 422
    assert document["details"] == {"status": 200}


@pytest.mark.anyio
async def test_an_unexpected_error_tells_nothing_but_its_request_id(admin: httpx.AsyncClient, app: StandIn) -> None:
    app.calls.fail_with = RuntimeError(SECRET)
    for method, path in (("GET", "/api/v1/services"), ("GET", "/proxy/crm/x"), ("GET", "/connect/token")):
        answer = await admin.request(method, path)
        assert answer.status_code == 500
        assert SECRET not in answer.text
        assert answer.headers["isthmus-request-id"] in answer.text
    assert SECRET not in json.dumps(app.log)
    logged = [line for line in app.log if line["event"] == "unexpected"]
    assert [line["error"] for line in logged] == ["builtins.RuntimeError"] * 3
    assert any("stand_in.py" in place for place in logged[0]["places"])


@pytest.mark.anyio
async def test_a_deferred_refresh_tells_when_to_come_back(admin: httpx.AsyncClient, app: StandIn) -> None:
    app.calls.fail_with = errors.RefreshDeferred("Later.", retry_at=datetime.now(UTC) + timedelta(seconds=30))
    for path in ("/api/v1/connections/crm", "/proxy/crm/x"):
        answer = await admin.get(path)
        assert answer.status_code == 503
        assert 28 <= int(answer.headers["retry-after"]) <= 30
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "refresh_deferred"
