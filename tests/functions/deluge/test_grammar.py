"""The TextMate grammar: every pattern is a regular expression, and says of the words what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from isthmus.functions.deluge.builtins import FUNCTIONS, SYSTEM_VALUES
from isthmus.functions.deluge.grammar import textmate_grammar

GRAMMAR = textmate_grammar()


def rules(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "match" in node or "begin" in node:
            yield node
        for value in node.values():
            yield from rules(value)
    elif isinstance(node, list):
        for value in node:
            yield from rules(value)


def scopes(source: str, words: str) -> set[str]:
    """The names of the rules that match exactly these words of the source."""
    found = set()
    for rule in rules(GRAMMAR):
        for match in re.finditer(rule.get("match", "(?!)"), source):
            if match.group() == words and "name" in rule:
                found.add(rule["name"])
            for number, capture in rule.get("captures", {}).items():
                if match.group(int(number)) == words:
                    found.add(capture["name"])
    return found


def test_every_reference_leads_to_a_group_and_every_group_is_used() -> None:
    used = {pattern["include"].removeprefix("#") for pattern in GRAMMAR["patterns"]}
    assert used == set(GRAMMAR["repository"])


def test_every_pattern_compiles() -> None:
    found = list(rules(GRAMMAR))
    assert len(found) > 15
    for rule in found:
        for key in ("match", "begin", "end"):
            re.compile(rule.get(key, ""))


@pytest.mark.parametrize(
    ("source", "words", "scope"),
    [
        ("for each x in list", "for each", "keyword.control.deluge"),
        ("for each index i in list", "for each index", "keyword.control.deluge"),
        ("ELSE IF (x)", "ELSE", "keyword.control.deluge"),
        ("info x;", "info", "keyword.other.deluge"),
        ("x = null;", "null", "constant.language.deluge"),
        ("\ttype : GET", "GET", "constant.language.deluge"),
        ("\tcontent-type : x", "content-type", "variable.other.member.deluge"),
        ("\treply to : x", "reply to", "variable.other.member.deluge"),
        ("r = invokeurl", "invokeurl", "keyword.other.task.deluge"),
        ("void standalone.f(string a)", "void", "storage.type.deluge"),
        ("void standalone.f(string a)", "standalone.f", "entity.name.function.deluge"),
        ("void standalone.f(string a)", "a", "variable.parameter.deluge"),
        ("standalone.notify(1)", "notify", "entity.name.function.deluge"),
        ("insert into Form", "insert into", "invalid.deprecated.deluge"),
        ("x = 1.25;", "1.25", "constant.numeric.deluge"),
        ("// remark", "// remark", "comment.line.double-slash.deluge"),
    ],
)
def test_words_are_recognised(source: str, words: str, scope: str) -> None:
    assert scope in scopes(source, words)


@pytest.mark.parametrize("source", ["info = 5;", "break.x", "information", "getPrefixes(1)", "mygetPrefix(1)"])
def test_what_only_looks_alike_is_not(source: str) -> None:
    word = re.match(r"\w+", source)
    assert word is not None
    assert not {s for s in scopes(source, word.group()) if s.startswith(("keyword", "support"))}


def test_every_built_in_is_recognised() -> None:
    for name in FUNCTIONS:
        wanted = "support.function.deluge"
        assert wanted in scopes(f"x = {name}(1);", name), name
    for name in SYSTEM_VALUES:
        assert "support.variable.deluge" in scopes(f"x = {name};", name), name
