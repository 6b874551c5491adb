"""Each promise of the security page names its tests, and each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
PAGE = TESTS.parent / "docs" / "security.md"
TABLE = PAGE.read_text(encoding="utf-8").partition("## Promises of our own OAuth 2")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| ((?:RFC|ASVS) [^|]+) \| ([^|]+) \| ([^|]+) \|$", TABLE, re.M)


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("rule", "promise", "named"), ROWS, ids=[row[0].replace(" ", "-") for row in ROWS])
def test_a_promise_names_tests_that_are_there(rule: str, promise: str, named: str) -> None:
    tests = re.findall(r"`([^`]+)`", named)
    assert tests, promise
    for test in tests:
        file, _, name = test.partition("::")
        assert name in functions_of(file), test


def test_every_rule_has_its_line() -> None:
    assert len(ROWS) == TABLE.count("\n|") - 2
    told = " ".join(rule for rule, _, _ in ROWS)
    for specification in "6749 6750 7009 7523 7636 7662 8252 8414 8628 8693 9126 9207 9449 9700".split():
        assert f"RFC {specification}" in told, specification
    assert "RFC 8705" in TABLE
