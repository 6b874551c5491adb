"""An editor judges with every key that is pressed: a long script takes no time that is felt."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from isthmus.functions.deluge import check
from isthmus.functions.deluge.completion import complete

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.dg"))
HEADER = re.compile(r"(?m)^\w+ +[\w.]+ *\(([^)]*)\)\s*\{")


def long_script(lines: int) -> str:
    """The practitioners' scripts one after the other, each in a block, until there are as many lines."""
    parts: list[str] = []
    while sum(part.count("\n") for part in parts) < lines:
        for path in SCRIPTS:
            source = path.read_text(encoding="utf-8")
            header = HEADER.search(source)
            if header is None:
                parts.append(f"if(true)\n{{\n{source}\n}}\n")
                continue
            names = re.findall(r"\w+ +(\w+)", header[1])
            given = "".join(f"{name} = zoho.ipaddress;\n" for name in names)
            parts.append(source[: header.start()] + given + "if(true)\n{\n" + source[header.end() :])
    return "".join(parts)


def least(work: Callable[[], object], times: int = 5) -> float:
    """The least processor time of some calls, in seconds: what else the machine does is not counted."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def test_a_thousand_lines_are_parsed_and_checked_before_it_is_felt() -> None:
    source = long_script(1_000)
    assert [problem for problem in check(source) if problem.severity == "error"] == []
    seconds = least(lambda: check(source)) * 1_000 / source.count("\n")
    assert seconds < 0.5  # some 50 ms; far more would be felt, and a slow machine takes some times as long


def test_completion_in_a_thousand_lines_comes_before_it_is_felt() -> None:
    source = long_script(1_000)
    last = source.count("\n") + 1
    assert complete(source + "\ninfo source.", last + 1, len("info source.") + 1)
    assert least(lambda: complete(source + "\ninfo source.", last + 1, len("info source.") + 1), 3) < 1.0
