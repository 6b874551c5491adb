"""Functions: an empty one, alone and over HTTP; a long loop beside plain Python; compiling; runs that wait; limits."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.functions.running import AROUND, answered, opened, run
from tests.served import Served

from isthmus.functions.deluge import check, compile_deluge
from isthmus.functions.host import Failed, Finished, Limits, Program, Waiting
from isthmus.functions.python import compile_python
from isthmus.functions.sandbox import Sandbox

LONG = Limits(statements=10_000_000, active_seconds=60, wall_seconds=60)
EMPTY = "return null;"
TWICE = """
a = invokeurl [ url: "https://api.example.test/a" ];
b = invokeurl [ url: "https://api.example.test/b" ];
"""
LOOP = """
names = {"ann", "bob", "cat", "dan"};
seen = Map();
total = 0;
last = "";
for each round in {1, 2, 3, 4}
{
  for each index i in "a,".repeat(49999).toList()
  {
    name = names.get(i % 4);
    key = name + "-" + (i % 100);
    count = ifnull(seen.get(key), 0) + 1;
    seen.put(key, count);
    if(key.startsWith("a") && key.length() > 4)
    {
      total = total + count * 2;
      last = key.toUpperCase();
    }
  }
}
return {"total": total, "last": last, "size": seen.size()};
"""
PARAGRAPH = """
record_{0} = Map();
record_{0}.put("id", {0});
if(record_{0}.get("id") > 7 && {0} < 100)
{{
  info "value: " + record_{0}.get("id") + " and " + {0};
}}
for each x in {{1, 2, 3}}
{{
  total_{0} = ifnull(record_{0}.get("total"), 0) + x * 2;
}}"""


def plain_loop() -> dict[str, Any]:
    """What `LOOP` does, as one would write it in Python."""
    names = ["ann", "bob", "cat", "dan"]
    seen: dict[str, int] = {}
    total = 0
    last = ""
    for _round in [1, 2, 3, 4]:
        for i in range(50_000):
            name = names[i % 4]
            key = name + "-" + str(i % 100)
            count = (seen.get(key) or 0) + 1
            seen[key] = count
            if key.startswith("a") and len(key) > 4:
                total = total + count * 2
                last = key.upper()
    return {"total": total, "last": last, "size": len(seen)}


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds, runs a second, a ratio, seconds."""

    empty_ms: float
    per_second: float
    loop_ratio: float
    loop_ms: float
    compile_ms: float
    check_ms: float
    waiting_seconds: float
    overrun_seconds: float
    neighbour_ratio: float


async def measure() -> Figures:
    """Every figure that needs no server, on two workers."""
    async with opened(workers=2) as sandbox:
        empty = compile_deluge(EMPTY)
        await _times(sandbox, empty, 50)
        empty_ms = statistics.median(await _times(sandbox, empty, 400)) * 1000
        per_second = await _throughput(sandbox, empty, 4000)
        loop_ms, plain_ms = await _loop(sandbox)
        waiting = await _waiting(sandbox, 500)
        overrun = await _overrun(sandbox)
        neighbour = await _neighbour(sandbox, empty)
    source = "".join(PARAGRAPH.format(number) for number in range(100))[1:]
    assert source.count("\n") + 1 == 1000
    compile_ms, check_ms = _best(lambda: compile_deluge(source)), _best(lambda: check(source))
    return Figures(empty_ms, per_second, loop_ms / plain_ms, loop_ms, compile_ms, check_ms, waiting, overrun, neighbour)


def over_http(served: Served, count: int = 200) -> tuple[float, float, float]:
    """Milliseconds (p50) of requests that read a function, that write one value of it, and that run it; it is empty.

    A run is written down before it is answered, so it is the one that writes which it is compared with.
    """
    document = {"name": "standalone.empty", "language": "deluge", "code": EMPTY}
    assert served.ask("POST", "/api/v1/functions", document).status == 201
    assert served.ask("POST", "/api/v1/functions/standalone.empty/publish", {}).status == 200
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {served.key}", "Content-Type": "application/json"}

    def ask(method: str, path: str, body: str | None) -> float:
        started = time.perf_counter()
        connection.request(method, f"/api/v1/functions/standalone.empty{path}", body, headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
        if answer.status != 200 or content.get("error"):
            raise SystemExit(f"{method} {path}: {content}")
        return time.perf_counter() - started

    kinds: dict[str, Callable[[int], float]] = {
        "read": lambda _: ask("GET", "", None),
        "write": lambda number: ask("PUT", "", json.dumps({"description": f"Empty, {number}."})),
        "run": lambda _: ask("POST", "/execute", "{}"),
    }
    for number in range(20):
        for kind in kinds.values():
            kind(number)
    # In turns, so that a busy moment counts for all three.
    times = [[kind(number) for kind in kinds.values()] for number in range(20, 20 + count)]
    found = [statistics.median(column) * 1000 for column in zip(*times, strict=True)]
    connection.close()
    return found[0], found[1], found[2]


async def _times(sandbox: Sandbox, program: Program, count: int) -> list[float]:
    found = []
    for _ in range(count):
        started = time.perf_counter()
        state = await sandbox.begin(program, {}, surroundings=AROUND, limits=Limits())
        found.append(time.perf_counter() - started)
        assert isinstance(state, Finished), state
    return found


async def _throughput(sandbox: Sandbox, program: Program, count: int) -> float:
    """Runs a second where there is always one that waits for a worker."""
    started = time.perf_counter()
    await asyncio.gather(*(_times(sandbox, program, count // 8) for _ in range(8)))
    return count / (time.perf_counter() - started)


async def _loop(sandbox: Sandbox) -> tuple[float, float]:
    """Milliseconds of processor time of the loop in the sandbox, all processes counted, and plain in this one: the best
    of five each, taken in turns. Time on the clock would tell what else the machine does."""
    program = compile_deluge(LOOP)
    ours, plain = [], []
    for _ in range(5):
        started = time.process_time() + _workers_seconds()
        value = (await run(sandbox, program, limits=LONG)).value
        ours.append(time.process_time() + _workers_seconds() - started)
        started = time.process_time()
        assert plain_loop() == value
        plain.append(time.process_time() - started)
    return min(ours) * 1000, min(plain) * 1000


def _workers_seconds() -> float:
    """Processor time of the workers so far, those that have ended included: one that computed for long is replaced.
    The kernel counts it in hundredths of a second."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = place.read_text().rpartition(")")
            fields = rest.split()
            if int(fields[1]) == os.getpid() and "monty" in name:  # a zombie among them
                ticks += int(fields[11]) + int(fields[12])
    return ended.ru_utime + ended.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


async def _waiting(sandbox: Sandbox, count: int) -> float:
    """Seconds until so many runs, begun at once, have ended, each of which waits twice for 200 ms."""
    program = compile_deluge(TWICE)

    async def one() -> None:
        state = await sandbox.begin(program, {}, surroundings=AROUND, limits=Limits())
        while isinstance(state, Waiting):
            await asyncio.sleep(0.2)
            state = await sandbox.resume(program, state, answered(), surroundings=AROUND, limits=Limits())
        assert isinstance(state, Finished), state

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.perf_counter() - started


async def _overrun(sandbox: Sandbox) -> float:
    """How many seconds past its limit of one second an endless loop is ended."""
    program = compile_python("def main():\n    while True: pass\n")
    started = time.perf_counter()
    state = await sandbox.begin(program, {}, surroundings=AROUND, limits=Limits(active_seconds=1))
    assert isinstance(state, Failed), state
    assert state.fault.code == "limit_active", state
    return time.perf_counter() - started - 1


async def _neighbour(sandbox: Sandbox, empty: Program) -> float:
    """How many times as long an empty function takes (p50) beside four endless loops as without them, in turns."""
    loop = compile_python("def main():\n    while True: pass\n")
    alone, beside = list[float](), list[float]()
    for _ in range(3):
        alone += await _times(sandbox, empty, 200)
        loops = [
            asyncio.create_task(sandbox.begin(loop, {}, surroundings=AROUND, limits=Limits(active_seconds=60)))
            for _ in range(4)
        ]
        await asyncio.sleep(2)  # by then it is known what they are
        beside += await _times(sandbox, empty, 200)
        for one in loops:
            one.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
    return statistics.median(beside) / statistics.median(alone)


def _best(work: Callable[[], object]) -> float:
    """Milliseconds of processor time, the best of seven."""
    found = []
    for _ in range(7):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found) * 1000


if __name__ == "__main__":
    print(asyncio.run(measure()))
