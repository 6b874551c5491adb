"""`isthmus deluge check` and `isthmus deluge grammar`; the language server has tests of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_each_problem_is_one_line_and_the_exit_code_is_1(terminal: Any, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.dg", tmp_path / "good.dg"
    bad.write_text('x = "a".getPrefx("b");\nfor each v in {"a":1} { info v; }\nwhile(true) { }\ninfo x;\n')
    good.write_text("info 1;\n")
    asked = terminal("deluge", "check", str(good), str(bad))
    assert asked.exit_code == 1
    first, second, third = asked.stdout.splitlines()
    assert first == f"{bad}:1:9: There is no function `getPrefx`. Did you mean getPrefix? [unknown_function]"
    assert second.startswith(f"{bad}:2:15: warning: ")
    assert third.startswith(f"{bad}:3:1: `while` is not in Deluge: use for each.")


def test_a_script_without_problems_prints_nothing_and_ends_with_0(terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "good.dg"
    path.write_bytes('\ufeffinfo "größe";\r\n'.encode())
    asked = terminal("deluge", "check", str(path))
    assert (asked.exit_code, asked.stdout) == (0, "")
    assert "No problems found." in asked.stderr


def test_warnings_can_be_left_out(terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "loop.dg"
    path.write_text('for each v in {"a":1} { info v; }\n')
    assert terminal("deluge", "check", str(path)).exit_code == 1
    asked = terminal("deluge", "check", "--errors-only", str(path))
    assert (asked.exit_code, asked.stdout) == (0, "")


def test_the_line_is_shown_with_a_caret_where_asked(terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.dg"
    path.write_text('name = "Ann";\n\tinfo nam;\n')
    asked = terminal("deluge", "check", "--source", str(path))
    assert asked.stdout == (
        f"{path}:2:7: Variable `nam` is not defined. Did you mean name? [undefined_variable]\n\tinfo nam;\n\t     ^\n"
    )


def test_names_are_judged_where_the_known_ones_are_given(terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "call.dg"
    path.write_text('r = invokeurl [ url : "https://a.example" connection : "slakc" ];\nstandalone.notify(r);\n')
    assert terminal("deluge", "check", str(path)).exit_code == 0
    asked = terminal("deluge", "check", "--connection", "slack", "--function", "standalone.other", str(path))
    assert asked.exit_code == 1
    assert "There is no connection `slakc`. Did you mean slack?" in asked.stdout
    assert "There is no function `standalone.notify`." in asked.stdout


def test_a_file_that_cannot_be_read_is_wrong_use(terminal: Any, tmp_path: Path) -> None:
    missing = terminal("deluge", "check", str(tmp_path / "missing.dg"))
    assert missing.exit_code == 2
    assert "missing.dg cannot be read" in missing.stderr
    binary = tmp_path / "binary.dg"
    binary.write_bytes(b"\xff\xfe\x00")
    assert terminal("deluge", "check", str(binary)).exit_code == 2
    assert "is not UTF-8" in terminal("deluge", "check", str(binary)).stderr


def test_the_grammar_is_json(terminal: Any) -> None:
    asked = terminal("deluge", "grammar")
    assert asked.exit_code == 0
    assert json.loads(asked.stdout)["scopeName"] == "source.deluge"
