"""The table of built-ins: whole, consistent, and every example of it is right."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from isthmus.functions.deluge import check
from isthmus.functions.deluge.builtins import BUILTINS, FUNCTIONS, METHODS, SYSTEM_VALUES, TASKS, suggest
from isthmus.functions.deluge.entries import TYPES, Builtin, entry

CASES = [json.loads(x) for x in (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("builtin", BUILTINS, ids=lambda b: b.signature())
def test_an_entry_is_whole(builtin: Builtin) -> None:
    assert set(builtin.receivers) <= TYPES
    assert set(builtin.result.split("|")) <= TYPES
    assert all(set(parameter.types) <= TYPES for parameter in builtin.parameters)
    optional = [parameter.optional for parameter in builtin.parameters]
    assert optional == sorted(optional), "what may be left out stands last"
    assert re.fullmatch(r"[A-Z].{5,}\.", builtin.summary)
    assert any(name.lower() in builtin.example.lower() for name in builtin.names)


@pytest.mark.parametrize("builtin", BUILTINS, ids=lambda b: b.signature())
def test_an_example_is_accepted(builtin: Builtin) -> None:
    assert check(builtin.example) == []


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_whole(name: str) -> None:
    task = TASKS[name]
    assert check(task.example) == []
    assert task.block.startswith(name)
    assert task.block.endswith("]")
    for key in task.keys:
        assert set(key.types) <= TYPES
        assert key.name == key.name.lower()
        assert len(key.summary) > 8


def test_no_two_entries_of_a_name_take_the_same_receiver() -> None:
    for name, entries in METHODS.items():
        receivers = [receiver for one in entries for receiver in one.receivers]
        assert len(receivers) == len(set(receivers)), name
        assert "any" not in receivers or len(entries) == 1, name


def test_both_spellings_come_from_one_entry() -> None:
    for name in METHODS:
        assert FUNCTIONS[name][: len(METHODS[name])] or name in FUNCTIONS
    assert "ifnull" not in METHODS
    assert "getprefix" in FUNCTIONS


def test_every_function_of_the_conformance_scripts_is_in_the_table() -> None:
    called = {n.lower() for case in CASES for n in re.findall(r"\.(\w+)\(", re.sub(r'"[^"]*"', '""', case["script"]))}
    called -= {"hello", "f"}  # functions that the scripts declare
    known = {name.rpartition(".")[2] for name in FUNCTIONS}
    assert sorted(called - known) == []


def test_system_variables_are_named_in_lower_case() -> None:
    assert {"zoho.currentdate", "zoho.currenttime", "zoho.loginuserid", "zoho.adminuserid"} <= set(SYSTEM_VALUES)
    assert all(name == name.lower() for name in SYSTEM_VALUES)


def test_the_notation_is_read_in_full() -> None:
    one = entry("text|list.f(a: text|file, b?: number, ...) -> map", "Does something.", "info 1;", "1", aliases="g h")
    assert (one.name, one.receivers, one.result, one.names) == ("f", ("text", "list"), "map", ("f", "g", "h"))
    assert (one.fewest, one.most, one.more) == (1, None, True)
    assert one.signature() == "text or list.f(a: text or file, b?: number, ...) -> map"
    assert entry("zoho.x.f()", "Does something.", "").name == "zoho.x.f"
    with pytest.raises(ValueError, match="f"):
        entry("f(", "", "")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("getPrefx", "getPrefix"), ("toUppercase", "toUpperCase"), ("replaceal", "replaceAll"), ("zzz", None), ("", None)],
)
def test_a_suggestion_is_close_or_none(wrong: str, right: str | None) -> None:
    assert suggest(wrong, {name for one in BUILTINS for name in one.names}) == right
