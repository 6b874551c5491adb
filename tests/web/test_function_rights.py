"""Who may see, run and change functions, over HTTP: refusals before anything else."""

from __future__ import annotations

from typing import Any

import pytest
from tests.web.whole import HELLO, PATH, Api
from tests.world import World

pytestmark = pytest.mark.anyio

OWNED = 'def main():\n    return connection("crm").get("/me").json()["name"]\n'


async def test_what_one_may_not_see_is_answered_like_what_is_not_there(api: Api) -> None:
    await api.live(run_roles=["administrator"])
    ran = (await api.ask("POST", f"{PATH}/execute")).json()
    pairs = (
        ("GET", PATH, "/api/v1/functions/standalone.hullo"),
        ("POST", f"{PATH}/execute", "/api/v1/functions/standalone.hullo/execute"),
        ("GET", f"{PATH}/runs", "/api/v1/functions/standalone.hullo/runs"),
        ("GET", f"/api/v1/runs/{ran['run_id']}", "/api/v1/runs/01a214aa1d334fc9f6d4552782b4cb7c"),
        ("POST", f"/api/v1/runs/{ran['run_id']}/retry", "/api/v1/runs/01a214aa1d334fc9f6d4552782b4cb7c/retry"),
    )
    for method, foreign, missing in pairs:
        told = []
        for path in (foreign, missing):
            answer = await api.ask(method, path, None, "member")
            assert answer.status_code == 404, (path, answer.text)
            problem = answer.json()
            told.append(
                {key: str(problem[key]).replace("hullo", "hello") for key in ("code", "detail", "title", "hint")}
            )
        assert told[0] == told[1], foreign
    assert (await api.ask("GET", "/api/v1/functions", key="member")).json()["items"] == []


async def test_a_key_limited_to_some_connections_reaches_no_others_by_a_function(api: Api, practice: Any) -> None:
    await World(api.isthmus, practice).connected("practice_basic", "crm")
    await api.live(code=OWNED)
    await api.add_key("limited", role="developer", connections=["other"])
    done = (await api.ask("POST", f"{PATH}/execute", key="limited")).json()
    assert (done["state"], done["error"]["code"]) == ("failed", "connection_not_found")
    refused = await api.ask("PUT", PATH, {"code": HELLO}, "limited")
    assert (refused.status_code, refused.json()["code"]) == (403, "key_limited")
    assert (await api.ask("GET", PATH, key="limited")).json().get("code") is None
    assert (await api.ask("GET", "/api/v1/connections/crm/functions", key="limited")).status_code == 404


CALLER = 'def main() -> str:\n    return call("standalone.hello", "you")\n'


async def test_a_key_limited_to_some_functions_runs_no_others(api: Api) -> None:
    await api.live()
    await api.live(name="standalone.caller", code=CALLER)
    foreign = (await api.ask("POST", f"{PATH}/execute")).json()["run_id"]
    made = await api.ask(
        "POST", "/api/v1/api-keys", {"name": "n", "role": "administrator", "functions": ["standalone.caller"]}
    )
    assert (made.status_code, made.json()["functions"]) == (201, ["standalone.caller"])
    api.keys["limited"] = made.json()["key"]
    assert (await api.ask("GET", "/api/v1/me", key="limited")).json()["functions"] == ["standalone.caller"]
    for method, path in (
        ("POST", f"{PATH}/execute"),
        ("POST", f"{PATH}/execute?async=true"),
        ("POST", f"{PATH}/execute?version=draft"),
        ("GET", PATH),
        ("GET", f"{PATH}/runs"),
        ("GET", f"/api/v1/runs/{foreign}"),
        ("POST", f"/api/v1/runs/{foreign}/retry"),
        ("POST", f"/api/v1/runs/{foreign}/skip"),
    ):
        assert (await api.ask(method, path, key="limited")).status_code == 404, path
    listed = (await api.ask("GET", "/api/v1/functions", key="limited")).json()["items"]
    assert [one["name"] for one in listed] == ["standalone.caller"]
    done = await api.ask("POST", "/api/v1/functions/standalone.caller/execute", key="limited")
    assert (done.json()["error"], done.json()["value"]) == (None, "Hello you")


@pytest.mark.parametrize("limit", [{"functions": ["standalone.hello"]}, {"connections": ["crm"]}])
async def test_a_limited_key_administers_nothing_whatever_its_role(api: Api, limit: dict[str, Any]) -> None:
    await api.live()
    await api.add_key("limited", role="administrator", **limit)
    trigger = {"function": "standalone.hello", "kind": "webhook"}
    for method, path, body in (
        ("PUT", PATH, {"code": HELLO}),
        ("DELETE", PATH, None),
        ("POST", f"{PATH}/publish", None),
        ("POST", "/api/v1/triggers", trigger),
        ("GET", "/api/v1/triggers", None),
        ("POST", "/api/v1/services", {"link_name": "x", "name": "X", "auth_type": "basic"}),
        ("PATCH", "/api/v1/services/practice_basic", {"name": "X"}),
        ("POST", "/api/v1/connections", {"link_name": "crm", "name": "X", "service": "slack"}),
        ("DELETE", "/api/v1/connections/crm", None),
        ("GET", "/api/v1/activity", None),
        ("POST", "/api/v1/clients", {"name": "X", "client_type": "self"}),
        ("POST", "/api/v1/api-keys", {"name": "free", "role": "administrator"}),
    ):
        answer = await api.ask(method, path, body, "limited")
        assert answer.status_code == 403, (method, path, answer.text)
        assert answer.json()["code"] in ("key_limited", "administrator_required")


async def test_a_function_runs_as_its_owner_only_by_an_administrators_recorded_choice(api: Api, practice: Any) -> None:
    await World(api.isthmus, practice).connected("practice_basic", "crm")
    await api.live(code=OWNED)
    await api.add_key("limited", connections=[])
    refused = await api.ask("PUT", PATH, {"run_as": "owner"}, "developer")
    assert refused.status_code == 403
    assert (await api.ask("GET", PATH)).json()["run_as"] == "caller"
    assert (await api.ask("POST", f"{PATH}/execute", key="limited")).json()["state"] == "failed"
    chosen = (await api.ask("PUT", PATH, {"run_as": "owner"})).json()
    administrator = (await api.ask("GET", "/api/v1/me")).json()["id"]
    assert (chosen["run_as"], chosen["owner"]) == ("owner", administrator)
    told = (await api.ask("GET", "/api/v1/activity?limit=50")).json()["items"]
    (entry,) = [one for one in told if one["action"] == "function.run_as"]
    assert (entry["actor"], entry["target"], entry["details"]["run_as"]) == (administrator, "standalone.hello", "owner")
    done = (await api.ask("POST", f"{PATH}/execute", key="limited")).json()
    assert (done["error"], done["value"]) == (None, "ada")
    run = (await api.ask("GET", f"/api/v1/runs/{done['run_id']}", key="limited")).json()
    assert run["run_as"] == administrator
    assert run["actor"] != administrator
    assert (await api.ask("POST", f"{PATH}/publish", {}, "developer")).json()["code"] == "owner_function"
    tried = (await api.ask("PUT", PATH, {"code": HELLO}, "developer")).json()
    assert tried["state"] == "changed"
    draft = (await api.ask("POST", f"{PATH}/execute?version=draft", {}, "developer")).json()
    assert (await api.ask("GET", f"/api/v1/runs/{draft['run_id']}")).json()["run_as"] != administrator


async def test_a_run_is_retried_by_who_may_read_it_and_with_their_rights(api: Api) -> None:
    await api.live(code="def main(n: int):\n    return 12 // n\n")
    failed = (await api.ask("POST", f"{PATH}/execute", {"arguments": {"n": 0}}, "member")).json()
    await api.add_key("other")
    path = f"/api/v1/runs/{failed['run_id']}/retry"
    assert (await api.ask("POST", path, {}, "other")).status_code == 404
    wrong = await api.ask("POST", path, {"arguments": {"m": 1}}, "member")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "arguments.m")
    once = {"Idempotency-Key": "retry-1"}
    mended = (await api.ask("POST", path, {"arguments": {"n": 3}}, "developer", **once)).json()
    assert mended["value"] == 4
    assert (await api.ask("POST", path, {"arguments": {"n": 3}}, "developer", **once)).json() == mended
    run = (await api.ask("GET", f"/api/v1/runs/{mended['run_id']}")).json()
    assert (run["retry_of"], run["attempt"], run["arguments"]) == (failed["run_id"], 2, {"n": 3})
    assert run["actor"] != failed.get("actor")


async def test_a_repeated_creation_makes_one_function(api: Api) -> None:
    once = {"Idempotency-Key": "make-1"}
    document = {"name": "standalone.hello", "language": "python", "code": HELLO}
    first = await api.ask("POST", "/api/v1/functions", document, **once)
    second = await api.ask("POST", "/api/v1/functions", document, **once)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    taken = await api.ask("POST", "/api/v1/functions", document)
    assert (taken.status_code, taken.json()["code"], taken.json()["field"]) == (409, "name_taken", "name")


async def test_every_route_of_functions_is_in_the_description_of_the_api(api: Api) -> None:
    paths = (await api.client.get("/openapi.json")).json()["paths"]
    expected = {
        "/api/v1/functions": {"get", "post"},
        "/api/v1/functions/check": {"post"},
        "/api/v1/functions/{name}": {"get", "put", "delete"},
        "/api/v1/functions/{name}/publish": {"post"},
        "/api/v1/functions/{name}/roll-back": {"post"},
        "/api/v1/functions/{name}/versions": {"get"},
        "/api/v1/functions/{name}/diff": {"get"},
        "/api/v1/functions/{name}/execute": {"post"},
        "/api/v1/functions/{name}/runs": {"get"},
        "/api/v1/runs/{id}": {"get"},
        "/api/v1/runs/{id}/retry": {"post"},
        "/api/v1/connections/{link_name}/functions": {"get"},
    }
    for path, methods in expected.items():
        described = {method: paths[path][method] for method in methods}
        for method, operation in described.items():
            assert operation["summary"], (method, path)
            good = next(answer for code, answer in operation["responses"].items() if code.startswith("2"))
            assert "204" in operation["responses"] or good["content"]["application/json"]["schema"], (method, path)
            if method in ("put", "post") and not path.endswith(("versions", "diff")):
                assert "requestBody" in operation, (method, path)
