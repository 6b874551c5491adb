"""The list of planted faults does not rot: each can still be planted, and each test it names is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.planted.faults import FAULTS, Fault

TESTS = Path(__file__).resolve().parent.parent
SOURCE = TESTS.parent / "src" / "isthmus"
NAMES = [fault.name for fault in FAULTS]


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_fault_can_still_be_planted(fault: Fault) -> None:
    text = (SOURCE / fault.file).read_text(encoding="utf-8")
    for edit in fault.edits:
        assert text.count(edit.text) == 1, edit.text
        text = text.replace(edit.text, edit.put)
    compile(text, fault.file, "exec")


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_the_tests_that_a_fault_names_are_there(fault: Fault) -> None:
    assert fault.tests
    for test in fault.tests:
        file, _, name = test.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not name or name in functions, test


def test_no_two_faults_have_the_same_name() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 60
