"""The routes of functions and runs, over HTTP, on the whole application."""

from __future__ import annotations

from typing import Any

import pytest
from tests.web.whole import FUNCTION, HELLO, PATH, Api
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/v1/functions", {**FUNCTION, "name": "hello"}, "name"),
        ("POST", "/api/v1/functions", {**FUNCTION, "langauge": "python"}, "langauge"),
        ("POST", "/api/v1/functions", {**FUNCTION, "language": "perl"}, "language"),
        ("POST", "/api/v1/functions", {"name": "a.b", "language": "python"}, "code"),
        ("POST", "/api/v1/functions", {**FUNCTION, "arguments": [{"name": "x"}]}, "arguments"),
        ("PUT", PATH, {"language": "deluge"}, "language"),
        ("POST", f"{PATH}/roll-back", {}, "version"),
        ("POST", f"{PATH}/roll-back", {"version": 0}, "version"),
        ("POST", f"{PATH}/execute", {"arguments": {"nam": 1}}, "arguments.nam"),
        ("POST", f"{PATH}/execute", {"arguments": []}, "arguments"),
        ("POST", f"{PATH}/execute", {"record": {}, "mapping": {"name": "${x}"}}, "mapping.name"),
        ("POST", f"{PATH}/execute", {"record": {}, "mapping": {"name": "${x"}}, "mapping.name"),
        ("POST", f"{PATH}/execute", {"record": {}}, "mapping"),
        ("POST", f"{PATH}/execute?version=7", {}, "version"),
        ("GET", f"{PATH}?version=Draft", None, "version"),
        ("GET", f"{PATH}/runs?state=lost", None, "state"),
        ("GET", f"{PATH}/runs?cursor=x", None, "cursor"),
        ("GET", f"{PATH}/versions?limit=0", None, "limit"),
    ],
)
async def test_bad_input_is_refused_with_the_field(api: Api, method: str, path: str, body: Any, field: str) -> None:
    await api.live()
    answer = await api.ask(method, path, body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert (problem["field"], bool(problem["hint"])) == (field, True)
    assert (await api.ask("GET", f"{PATH}/runs")).json()["items"] == []


@pytest.mark.parametrize(
    "path", ["standalone.nowhere", "x", "a.b.c", "%2e%2e", "standalone.hello%00", "standalone.h-llo"]
)
async def test_a_function_that_there_is_not_is_not_found(api: Api, path: str) -> None:
    for method, rest in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/publish"), ("POST", "/execute"), ("GET", "/runs"), ("GET", "/versions"), ("GET", "/diff")):  # fmt: skip
        answer = await api.ask(method, f"/api/v1/functions/{path}{rest}", {} if method in ("POST", "PUT") else None)
        assert answer.status_code == 404, (method, rest, answer.text)
        assert answer.json()["code"] in ("function_not_found", "route_not_found")


async def test_what_a_role_may_do(api: Api) -> None:
    await api.live(run_roles=["administrator", "developer"])
    expected = {
        ("GET", PATH): (200, 200, 404),
        ("POST", f"{PATH}/execute"): (200, 200, 404),
        ("GET", f"{PATH}/runs"): (200, 200, 404),
        ("GET", f"{PATH}/versions"): (200, 200, 404),
        ("GET", f"{PATH}/diff"): (200, 200, 404),
        ("PUT", PATH): (200, 200, 403),
        ("POST", f"{PATH}/publish"): (200, 200, 403),
        ("POST", "/api/v1/functions/check"): (200, 200, 403),
        ("GET", "/api/v1/runs/nowhere"): (404, 404, 404),
        ("DELETE", PATH): (None, None, 403),
    }
    body = {("POST", "/api/v1/functions/check"): {"language": "python", "code": HELLO}}
    for (method, path), statuses in expected.items():
        for role, status in zip(("administrator", "developer", "member"), statuses, strict=True):
            if status is not None:
                given = body.get((method, path), {} if method in ("POST", "PUT") else None)
                answer = await api.ask(method, path, given, role)
                assert answer.status_code == status, (role, method, path, answer.text)
    assert (await api.client.get(PATH)).status_code == 401


async def test_a_function_from_draft_to_run_and_back(api: Api) -> None:
    made = await api.ask("POST", "/api/v1/functions", {**FUNCTION, "description": "Says hello"})
    assert made.status_code == 201
    assert made.headers["location"] == PATH
    assert made.json()["problems"] == []
    assert (await api.ask("POST", f"{PATH}/execute", {})).json()["code"] == "not_published"
    tried = await api.ask("POST", f"{PATH}/execute?version=draft", {"arguments": {"name": "Ann"}})
    assert tried.json()["value"] == "Hello Ann"
    assert (await api.ask("POST", f"{PATH}/publish", {})).json()["state"] == "published"
    done = (await api.ask("POST", f"{PATH}/execute", {"arguments": {"name": "Ünal"}}, "member")).json()
    assert {key: done[key] for key in ("value", "info", "error", "state", "version")} == {
        "value": "Hello Ünal",
        "info": ["told Ünal"],
        "error": None,
        "state": "finished",
        "version": 1,
    }
    run = (await api.ask("GET", f"/api/v1/runs/{done['run_id']}", key="member")).json()
    assert (run["arguments"], run["value"], run["trigger"]) == ({"name": "Ünal"}, "Hello Ünal", "rest")
    assert (await api.ask("GET", f"/api/v1/runs/{tried.json()['run_id']}", key="member")).status_code == 404
    shown = (await api.ask("GET", PATH)).json()
    saved = await api.ask("PUT", PATH, {**shown, "code": HELLO.replace("Hello", "Bye")})
    assert (saved.json()["state"], saved.json()["draft_version"]) == ("changed", 2)
    diff = (await api.ask("GET", f"{PATH}/diff")).json()
    assert (diff["from"], diff["to"], "Bye" in diff["code"]) == (1, 2, True)
    await api.ask("POST", f"{PATH}/publish")
    assert (await api.ask("POST", f"{PATH}/execute")).json()["value"] == "Bye you"
    await api.ask("POST", f"{PATH}/roll-back", {"version": 1})
    assert (await api.ask("POST", f"{PATH}/execute")).json()["value"] == "Hello you"
    listed = (await api.ask("GET", f"{PATH}/runs?limit=2")).json()
    assert len(listed["items"]) == 2
    assert listed["next_cursor"]
    assert [one["name"] for one in (await api.ask("GET", "/api/v1/functions")).json()["items"]] == ["standalone.hello"]
    assert (await api.ask("DELETE", PATH)).status_code == 204
    assert (await api.ask("GET", PATH)).status_code == 404


async def test_a_code_that_does_not_pass_is_a_problem_with_its_place(api: Api) -> None:
    await api.ask("POST", "/api/v1/functions", {**FUNCTION, "code": 'def main() -> int:\n    return 1 + "x"\n'})
    answer = await api.ask("POST", f"{PATH}/publish")
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["line"], problem["field"]) == (2, "code")
    assert problem["details"]["problems"][0]["line"] == 2
    checked = await api.ask("POST", "/api/v1/functions/check", {"language": "python", "code": "def main(:\n"})
    assert [one["severity"] for one in checked.json()["problems"]] == ["error"]


async def test_a_function_that_fails_is_an_answer(api: Api) -> None:
    await api.live(code="def main(n: int):\n    return 1 // n\n")
    answer = await api.ask("POST", f"{PATH}/execute", {"arguments": {"n": 0}})
    assert answer.status_code == 200
    failed = answer.json()
    assert (failed["state"], failed["error"]["line"]) == ("failed", 2)
    retried = await api.ask("POST", f"/api/v1/runs/{failed['run_id']}/retry", {"arguments": {"n": 1}})
    assert (retried.status_code, retried.json()["value"]) == (200, 1)
    again = await api.ask("POST", f"/api/v1/runs/{retried.json()['run_id']}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "run_not_failed")


async def test_a_repeated_request_runs_once(api: Api) -> None:
    await api.live()
    once = {"Idempotency-Key": "a-key"}
    first = await api.ask("POST", f"{PATH}/execute", {"arguments": {"name": "Ann"}}, **once)
    second = await api.ask("POST", f"{PATH}/execute", {"arguments": {"name": "Ann"}}, **once)
    assert first.json() == second.json()
    assert len((await api.ask("GET", f"{PATH}/runs")).json()["items"]) == 1
    other = await api.ask("POST", f"{PATH}/execute", {"arguments": {"name": "Bob"}}, **once)
    assert other.json()["code"] == "idempotency_key_reused"


async def test_a_run_for_later_is_accepted_with_its_address(api: Api) -> None:
    await api.live()
    answer = await api.ask("POST", f"{PATH}/execute?async=true", {"arguments": {"name": "later"}})
    assert answer.status_code == 202
    queued = answer.json()
    assert answer.headers["location"] == f"/api/v1/runs/{queued['run_id']}"
    run = (await api.ask("GET", answer.headers["location"])).json()
    assert run["arguments"] == {"name": "later"}


async def test_numbers_come_back_with_all_their_digits(api: Api) -> None:
    await api.live(code="def main(n: int):\n    return [n, n + 1, 0.1]\n")
    big = 2**70
    answer = await api.ask("POST", f"{PATH}/execute", {"arguments": {"n": big}})
    assert answer.json()["value"] == [big, big + 1, 0.1]
    run = await api.ask("GET", f"/api/v1/runs/{answer.json()['run_id']}")
    assert run.json()["value"] == [big, big + 1, 0.1]


async def test_where_a_connection_is_used(api: Api, practice: Any) -> None:
    await World(api.isthmus, practice).connected("practice_basic", "crm")
    await api.live(code='def main():\n    return connection("crm").get("/me").json()\n')
    found = (await api.ask("GET", "/api/v1/connections/crm/functions")).json()
    assert [one["name"] for one in found["items"]] == ["standalone.hello"]
    refused = await api.ask("DELETE", "/api/v1/connections/crm")
    assert (refused.status_code, refused.json()["details"]) == (409, {"functions": ["standalone.hello"]})
    assert (await api.ask("GET", "/api/v1/connections/other/functions")).status_code == 404
    done = (await api.ask("POST", f"{PATH}/execute")).json()
    assert done["value"]["name"] == "ada"
    (asked,) = (await api.ask("GET", f"/api/v1/runs/{done['run_id']}")).json()["requests"]
    assert (asked["connection"], asked["method"], asked["url"], asked["status"]) == ("crm", "GET", "/me", 200)
