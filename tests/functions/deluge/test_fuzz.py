"""What nobody writes is judged without a crash; `fuzz.py` does the same for as long as one likes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.functions.deluge.fuzz import judge, judge_place, judge_problem, judge_right, shorten
from tests.functions.deluge.random_scripts import CORPUS, FRAGMENTS, mutate, write_script

BOUNDED = settings(
    max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
SEEDS = st.integers(0, 2**32)


@BOUNDED
@given(st.text(max_size=200))
def test_any_text_is_judged(source: str) -> None:
    judge(source)


@BOUNDED
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40), st.sampled_from(("", " ", "\n")), SEEDS)
def test_pieces_of_the_language_in_any_order_are_judged(pieces: list[str], between: str, seed: int) -> None:
    source = between.join(pieces)
    judge(source)
    judge_place(source, Random(seed))


@BOUNDED
@given(st.sampled_from(CORPUS), SEEDS)
def test_scripts_with_changes_are_judged(source: str, seed: int) -> None:
    random = Random(seed)
    changed = mutate(random, source)
    judge(changed)
    judge_place(changed, random)


@BOUNDED
@given(SEEDS)
def test_a_script_that_is_right_by_construction_has_no_error(seed: int) -> None:
    judge_right(write_script(Random(seed)))


def test_the_oracle_sees_what_is_wrong() -> None:
    """What judges everything right would pass all of the above."""
    with pytest.raises(AssertionError):
        judge_right("info missing;")
    (problem,) = judge("\tinfo missing;")
    judge_problem(problem, ["\tinfo missing;"])
    for wrong in (
        replace(problem, line=2),
        replace(problem, column=20),
        replace(problem, column=5),
        replace(problem, end_column=2),
        replace(problem, hint=""),
        replace(problem, message="\x1b[2J."),
    ):
        with pytest.raises(AssertionError):
            judge_problem(wrong, ["\tinfo missing;"])


def test_a_text_is_made_as_short_as_it_gets() -> None:
    assert shorten("x = 2;\ninfo y;\n" * 20, lambda source: "y" in source) == "y"
