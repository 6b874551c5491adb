"""Feeds the front end what nobody writes: `python -m tests.functions.deluge.fuzz --seconds 600`.

It prints how many texts were judged, and each that broke a promise, made as short as it gets; exit 1 if there is one.
`--coverage` lets atheris choose the texts by the code that they reach.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.functions.deluge.random_scripts import CORPUS, FRAGMENTS, mutate, write_nonsense, write_script

from isthmus.functions.deluge import Problem, check, outline, parse
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.deluge.completion import complete
from isthmus.functions.deluge.lexer import TooLarge, tokenize
from isthmus.functions.deluge.navigation import definition, hover
from isthmus.functions.deluge.problems import MAX_PROBLEMS, Problems, TooManyProblems
from isthmus.functions.deluge.tree import MAX_NESTING, children

SECONDS = 5.0
"""Of processor time, for one text; far more than any takes."""


def judge(source: str) -> list[Problem]:
    """What `check` finds. Raises AssertionError, or whatever the front end does, where a promise is broken."""
    start = time.process_time()
    found = check(source)
    assert time.process_time() - start < SECONDS, "too slow"
    assert check(source) == found, "not the same twice"
    assert len(found) <= 3 * MAX_PROBLEMS
    assert [(p.line, p.column) for p in found] == sorted((p.line, p.column) for p in found)
    lines = source.split("\n")
    for problem in found:
        judge_problem(problem, lines)
    _judge_tokens(source, lines)
    _judge_tree(source)
    if not any(problem.severity == "error" for problem in found):
        with warnings.catch_warnings():
            # A comparison of two literals is what a script may say.
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(compile_deluge(source).compiled, "compiled", "exec")
    return found


def judge_problem(problem: Problem, lines: list[str]) -> None:
    assert 1 <= problem.line <= len(lines), problem
    line = lines[problem.line - 1]
    assert 1 <= problem.column <= len(line) + 1, problem
    assert problem.column <= problem.end_column, problem
    assert problem.code.replace("_", "").isalpha(), problem
    assert problem.message.isprintable(), problem
    assert problem.message.endswith("."), problem
    assert problem.hint, problem
    assert problem.hint.isprintable(), problem
    shown, caret = problem.excerpt.split("\n")
    under = shown[len(caret) - 1 : len(caret)]
    assert caret.endswith("^"), problem
    assert under in (line[problem.column - 1 : problem.column], "…", ""), problem


def _judge_tokens(source: str, lines: list[str]) -> None:
    with suppress(TooLarge, TooManyProblems):
        for token in tokenize(source, Problems(source)):
            first = token.text.split("\n")[0]
            assert lines[token.line - 1][token.column - 1 :].startswith(first), token


def _judge_tree(source: str) -> None:
    script = parse(source)
    waiting = [(child, 1) for child in children(script)]
    while waiting:
        node, depth = waiting.pop()
        assert depth <= 2 * MAX_NESTING, "deep"
        assert node.line >= 1, node
        assert node.column >= 1, node
        waiting.extend((child, depth + 1) for child in children(node))
    outline(script)


def judge_place(source: str, random: Random) -> None:
    """Ask for completion, hover and definition at some place."""
    lines = source.split("\n")
    line = random.randint(1, len(lines))
    column = random.randint(1, len(lines[line - 1]) + 1)
    labels = [item.label for item in complete(source, line, column, connections=("slack",), functions=("a.b",))]
    assert len(labels) == len(set(labels))
    hover(source, line, column, connections=("slack",))
    definition(source, line, column)


def judge_right(source: str) -> None:
    """A script that is right by construction has no error."""
    wrong = [problem for problem in judge(source) if problem.severity == "error"]
    assert wrong == [], wrong[0]


# --- the tool


class Failure(Exception):
    """A broken promise, and the text that broke it."""

    def __init__(self, kind: str, source: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.source, self.reason = kind, source, reason


def one(random: Random) -> str:
    """Judge one text of some kind; the kind. Raises Failure."""
    kind = random.choice(("right", "mutated", "mutated", "mutated", "mutated right", "nonsense"))
    if kind == "right":
        source = write_script(random)
    elif kind == "nonsense":
        source = write_nonsense(random)
    else:
        source = mutate(random, write_script(random) if kind == "mutated right" else random.choice(CORPUS))
    try:
        (judge_right if kind == "right" else judge)(source)
        judge_place(source, random)
    except Exception as problem:
        raise Failure(kind, source, f"{type(problem).__name__}: {problem}"[:2000]) from problem
    return kind


def shorten(source: str, breaks: Callable[[str], bool], seconds: float = 10.0) -> str:
    """The source without what is not needed to break a promise."""
    end = time.monotonic() + seconds
    size = len(source) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(source) and time.monotonic() < end:
            shorter = source[:at] + source[at + size :]
            if breaks(shorter):
                source = shorter
            else:
                at += size
        size //= 2
    return source


def _breaks(source: str) -> bool:
    try:
        judge(source)
    except Exception:
        return True
    return False


def run(seconds: float, seed: int) -> int:
    """Judge texts for this long; the exit code."""
    random = Random(seed)
    counts: Counter[str] = Counter()
    failures: dict[str, Failure] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(failures) < 10:
        try:
            counts[one(random)] += 1
        except Failure as failure:
            counts["broken"] += 1
            failures.setdefault(failure.reason[:60], failure)
    for failure in failures.values():
        shown = (
            shorten(failure.source, _breaks) if failure.kind != "right" and _breaks(failure.source) else failure.source
        )
        print(f"--- {failure.kind}: {failure.reason}\n{shown!r}")
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
    print(f"{sum(counts.values()):,} texts in {seconds:.0f} s with seed {seed}: {told}")
    return 1 if failures else 0


def run_by_coverage(seconds: float, seed: int) -> None:
    """Let atheris choose; it ends the process itself, with a code other than 0 once a promise is broken."""
    import atheris

    def test_one_input(data: bytes) -> None:
        judge(data.decode("utf-8", errors="replace"))

    folder = Path(tempfile.mkdtemp(prefix="deluge-fuzz-"))
    (folder / "corpus").mkdir()
    for number, source in enumerate(CORPUS):
        (folder / "corpus" / str(number)).write_text(source, encoding="utf-8", errors="replace")
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in FRAGMENTS), encoding="ascii")
    print(f"Texts that reach new code, and those that break a promise, are kept in {folder}.")
    options = [f"-max_total_time={seconds:.0f}", f"-seed={seed}", "-max_len=4000", f"-dict={words}", "-timeout=30"]
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(folder / "corpus")], test_one_input)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def main() -> int:
    words = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--seed", type=int, default=int(time.time()))
    words.add_argument("--coverage", action="store_true", help="needs atheris: pip install atheris")
    given = words.parse_args()
    if given.coverage:
        run_by_coverage(given.seconds, given.seed)
    return run(given.seconds, given.seed)


if __name__ == "__main__":
    raise SystemExit(main())
