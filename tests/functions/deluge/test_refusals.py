"""What the front end refuses: limits, hostile input, and what it says then."""

from __future__ import annotations

import json
import sys
import threading
import time

import pytest

from isthmus.functions.deluge import Problem, check, parse
from isthmus.functions.deluge.lexer import MAX_SOURCE, MAX_TOKENS
from isthmus.functions.deluge.problems import MAX_PROBLEMS
from isthmus.functions.deluge.tree import MAX_NESTING, walk

SECONDS = 5.0
"""Generous for a loaded machine; what is refused takes a fraction of it."""


def only(source: str) -> Problem:
    """The one problem of a source, found within the time."""
    start = time.process_time()
    found = check(source)
    assert time.process_time() - start < SECONDS
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("x = " + "(" * 10_000, MAX_NESTING + 4),
        ("x = " + "(" * 10_000 + "1" + ")" * 10_000 + ";", MAX_NESTING + 4),
        ("x = " + "[" * 10_000, MAX_NESTING + 4),
        ("x = " + "!" * 10_000 + "true;", MAX_NESTING + 4),
        ("x = " + "-" * 10_000 + "1;", MAX_NESTING + 4),
        ("x = " + '{"a":' * 10_000, None),
        ("x = " + "f(" * 10_000, None),
        ("x = " + "a[" * 10_000, None),
        ("x = " + "if(a,b," * 10_000, None),
        ("if(true){" * 10_000, None),
        ("try{" * 10_000, None),
        ("for each x in y {" * 10_000, None),
    ],
)
def test_deep_nesting_is_refused_with_limit_and_place(source: str, column: int | None) -> None:
    problems = [problem for problem in check(source) if problem.code == "limit_nesting"]
    (problem,) = problems
    assert str(MAX_NESTING) in problem.message
    assert problem.line == 1
    if column is not None:
        assert abs(problem.column - column) <= 1


def test_a_chain_of_calls_that_is_too_long_is_refused() -> None:
    assert only('x = ""' + ".trim()" * 20_000 + ";").code == "limit_nesting"
    nested = "x = " + '"".concat(' * 90 + '""' + (".trim()" * 50 + ")") * 90 + ";"
    assert only(nested).code == "limit_nesting"
    assert check('x = ""' + ".trim()" * 60 + "; info x;") == []


def test_the_nesting_that_is_allowed_is_read_in_a_thread_that_is_deep_already() -> None:
    """A server calls from below some frames of its own."""
    inner = "(" * (MAX_NESTING - 2) + "1" + ")" * (MAX_NESTING - 2)
    worst = "x = " + "if(a," * 45 + '{"k":[1]}' + ",2)" * 45 + ";"
    found: list[list[Problem]] = []

    def below(depth: int) -> None:
        if depth:
            below(depth - 1)
        else:
            found.extend(check(source) for source in (f"x = {inner};", f"a = true; {worst}"))

    thread = threading.Thread(target=below, args=(250,))
    thread.start()
    thread.join()
    assert found == [[], []]
    assert sys.getrecursionlimit() <= 3000


def test_a_script_of_a_megabyte_is_refused_by_a_named_limit() -> None:
    problem = only("x = 1; // " + "a" * 1_000_000)
    assert problem.code == "limit_source"
    assert f"{MAX_SOURCE:,}" in problem.message


def test_a_script_of_too_many_words_is_refused_by_a_named_limit() -> None:
    problem = only("x=1;\n" * (MAX_TOKENS // 4 + 10))
    assert problem.code == "limit_tokens"
    assert problem.line == MAX_TOKENS // 4 + 1


def test_what_lies_just_below_the_limits_is_read() -> None:
    source = "x=1;\n" * (MAX_TOKENS // 4 - 10)
    script = parse(source)
    assert script.problems == ()
    assert len(script.body) == MAX_TOKENS // 4 - 10
    assert check("x = 0" + " + 1" * 50_000 + ";") == []
    assert check("if(true) {}" + " else if(true) {}" * 5_000) == []


def test_a_number_of_many_digits_is_refused_without_being_computed() -> None:
    assert only("x = " + "9" * 400_000 + ";").code == "limit_number"
    assert only("x = 9223372036854775808;").code == "limit_number"
    assert only("x = 1." + "9" * 100 + ";").code == "limit_number"
    assert check("x = 9223372036854775807;") == []


@pytest.mark.parametrize(
    "source",
    ["\ud800", 'x = "\udfff";', r'x = "\ud800";', "x = '\ud83d';", "\x00", "x = 1;\x1b[2J", "/*", "'", '"', "\\", "//"],
)
def test_hostile_characters_get_a_message_that_can_be_printed_anywhere(source: str) -> None:
    for problem in check(source):
        assert problem.message.isprintable()
        assert "\x1b" not in problem.message
        json.dumps(problem.message).encode()
        problem.message.encode("utf-8")


@pytest.mark.parametrize(
    "source",
    [
        '"\\"\n' * 100_000,
        "@" * 400_000,
        "}" * 140_000,
        "'\n" * 200_001,
        "/*" * 200_000,
        "x " * 70_000,
        "a." * 70_000,
        "zoho." * 70_000,
        "".join(f"x{i}=y{i};" for i in range(20_000)),
        "".join(f"a{i}=a{i - 1};" for i in range(20_000, 0, -1)) + "a20000.put(1);",
        "void a.b(" + "string x," * 30_000,
        "r = invokeurl[" * 10_000,
        "insert into " * 50_000,
        "x = a[b contains " * 20_000,
        "while(true){" * 10_000,
    ],
    ids=range(15),
)
def test_hostile_sources_are_answered_soon_and_with_a_bounded_list(source: str) -> None:
    start = time.process_time()
    found = check(source)
    assert time.process_time() - start < SECONDS
    assert 0 < len(found) <= 2 * MAX_PROBLEMS


@pytest.mark.parametrize(
    "source",
    [
        "".join(f"v{i} = null;" for i in range(12))
        + "".join(f"v{i} = v{j};" for i in range(12) for j in range(12))
        + "v0.put(1, 2); for each x in v0 { info x; }",
        "for each a in {1} {" * 98 + "".join(f"x{i} = 1;" for i in range(20_000)) + "}" * 98,
        "void a.b(" + ", ".join(f"int x{i}" for i in range(20_000)) + ") { info x1; }",
    ],
    ids=["assigned in circles", "deep loops", "many arguments"],
)
def test_right_sources_that_are_tangled_or_large_are_judged_soon(source: str) -> None:
    start = time.process_time()
    assert check(source) == []
    assert time.process_time() - start < SECONDS


def test_an_error_has_place_excerpt_code_and_hint() -> None:
    problem = only('name = "Ann";\n\tinfo name.getPrefx("n");\n')
    assert (problem.line, problem.column, problem.end_column) == (2, 12, 20)
    assert problem.code == "unknown_function"
    assert problem.hint == "Did you mean getPrefix?"
    assert problem.excerpt == '\tinfo name.getPrefx("n");\n\t          ^'
    fault = problem.fault()
    assert (fault.code, fault.line, fault.column) == (problem.code, 2, 12)
    assert (fault.hint, fault.excerpt) == (problem.hint, problem.excerpt)


def test_the_excerpt_of_a_long_line_shows_the_part_around_the_place() -> None:
    problem = only("x = " + "1 + " * 200 + "unknownName" + " + 1" * 200 + ";")
    shown, caret = problem.excerpt.split("\n")
    assert len(shown) < 130
    assert shown[caret.index("^") :].startswith("unknownName")
    assert shown[0] == shown[-1] == "…"


def test_no_more_errors_are_told_than_help() -> None:
    assert len(check("info a;" * 1_000)) == MAX_PROBLEMS


def test_a_tree_is_never_deeper_than_it_may_be() -> None:
    source = 'x = {"a":{"b":[1,{"c":f(1,g(2).h(3).i[4])}]}};'
    assert sum(1 for _ in walk(parse(source))) > 10
