"""`isthmus functions`, and functions in `apply` and `export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

DELUGE = 'string standalone.greet(string name)\n{\n\tinfo "greeting " + name;\n\treturn "Hello " + name;\n}\n'
PYTHON = "def main(n: int) -> float:\n    return 12 / n\n"
HELLO = {"name": "standalone.hello", "language": "python", "code": PYTHON}


def put(directory: Path, name: str, code: str) -> str:
    path = directory / name
    path.write_text(code)
    return str(path)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("standalone.greet.txt", DELUGE, "does not say its language"),
        ("greet.py", PYTHON, "field: name"),
        ("standalone.greet.py", " ", "The code is missing."),
        ("standalone.greet.py", b"\xff\xfe", "is not UTF-8"),
        ("standalone.none.py", None, "cannot be read"),
    ],
)
def test_what_cannot_be_pushed_is_refused_with_the_remedy(
    terminal: Any, tmp_path: Path, name: str, code: Any, said: str
) -> None:
    path = tmp_path / name
    if code is not None:
        path.write_bytes(code if isinstance(code, bytes) else code.encode())
    asked = terminal("functions", "push", str(path))
    assert asked.exit_code == 2
    assert said in asked.stderr
    assert "hint:" in asked.stderr
    assert terminal("functions", "pull", "--to", str(tmp_path / "out")).stdout == ""


@pytest.mark.parametrize("words", [("--arguments", "[1]"), ("--arguments", "{"), ("--record", "@nowhere.json"), ("--mapping", "3")])  # fmt: skip
def test_arguments_that_are_no_object_are_refused(terminal: Any, words: tuple[str, str]) -> None:
    asked = terminal("functions", "run", "standalone.greet", *words)
    assert asked.exit_code == 2
    assert words[0] in asked.stderr or "nowhere.json" in asked.stderr


def test_a_function_or_run_that_there_is_not_is_told(terminal: Any) -> None:
    for words in (("run", "standalone.x"), ("logs", "standalone.x"), ("logs", "0190"), ("pull", "standalone.x")):
        asked = terminal("functions", *words)
        assert asked.exit_code == 2, words
        assert "There is no" in asked.stderr


def test_code_that_does_not_pass_is_saved_and_not_made_live(terminal: Any, tmp_path: Path) -> None:
    path = put(tmp_path, "standalone.greet.deluge", 'info "a";\nreturn nme;\n')
    asked = terminal("functions", "push", path, "--publish")
    assert asked.exit_code == 5
    assert f"{path}:2:8: error: Variable `nme` is not defined." in asked.stderr
    assert asked.stdout == "function standalone.greet: created, draft 1, not live\n"
    assert terminal("functions", "run", "standalone.greet").exit_code == 2


def test_files_are_pushed_run_and_pulled_again(terminal: Any, tmp_path: Path) -> None:
    path = put(tmp_path, "standalone.greet.deluge", DELUGE)
    pushed = terminal("functions", "push", path, "--publish", "--note", "first")
    assert (pushed.stdout, pushed.stderr) == ("function standalone.greet: created, draft 1, live 1\n", "")
    assert terminal("functions", "push", path).stdout == "function standalone.greet: unchanged, draft 1, live 1\n"
    done = terminal("functions", "run", "standalone.greet", "--arguments", '{"name": "Ünal"}')
    assert (done.exit_code, done.stdout, done.stderr) == (0, '"Hello Ünal"\n', "greeting Ünal\n")
    put(tmp_path, "standalone.greet.deluge", DELUGE.replace("Hello", "Bye"))
    assert terminal("functions", "push", path).stdout == "function standalone.greet: updated, draft 2, live 1\n"
    record = put(tmp_path, "record.json", '{"Leads": {"Name": "Ann"}}')
    words = ("--record", f"@{record}", "--mapping", '{"name": "${Leads.Name}"}')
    assert terminal("functions", "run", "standalone.greet", "--draft", *words).stdout == '"Bye Ann"\n'
    out = tmp_path / "out"
    assert terminal("functions", "pull", "--to", str(out)).stdout == f"{out}/standalone.greet.deluge\n"
    assert (out / "standalone.greet.deluge").read_text() == DELUGE.replace("Hello", "Bye")
    refused = terminal("functions", "pull", "--published", "--to", str(out))
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert terminal("functions", "pull", "standalone.greet", "--published", "--force", "--to", str(out)).exit_code == 0
    assert (out / "standalone.greet.deluge").read_text() == DELUGE


def test_a_script_without_a_header_keeps_its_declared_arguments(terminal: Any, tmp_path: Path) -> None:
    code = "return email.toUpperCase();\n"
    item = {"name": "standalone.up", "language": "deluge", "code": code, "publish": True}
    item["arguments"] = [{"name": "email", "type": "string", "default": "none"}]
    file = tmp_path / "up.yaml"
    file.write_text(yaml.safe_dump({"functions": [item]}))
    assert terminal("apply", str(file)).exit_code == 0
    path = put(tmp_path, "standalone.up.deluge", "return email.toLowerCase();\n")
    assert terminal("functions", "push", path, "--publish").exit_code == 0
    assert terminal("functions", "run", "standalone.up").stdout == '"none"\n'


def test_runs_are_listed_and_one_is_shown(terminal: Any, tmp_path: Path) -> None:
    path = put(tmp_path, "standalone.divide.py", PYTHON)
    assert terminal("functions", "push", path, "--publish").exit_code == 0
    assert terminal("functions", "run", "standalone.divide", "--arguments", '{"n": 5}').stdout == "2.4\n"
    failed = terminal("functions", "run", "standalone.divide", "--arguments", '{"n": 0}')
    assert (failed.exit_code, failed.stdout) == (5, "")
    assert failed.stderr.startswith("standalone.divide:2:")
    as_json = terminal("functions", "run", "standalone.divide", "--arguments", '{"n": 0}', "--json")
    assert as_json.exit_code == 5
    error = json.loads(as_json.stdout)["error"]
    listed = terminal("functions", "logs", "standalone.divide").stdout.splitlines()
    assert [line.split("  ")[2] for line in listed] == ["failed", "failed", "finished"]
    assert len(terminal("functions", "logs", "standalone.divide", "--state", "finished").stdout.splitlines()) == 1
    assert terminal("functions", "logs", "standalone.divide", "--state", "odd").exit_code == 2
    run_id = listed[0].split("  ")[1]
    shown = terminal("functions", "logs", run_id).stdout
    assert 'arguments {"n":0}' in shown
    assert f"error line 2, column {error['column']}: {error['message']}" in shown
    whole = json.loads(terminal("functions", "logs", run_id, "--json").stdout)
    assert (whole["id"], whole["error"], whole["trigger"], whole["run_as"]) == (run_id, error, "cli", "system")


def test_functions_are_applied_and_exported(terminal: Any, tmp_path: Path) -> None:
    inner = {
        "name": "standalone.inner",
        "language": "deluge",
        "code": DELUGE.replace("greet", "inner"),
        "publish": True,
    }
    outer = {
        "name": "standalone.outer",
        "language": "python",
        "description": "Calls the other",
        "code": 'def main():\n    return call("standalone.inner", "Ann")\n',
        "run_roles": ["administrator"],
        "publish": True,
    }
    draft = {"name": "standalone.draft", "language": "deluge", "code": "half a script"}
    file = tmp_path / "functions.yaml"
    file.write_text(yaml.safe_dump({"functions": [outer, inner, draft]}))
    dry = terminal("apply", str(file), "--dry-run")
    assert dry.stdout.splitlines() == [f"function standalone.{name}: created" for name in ("outer", "inner", "draft")]
    assert terminal("functions", "run", "standalone.outer").exit_code == 2
    assert terminal("apply", str(file)).stdout == dry.stdout
    assert terminal("apply", str(file)).stdout == dry.stdout.replace("created", "unchanged")
    assert terminal("functions", "run", "standalone.outer").stdout == '"Hello Ann"\n'
    exported = terminal("export").stdout
    assert "  code: |" in exported
    again = tmp_path / "again.yaml"
    again.write_text(exported)
    elsewhere = str(tmp_path / "elsewhere")
    assert terminal("apply", str(again), data_dir=elsewhere).exit_code == 0
    assert terminal("export", data_dir=elsewhere).stdout == exported
    file.write_text(yaml.safe_dump({"functions": [{**outer, "description": "Other", "code": outer["code"] + "\n"}]}))
    assert terminal("apply", str(file)).stdout == "function standalone.outer: updated (code, description, publish)\n"
    assert terminal("apply", str(file)).stdout == "function standalone.outer: unchanged\n"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": None}, "name", 2),
        ({"publish": "yes"}, "publish", 2),
        ({"langage": "python"}, "langage", 2),
        ({"language": "perl"}, "language", 2),
        ({"code": "def main(:\n", "publish": True}, "code", 5),
        ({"code": 'def main():\n    connection("nowhere")\n', "publish": True}, "code", 5),
    ],
)
def test_a_function_that_cannot_be_applied_changes_nothing(
    terminal: Any, tmp_path: Path, changes: dict[str, Any], field: str, code: int
) -> None:
    file = tmp_path / "functions.yaml"
    good = {**HELLO, "name": "standalone.good"}
    file.write_text(yaml.safe_dump({"functions": [good, {**HELLO, **changes}]}))
    asked = terminal("apply", str(file))
    assert asked.exit_code == code
    assert f"field: {file}: functions[1].{field}" in asked.stderr
    assert terminal("functions", "pull", "--to", str(tmp_path / "out")).stdout == ""
