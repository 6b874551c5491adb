"""Whole scripts: those that are right are accepted, and those with planted mistakes get exactly the words they state."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from isthmus.functions.deluge import check, outline, parse

HERE = Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
SCRIPTS = sorted((HERE / "scripts").glob("*.dg"))
MISTAKES = sorted((HERE / "mistakes").glob("*.dg"))
FUNCTIONS = {f"standalone.{path.stem}" for path in SCRIPTS} | {"standalone.notify"}


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_planted_mistakes_are_told_as_stated(path: Path) -> None:
    """The lines that begin with //! say what is expected: place, severity, code, message and hint."""
    source, _, stated = path.read_text(encoding="utf-8").partition("//! ")
    found = check(source, connections={"slack"}, functions={"standalone.notify"})
    told = [f"{p.line}:{p.column}-{p.end_column} {p.severity} {p.code}: {p.message} {p.hint}" for p in found]
    assert told == stated.rstrip("\n").split("\n//! ")


def test_there_are_mistakes_of_many_kinds() -> None:
    codes = {code for path in MISTAKES for code in re.findall(r"(?m)^//! \S+ \w+ (\w+):", path.read_text())}
    assert len(codes) >= 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_conformance_script_is_accepted(case: dict[str, str]) -> None:
    assert check(case["script"], connections={"my_conn"}, functions=set()) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_practitioners_script_is_accepted(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    links = set(re.findall(r'connection\s*:\s*"(\w+)"', source))
    assert check(source, connections=links, functions=FUNCTIONS) == []
    script = parse(source)
    assert set(outline(script).connections) == links
    assert script.body


def test_the_scripts_use_what_practitioners_use() -> None:
    """The functions that the most repositories use, and every statement of the language."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS).lower()
    functions = (
        "get put add tostring size ifnull tolong isempty tolist replaceall contains isnull todate addday addall keys"
    )
    more = "tomap length substring remove trim todecimal totime containkey getprefix getjson distinct round daysbetween"
    for name in [*functions.split(), *more.split()]:
        assert re.search(rf"\.{name}\(|\b{name}\(", text), name
    for words in (
        "for each ",
        "for each index ",
        "else if",
        "try",
        "catch (",
        "throw ",
        "break;",
        "continue;",
        "sendmail",
    ):
        assert words in text, words
    assert len(SCRIPTS) == 40


def test_a_mistake_planted_in_a_practitioners_script_is_found() -> None:
    """What accepts everything would accept these, too."""
    for path in SCRIPTS:
        source = path.read_text(encoding="utf-8")
        lines = source.rstrip().split("\n")
        end = len(lines) - (1 if lines[-1] == "}" else 0)
        broken = "\n".join([*lines[:end], "info neverAssigned;", *lines[end:]])
        assert [p.code for p in check(broken) if p.severity == "error"] == ["undefined_variable"], path.stem
        unclosed = re.sub(r"\bMap\(\)|\bList\(\)|\{\}|\.get\(", "(", source, count=1)
        if unclosed != source:
            assert any(p.severity == "error" for p in check(unclosed)), path.stem
