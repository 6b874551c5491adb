"""`isthmus deluge run`: wrong use first, then what it prints, and the requests of every conformance case with a call."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "functions" / "deluge" / "cases.jsonl").read_text("utf-8").splitlines()
]
CALLS = [case for case in CASES if "http" in case]
POST = 'r = invokeurl [ url: "https://api.test/a?q=1" type: POST parameters: {"a": "ä"} connection: "c" ];\n'


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Writes a file and gives its path."""

    def write(text: str, name: str = "script.dg") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["--arguments", "[1]"], "--arguments"),
        (["--arguments", "{'a': 1}"], "--arguments"),
        (["--arguments", "[" * 100_000], "--arguments"),
        (["--now", "yesterday"], "--now"),
        (["--timezone", "Nowhere/Town"], "--timezone"),
        (["--timezone", "../../etc/passwd"], "--timezone"),
    ],
)
def test_a_wrong_word_is_named(terminal: Any, script: Any, words: list[str], field: str) -> None:
    done = terminal("deluge", "run", script("return 1;"), *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"field: {field}\n" in done.stderr


@pytest.mark.parametrize(
    ("replies", "field"),
    [
        ("{}", "replies"),
        ("[5]", "replies[0]"),
        ('[{"status": 200}, {"status": "200"}]', "replies[1].status"),
        ('[{"headers": {"a": 1}}]', "replies[0].headers"),
        ('[{"boddy": ""}]', "replies[0]"),
    ],
)
def test_wrong_replies_are_named(terminal: Any, script: Any, replies: str, field: str) -> None:
    done = terminal("deluge", "run", script("return 1;"), "--replies", script(replies, "replies.json"))
    assert done.exit_code == 2
    assert f"field: {field}\n" in done.stderr


def test_a_file_that_is_not_there_is_named(terminal: Any, tmp_path: Path) -> None:
    done = terminal("deluge", "run", str(tmp_path / "none.dg"))
    assert done.exit_code == 2
    assert "none.dg cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [("{}", "'name' is missing"), ('{"nam": 1}', "no argument 'nam'")],
)
def test_arguments_fit_the_header(terminal: Any, script: Any, given: str, said: str) -> None:
    source = script("string standalone.greet(string name) { return name; }")
    done = terminal("deluge", "run", source, "--arguments", given)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("source", "error", "steps"),
    [
        ("info 1;\nx = 1 / 0;", {"message": "Division by zero.", "line": 2, "column": 7}, 2),
        ("info 1\nx = 2;", {"message": "Missing ; after info.", "line": 1, "column": 7}, 0),
        ("return nme;", {"message": "Variable `nme` is not defined.", "line": 1, "column": 8}, 0),
    ],
)
def test_a_script_that_fails_says_where(
    terminal: Any, script: Any, source: str, error: dict[str, Any], steps: int
) -> None:
    path = script(source)
    done = terminal("deluge", "run", path, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 5
    assert found == {"value": None, "info": ["1"] if steps else [], "error": error, "steps": steps}
    plain = terminal("deluge", "run", path)
    assert plain.exit_code == 5
    assert f"{path}:{error['line']}:{error['column']}: {error['message']}" in plain.stderr


def test_value_output_and_steps_are_printed(terminal: Any, script: Any) -> None:
    source = script('info "a";\ninfo {"b": 1};\nreturn {"id": 1234567890123456789, "half": 0.10, "name": name};')
    done = terminal("deluge", "run", source, "--json", "--arguments", '{"name": "Ann"}')
    assert done.stdout == (
        '{"value":{"id":1234567890123456789,"half":0.1,"name":"Ann"},"info":["a","{\\"b\\":1}"],"error":null,"steps":3}\n'
    )
    assert done.exit_code == 0
    plain = terminal("deluge", "run", source, "--arguments", '{"name": "Ann"}')
    assert plain.stdout == 'a\n{"b":1}\n{"id":1234567890123456789,"half":0.1,"name":"Ann"}\n'


def test_the_clock_and_the_zone_are_what_one_says(terminal: Any, script: Any) -> None:
    source = script('return zoho.currenttime.toString("yyyy-MM-dd HH:mm:ss");')
    words = ("--timezone", "Asia/Tokyo")
    for now, shown in (
        ("2026-01-02T03:04:05", "2026-01-02 03:04:05"),
        ("2026-01-02T03:04:05+00:00", "2026-01-02 12:04:05"),
        ("2026-01-02", "2026-01-02 00:00:00"),
    ):
        assert terminal("deluge", "run", source, "--now", now, *words).stdout == f"{shown}\n"


def test_the_limit_of_statements_can_be_raised(terminal: Any, script: Any) -> None:
    source = script('n = 0; for each x in "a,".repeat(6000).toList() { n = n + 1; } return n;')
    refused = terminal("deluge", "run", source, "--json")
    assert json.loads(refused.stdout)["error"]["message"].startswith("Number of statement execution limit exceed")
    assert terminal("deluge", "run", source, "--statements", "200000").stdout == "6001\n"


def test_a_call_without_a_reply_is_a_fault_that_can_be_caught(terminal: Any, script: Any) -> None:
    done = terminal("deluge", "run", script("info 1;\n" + POST), "--json")
    found = json.loads(done.stdout)
    assert (found["error"]["line"], found["error"]["column"]) == (2, 5)
    assert "--replies" in found["error"]["message"]
    assert "requests" not in found
    caught = terminal("deluge", "run", script("try {" + POST + "} catch (e) { return 7; }"))
    assert caught.stdout == "7\n"


def test_requests_are_told_as_they_would_be_sent(terminal: Any, script: Any) -> None:
    replies = script(
        '[{"status": 201, "body": {"ok": [1]}, "headers": {"Content-Type": "application/json"}}]', "r.json"
    )
    source = script(POST + 'sendmail [ from: zoho.adminuserid to: "a@b.test" subject: "s" message: "m" ];\nreturn r;')
    done = terminal("deluge", "run", source, "--json", "--replies", replies)
    found = json.loads(done.stdout)
    assert found["value"] == {"ok": [1]}
    assert found["requests"] == [
        {
            "method": "POST",
            "url": "https://api.test/a",
            "query": {"q": "1"},
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "body": "a=%C3%A4",
            "connection": "c",
        }
    ]
    assert "Line 2: the mail to a@b.test was not sent." in done.stderr


def test_a_reply_keeps_its_digits_and_a_mail_goes_to_several(terminal: Any, script: Any) -> None:
    replies = script('[{"body": {"sum": 100.10, "id": 4000000000000000001}}]', "r.json")
    mail = 'sendmail [ from: zoho.adminuserid to: "a@b.test","c@d.test" cc: "e@f.test" subject: "s" message: "m" ];'
    done = terminal("deluge", "run", script(f"{mail}\n{POST}\nreturn r;"), "--json", "--replies", replies)
    assert json.loads(done.stdout)["value"] == {"sum": 100.1, "id": 4000000000000000001}
    assert "the mail to a@b.test, c@d.test was not sent" in done.stderr


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case["id"])
def test_a_conformance_case_sends_what_it_says(terminal: Any, script: Any, case: dict[str, Any]) -> None:
    replies = script(json.dumps([case["reply"]]), "replies.json")
    done = terminal("deluge", "run", script(case["script"]), "--json", "--replies", replies)
    found = json.loads(done.stdout)
    (request,) = found["requests"]
    expected = case["http"]
    assert found["value"] == case["expect"]
    assert request["method"] == expected["method"]
    assert request["url"] == expected["url"]
    assert request["query"] == expected.get("query", {})
    assert (request["connection"] or "") == expected.get("connection", "")
    for name, value in expected.get("headers", {}).items():
        # What a connection adds, it adds on a server.
        assert value.startswith("<from connection") or request["headers"][name] == value
    assert "body" not in expected or request["body"] == expected["body"]
    assert "body_json" not in expected or json.loads(request["body"]) == expected["body_json"]


def test_neither_server_nor_database_is_loaded(script: Any) -> None:
    source = script("return 1;")
    code = (
        "import sys\nfrom isthmus.cli.commands import application\n"
        f"sys.argv = ['isthmus', 'deluge', 'run', {source!r}]\n"
        "try: application()\n"
        "except SystemExit: print([m for m in ('sqlalchemy', 'fastapi', 'granian', 'isthmus.app') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1\n[]\n"
