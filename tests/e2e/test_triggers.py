"""Webhooks and events on the real server, which is killed the moment after it has answered."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.journey import connect, make_connection, make_service
from tests.served import Served, serving, start_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

POSTS = 'def main(tag: str):\n    return connection("crm").post("/items", json={"tag": tag}).status\n'
TELLS = "def main(name: str, link: str):\n    return [name, link]\n"


def live(served: Served, name: str, code: str) -> None:
    function = {"name": name, "language": "python", "code": code}
    assert served.ask("POST", "/api/v1/functions", function).status == 201
    assert served.ask("POST", f"/api/v1/functions/{name}/publish").status == 200


def trigger(served: Served, **document: Any) -> dict[str, Any]:
    reply = served.ask("POST", "/api/v1/triggers", document)
    assert reply.status == 201, reply.body
    return dict(reply.document)


def runs(served: Served, name: str, count: int) -> list[dict[str, Any]]:
    """The function's runs in full, once there are so many and each has ended or waits for a person."""
    deadline = time.monotonic() + 90
    while True:
        found = served.ask("GET", f"/api/v1/functions/{name}/runs?limit=100").document["items"]
        if len(found) == count and all(run["state"] in ("finished", "failed", "interrupted") for run in found):
            return [served.ask("GET", f"/api/v1/runs/{run['id']}").document for run in found]
        assert time.monotonic() < deadline, Counter(run["state"] for run in found)
        time.sleep(0.2)


def test_what_was_answered_202_is_run_though_the_server_was_killed(tmp_path: Path, practice: Any) -> None:
    served = start_server(tmp_path)
    port = int(served.url.rsplit(":", 1)[1])
    make_service(served, practice, "practice_basic")
    make_connection(served, "practice_basic", "crm")
    live(served, "standalone.note", POSTS)
    live(served, "standalone.tell", TELLS)
    mapping = {"name": "${event.name}", "link": "${connection.link_name}"}
    event = {"connection": "crm", "events": ["connected"]}
    trigger(served, function="standalone.tell", kind="event", event=event, mapping=mapping)
    hook = trigger(served, function="standalone.note", kind="webhook", mapping={"tag": "${body.tag}"})
    path = hook["webhook"]["url"].removeprefix(served.url)
    connect(served, practice, "crm", "practice_basic")
    practice.dials(api={"slow_seconds": 0.5})
    answers = [served.ask("POST", path, {"tag": f"tag-{number:02}"}, key="") for number in range(12)]
    served.end(hard=True)
    assert [answer.status for answer in answers] == [202] * 12
    practice.dials(api={})
    with serving(tmp_path, port=port, key=served.key) as again:
        ended = runs(again, "standalone.note", 12)
        (told,) = runs(again, "standalone.tell", 1)
    assert {run["id"] for run in ended} == {answer.document["run_id"] for answer in answers}
    posted = Counter(item["tag"] for item in practice.ask_api("/items")["items"])
    assert max(posted.values()) == 1, "a POST was made twice"
    for run in ended:
        assert (run["state"], run["value"]) == ("finished", 201) or run["error_code"] == "call_fate_unknown"
        assert run["state"] != "finished" or posted[run["arguments"]["tag"]] == 1
    assert (told["state"], told["value"]) == ("finished", ["connected", "crm"])
