"""Programs that want everything: each runs beside a neighbour, in a process that measures itself.

`python -m tests.functions.sandbox.hostile` prints one JSON document: per program the fault, the seconds, and the
neighbour's runs in that time; and how much this process's memory grew in all.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.functions.running import Run, answered, opened, python, run

from isthmus.errors import FunctionError
from isthmus.functions.deluge import check
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Failed, Limits, Program
from isthmus.functions.sandbox import Sandbox

SECONDS = 1.0
"""The limit of time that the programs run under."""
LIMITS = Limits(active_seconds=SECONDS, wall_seconds=30, statements=200_000)
PATIENT = replace(LIMITS, active_seconds=60, wall_seconds=60)
"""For what has to end at another limit than time, however busy the machine is."""
TEN_THOUSAND = "    for i in range(10_000):\n        "
MANY = 'for each x in "a,".repeat(40000).toList()\n{\n  '


@dataclass(frozen=True, slots=True)
class Hostile:
    """A program, the code that it ends with, and the lines that the fault may name."""

    name: str
    source: str
    code: str
    lines: tuple[int, ...]
    limits: Limits = PATIENT
    language: str = "deluge"


def _python(name: str, body: str, code: str, lines: tuple[int, ...], limits: Limits = PATIENT) -> Hostile:
    return Hostile(name, f"def main():\n{body}\n", code, lines, limits, "python")


PROGRAMS = (
    _python("python: endless loop", "    x = 1\n    while True: x = 2", "limit_active", (3,), LIMITS),
    _python("python: recursion", "    return main()", "limit_recursion", (2,)),
    _python("python: memory doubling", "    x = 'x'\n    while True:\n        x = x + x", "limit_memory", (4,)),
    _python("python: doubling of lists", "    x = [0]\n    while True:\n        x = x + x", "limit_memory", (4,)),
    _python("python: 100 MB text", "    return 'x' * 100_000_000", "limit_memory", (2,)),
    _python("python: long sleep", "    import time\n    time.sleep(3600)", "limit_sleep", (3,)),
    _python("python: print flood", "    while True:\n        print('x' * 1000)", "limit_output", (3,)),
    _python("python: billion digits", "    return 10 ** 1_000_000_000", "limit_memory", (2,)),
    _python("python: billion bits", "    return 1 << 4_000_000_000", "limit_memory", (2,)),
    _python("python: 10,000 calls", f"{TEN_THOUSAND}invokeurl('https://a.test')", "limit_outbound_calls", (3,)),
    _python("python: a join", "    return ('x' * 1_000_000).join(['a'] * 1_000_000)", "limit_memory", (1,)),
    _python("python: unpaired surrogate", "    return '\\ud800'", "half_character", (2,)),
    _python("python: one megabyte", "x = 1\n" * 200_000, "limit_source", (1,)),
    _python("python: nested brackets", "    x = " + "(" * 10_000 + ")" * 10_000, "syntax", (2,)),
    Hostile("statements", f"x = 0;\n{MANY}for each y in {{1,2,3,4}} {{ x = x + 1; }}\n}}", "limit_statements", (2, 4)),
    Hostile(
        "statements in a try",
        f"try {{\n{MANY}x = 1;\nx = 2; x = 3; x = 4; x = 5;\n}}\n}} catch (e) {{ info 1; }}",
        "limit_statements",
        (2,),
    ),
    Hostile("time", f"{MANY}y = x.repeat(90000).reverse();\n}}", "limit_active", (1, 3), LIMITS),
    Hostile("memory doubling", f'y = "x";\n{MANY}y = y + y;\n}}', "limit_memory", (4,)),
    Hostile("doubling of lists", f"y = {{1}};\n{MANY}y.addAll(y);\n}}", "run_failed", (4,)),
    Hostile("100 MB text", 'y = "x".repeat(90000);\nz = y.replaceAll("x", "x".repeat(1200));', "run_failed", (2,)),
    Hostile("nested value", f"y = {{1}};\n{MANY}y = {{y}};\n}}\nreturn y.toString();", "run_failed", (6,)),
    Hostile("a map that holds itself", 'm = Map();\nm.put("m", m);\ninfo m;', "run_failed", (3,)),
    Hostile("print flood", f'{MANY}info "x".repeat(50000);\n}}', "limit_output", (3,)),
    Hostile("10,000 calls", f'{MANY}r = invokeurl [ url: "https://a.test" ];\n}}', "limit_outbound_calls", (3,)),
    Hostile("billion digits", "return 10.power(1000000000);", "run_failed", (1,)),
    Hostile("billion digits by products", f"y = 9.5;\n{MANY}y = y * y;\n}}", "run_failed", (4,)),
    Hostile("date from hell", "x = '99-Xyz-99999 77:88:99';\nreturn x.addDay(1);", "run_failed", (2,)),
    Hostile("date beyond all years", "x = '31-Dec-9999';\nreturn x.addYear(999999999);", "run_failed", (2,)),
    Hostile("date before all years", "x = '01-Jan-0001';\nreturn x.subDay(500);", "run_failed", (2,)),
    Hostile("moment beyond all years", "return 9223372036854775807.toDateTime();", "run_failed", (1,)),
    Hostile("unpaired surrogate", 'x = 1;\ny = "\\ud800";', "half_character", (2,)),
    Hostile("one megabyte", "x = 1;\n" * 150_000, "limit_source", (1,)),
    Hostile("many words", "x = " + "1+" * 240_000 + "1;", "limit_tokens", (1,)),
    Hostile("nested brackets", "x = " + "(" * 10_000 + "1" + ")" * 10_000 + ";", "limit_nesting", (1,)),
    Hostile("nested blocks", "if(true) {\n" * 10_000 + "}" * 10_000, "limit_nesting", (101,)),
    Hostile("nested lists", "x = " + "{" * 10_000 + "}" * 10_000 + ";", "limit_nesting", (1,)),
)
PATTERNS = (
    Hostile("pattern that backtracks", 'return ("a".repeat(5000) + "!").matches("(a+)+");', "", ()),
    Hostile("pattern that backtracks twice", 'return ("a".repeat(5000) + "!").replaceAll("(a*)*b", "");', "", ()),
)
"""Time that grows with the square of the text would be hours here: patterns are matched in linear time."""


def compiled(hostile: Hostile) -> Program:
    if hostile.language == "python":
        return python(hostile.source)
    check(hostile.source)
    return compile_deluge(hostile.source)


async def ended(sandbox: Sandbox, hostile: Hostile) -> tuple[str, str, int]:
    """Code, message and line of the fault."""
    try:
        program = compiled(hostile)
    except FunctionError as problem:
        return problem.code, problem.message, problem.line
    done: Run = await run(sandbox, program, limits=hostile.limits, replies=[answered()] * 200)
    if isinstance(done.end, Failed):
        return done.end.fault.code, done.end.fault.message, done.end.fault.line
    return "", "", 0


async def neighbour(sandbox: Sandbox, until: asyncio.Event) -> list[float]:
    """Somebody else's runs meanwhile, one after the other; at least one is whole."""
    program, seconds = python("return 1"), list[float]()
    while not seconds or not until.is_set():
        started = time.perf_counter()
        assert (await run(sandbox, program)).value == 1
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(0.02)
    return seconds


def peak_mib() -> float:
    """The most memory that this process ever had."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


async def main() -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with opened(workers=2) as sandbox:
        for source in ("return 1", "info('x')"):
            await run(sandbox, python(source))
        await run(sandbox, compile_deluge('info "x".repeat(3).toList();'))
        before = peak_mib()
        for hostile in (*PROGRAMS, *PATTERNS):
            done = asyncio.Event()
            beside = asyncio.create_task(neighbour(sandbox, done))
            started = time.perf_counter()
            code, message, line = await ended(sandbox, hostile)
            seconds = time.perf_counter() - started
            done.set()
            found[hostile.name] = {
                "code": code, "message": message, "line": line, "seconds": seconds, "neighbour": max(await beside)
            }  # fmt: skip
        return {"programs": found, "grown_mib": peak_mib() - before}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
