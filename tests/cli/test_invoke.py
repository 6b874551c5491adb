"""`isthmus invoke`, `test`, `refresh` and `status`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.served import free_port

BASIC = ["--username", "ada", "--password-stdin"]


@pytest.fixture
def connected(prepared: Any) -> Any:
    done = prepared("connect", "practice_basic", *BASIC, stdin="pa:ss wörd\n")
    assert done.exit_code == 0, done.stderr
    return prepared


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nobody", "GET", "/me"], 2, "no connection 'nobody'"),
        (["practice_basic", "FETCH", "/me"], 2, "field: type"),
        (["practice_basic", "GET", "https://elsewhere.example/me"], 2, "hosts"),
        (["practice_basic", "GET", "//elsewhere.example/me"], 2, "field: url"),
        (["practice_basic", "GET", "/me", "-H", "no colon"], 2, "field: -H"),
        (["practice_basic", "GET", "/me", "-H", "X-A: b\r\nX-C: d"], 2, "malformed"),
        (["practice_basic", "POST", "/items", "-d", "@/not/there"], 2, "cannot be read"),
        (["practice_api_key", "GET", "/me"], 3, "Authorize the connection first"),
    ],
)
def test_what_cannot_be_sent_says_why(connected: Any, practice: Any, words: list[str], code: int, said: str) -> None:
    before = len(practice.log())
    asked = connected("invoke", *words)
    assert asked.exit_code == code
    assert said in asked.stderr
    assert asked.stdout == ""
    assert len(practice.log()) == before


def test_a_third_party_that_is_away_ends_with_4(connected: Any, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    service = {"link_name": "away", "name": "Away", "auth_type": "basic", "base_url": url}
    path = tmp_path / "away.yaml"
    path.write_text(
        yaml.safe_dump({"services": [service], "connections": [{"link_name": "away", "name": "A", "service": "away"}]})
    )
    assert connected("apply", str(path)).exit_code == 0
    assert connected("connect", "away", *BASIC, stdin="x\n").exit_code == 0
    asked = connected("invoke", "away", "GET", "/me")
    assert asked.exit_code == 4
    assert "hint:" in asked.stderr


def test_the_third_partys_refusal_is_an_answer_unless_asked_to_fail(connected: Any) -> None:
    assert connected("invoke", "practice_basic", "GET", "/status/404").exit_code == 0
    assert connected("invoke", "practice_basic", "GET", "/status/404", "--fail").exit_code == 1
    assert connected("invoke", "practice_basic", "GET", "/me", "--fail").exit_code == 0


def test_the_body_is_printed_as_it_came(connected: Any) -> None:
    assert json.loads(connected("invoke", "practice_basic", "GET", "/me").stdout)["name"] == "ada"
    asked = connected("invoke", "practice_basic", "get", "/bytes?n=5000")
    assert len(asked.stdout_bytes) == 5000


def test_status_and_headers_come_first_if_asked_for(connected: Any) -> None:
    head, _, body = connected("invoke", "practice_basic", "GET", "/me", "-i").stdout.partition("\n\n")
    assert head.startswith("HTTP 200\n")
    assert "content-type: application/json" in head.lower()
    assert json.loads(body)["name"] == "ada"


def test_the_answer_is_printed_as_json_if_asked_for(connected: Any) -> None:
    answer = json.loads(connected("invoke", "practice_basic", "GET", "/me", "--json").stdout)
    assert answer["status"] == 200
    assert answer["body"]["name"] == "ada"
    assert answer["request_id"].startswith("cli-")
    raw = json.loads(connected("invoke", "practice_basic", "GET", "/bytes?n=3", "--json").stdout)
    assert {"body", "body_base64"} & set(raw)


@pytest.mark.parametrize(
    ("words", "media_type", "body"),
    [
        (["-d", '{"a": 1}'], "application/json", '{"a": 1}'),
        (["-d", "a=1&b=2"], "application/x-www-form-urlencoded", "a=1&b=2"),
        (["-d", "<a/>", "-H", "Content-Type: text/xml"], "text/xml", "<a/>"),
        (["-d", "@-"], "application/json", "[1]"),
        (["-d", "@FILE"], "application/json", '"from a file"'),
    ],
)
def test_a_body_arrives_with_its_type(
    connected: Any, tmp_path: Path, words: list[str], media_type: str, body: str
) -> None:
    (tmp_path / "body").write_text('"from a file"')
    words = [word.replace("FILE", str(tmp_path / "body")) for word in words]
    asked = connected("invoke", "practice_basic", "POST", "/echo", *words, stdin="[1]")
    echoed = json.loads(asked.stdout)
    headers = {name.lower(): value for name, value in dict(echoed["headers"]).items()}
    assert headers["content-type"] == media_type
    assert echoed["body"] == body


def test_test_says_who_and_ends_with_3_where_nobody_is(connected: Any) -> None:
    seen = connected("test", "practice_basic")
    assert seen.exit_code == 0
    assert json.loads(seen.stdout)["identity"] == "ada"
    assert connected("test", "practice_api_key").exit_code == 3


def test_refresh_says_until_when_and_refuses_what_has_nothing_to_refresh(connected: Any) -> None:
    assert connected("connect", "practice_oauth2_client").exit_code == 0
    done = connected("refresh", "practice_oauth2_client")
    assert done.exit_code == 0, done.stderr
    assert "is connected until 20" in done.stdout
    assert connected("refresh", "practice_basic").exit_code == 2


def test_status_names_what_mends(connected: Any, practice: Any) -> None:
    lines = connected("status").stdout.splitlines()
    assert "practice_basic  practice_basic  connected as ada" in lines
    assert any(line.startswith("practice_api_key  practice_api_key  not_connected") for line in lines)
    assert connected("status", "nobody").exit_code == 2
