"""The snippet on a connection's page is a function that runs, and so is what people make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.web.whole import PATH, Api
from tests.world import World

pytestmark = pytest.mark.anyio

TYPES = ("practice_oauth2", "practice_oauth1", "practice_basic", "practice_api_key")
RECORD = {"Leads": {"Email": "ann@example.com", "Items": [{"Name": "Chair"}, {"Name": "Table"}]}}
MAPPING = {"email": "${Leads.Email}", "item": "${Leads.Items[1].Name}", "phone": "${Leads.Phone|none}"}
ARGUMENTS = [{"name": name, "type": "string"} for name in ("email", "item", "phone")]

PYTHON = """def main(email: str, item: str, phone: str) -> list:
    third = connection("crm")
    me = third.get("/me").json()["name"]
    made = third.post("/items", json={"email": email, "item": item}).json()
    path = "/items/" + str(made["id"])
    put = third.put(path, json={"email": email, "phone": phone}).json()
    patched = third.patch(path, form={"item": item}).json()
    gone = third.delete(path).status
    return [me, made, put, patched, gone, third.get(path).status]
"""


def _deluge(snippet: str) -> str:
    """The five methods, each the snippet with its variable, URL and type changed and parameters added."""

    def call(name: str, url: str, method: str, *more: str) -> str:
        lines = snippet.replace("response", name).replace("type :GET", "\n\t".join((f"type :{method}", *more)))
        start = lines.index('url :"') + len('url :"')
        return lines[:start] + url + lines[lines.index('"', start) :]

    json = 'headers:{"Content-Type":"application/json"}'
    return "\n".join(
        (
            snippet,
            call("made", "/items", "POST", 'parameters:{"email":email,"item":item}.toString()', json),
            'path = "/items/" + made.get("id");',
            call("put", "PATH", "PUT", 'parameters:{"email":email,"phone":phone}').replace('"PATH"', "path"),
            call("patched", "PATH", "PATCH", 'body:{"item":item}').replace('"PATH"', "path"),
            call("gone", "PATH", "DELETE", "detailed:true").replace('"PATH"', "path"),
            call("after", "PATH", "GET", "detailed:true").replace('"PATH"', "path"),
            'return {response.get("name"), made, put, patched, gone.get("responseCode"), after.get("responseCode")};',
        )
    )


@pytest.mark.parametrize("service", TYPES)
async def test_a_snippet_runs_as_shown_and_with_every_method(api: Api, practice: Any, service: str) -> None:
    await World(api.isthmus, practice).connected(service, "crm")
    snippet = (await api.ask("GET", "/api/v1/connections/crm/snippet")).json()["deluge"]
    assert (await api.ask("POST", f"{PATH}/execute")).status_code == 404
    await api.live(language="deluge", code=snippet)
    shown = (await api.ask("POST", f"{PATH}/execute", key="member")).json()
    assert shown["error"] is None
    assert '"name":"ada"' in shown["info"][0]
    python = (await api.ask("GET", "/api/v1/connections/crm/snippet")).json()["python_function"]
    await api.live(name="standalone.shown", code=python)
    shown = (await api.ask("POST", "/api/v1/functions/standalone.shown/execute", key="member")).json()
    assert shown["error"] is None
    assert json.loads(shown["info"][0])["name"] == "ada"
    for name, code, declared in (("deluge", _deluge(snippet), {"arguments": ARGUMENTS}), ("python", PYTHON, {})):
        await api.live(name=f"standalone.{name}", language=name, code=code, **declared)
        body = {"record": RECORD, "mapping": MAPPING}
        done = (await api.ask("POST", f"/api/v1/functions/standalone.{name}/execute", body, "member")).json()
        assert done["error"] is None, (name, done)
        who, made, put, patched, gone, after = done["value"]
        number = made["id"]
        assert who == "ada"
        assert made == {"email": "ann@example.com", "item": "Table", "id": number}
        assert put == {"email": "ann@example.com", "phone": "none", "id": number}
        assert patched == {"email": "ann@example.com", "phone": "none", "item": "Table", "id": number}
        assert (gone, after) == (204, 404)
        run = (await api.ask("GET", f"/api/v1/runs/{done['run_id']}", key="member")).json()
        assert [one["method"] for one in run["requests"]] == ["GET", "POST", "PUT", "PATCH", "DELETE", "GET"]
        assert [one["status"] for one in run["requests"]] == [200, 201, 200, 200, 204, 404]
        assert {one["connection"] for one in run["requests"]} == {"crm"}
        assert run["arguments"] == {"email": "ann@example.com", "item": "Table", "phone": "none"}
