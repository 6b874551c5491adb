"""`make bench`: every published figure, in one run, beside what it is to be compared with.

    python -m bench.run [--seconds 4] [--most 1000000]

Prints a table; exits 1 where a target is missed. Servers listen on loopback, every load is bounded.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.journey import connect, make_connection
from tests.postgresql_server import PostgresqlServer
from tests.practice_server import PracticeServer
from tests.served import Served, free_port, serving, start_server

from bench import catalog, console, durable, functions, load, lookup, memory, nginx, streaming, tokens
from isthmus.practice import definitions

GIB = 1 << 30
_missed: list[str] = []


def target(name: str, value: float, limit: float, *, at_most: bool) -> str:
    """The verdict on a figure; a miss is remembered."""
    good = value <= limit if at_most else value >= limit
    if not good:
        _missed.append(name)
    return f"target {'at most' if at_most else 'at least'} {limit:g}: {'met' if good else 'MISSED'}"


def data_path(served: Served, upstream: str, reverse: str, seconds: float) -> None:
    key = f"Authorization: Bearer {served.key}"
    places = {
        "direct": (f"{upstream}/x", ()),
        "nginx, static header": (f"{reverse}/x", ()),
        "proxy, one worker, OAuth 2": (f"{served.url}/proxy/bench/x", (key,)),
        "credential lease": (f"{served.url}/api/v1/connections/bench/credential", (key,)),
    }
    results: dict[tuple[str, int], load.Result] = {}
    print(f"\n{'':28}{'connections':>12}{'req/s':>12}{'p50 ms':>10}{'p99 ms':>10}")
    for connections in (1, 32):
        for name, (url, headers) in places.items():
            load.run(url, connections=connections, seconds=1, headers=headers)
            result = load.run(url, connections=connections, seconds=seconds, headers=headers)
            if result.failed:
                raise SystemExit(f"{name}: {result.failed} answers were no success")
            results[name, connections] = result
            print(f"{name:28}{connections:>12}{result.per_second:>12.0f}{result.p50_ms:>10.3f}{result.p99_ms:>10.3f}")
    proxy, limit = results["proxy, one worker, OAuth 2", 32], results["nginx, static header", 32]
    share = 100 * proxy.per_second / limit.per_second
    print(f"\nproxy at 32 connections: {share:.1f} % of nginx; {target('proxy share', share, 15, at_most=False)}")
    added = results["proxy, one worker, OAuth 2", 1].p50_ms - results["direct", 1].p50_ms
    print(f"proxy at 1 connection: {added:.3f} ms added (p50); {target('proxy p50', added, 1.0, at_most=True)}")


def bodies(served: Served, size: int) -> None:
    headers = {"Authorization": f"Bearer {served.key}"}
    before = memory.resident_mib(served.process.pid)
    with memory.highest(served.process.pid) as seen:
        received, seconds = streaming.download(f"{served.url}/proxy/practice_oauth2/bytes?n={size}", headers)
    if received < size:
        raise SystemExit(f"only {received} of {size} bytes arrived")
    grown = seen[0] - before
    print(f"\n1 GiB down: {seconds:.1f} s, memory +{grown:.1f} MiB; {target('down', grown, 32, at_most=True)}")
    before = memory.resident_mib(served.process.pid)
    with memory.highest(served.process.pid) as seen:
        answer, seconds = streaming.upload(f"{served.url}/proxy/practice_oauth2/sink", headers, size)
    if str(size).encode() not in answer:
        raise SystemExit(f"the third party counted otherwise: {answer!r}")
    grown = seen[0] - before
    print(f"1 GiB up:   {seconds:.1f} s, memory +{grown:.1f} MiB; {target('up', grown, 32, at_most=True)}")


def look_ups(directory: Path, sizes: list[int]) -> None:
    with PostgresqlServer(fast=True) as server:
        found = asyncio.run(lookup.measure(server.create_database(), directory, sizes))
    print("\nlook-up on PostgreSQL (connection, service, authorization, credential opened), nothing remembered:")
    for size, (p50, p99) in found.items():
        print(f"{size:>12,} connections: p50 {p50:.3f} ms, p99 {p99:.3f} ms")
    ratio = found[sizes[-1]][0] / found[sizes[0]][0]
    print(
        f"p50 at {sizes[-1]:,} is {ratio:.2f} times that at {sizes[0]:,}; {target('look-up', ratio, 1.3, at_most=True)}"
    )


def durable_runs(directory: Path, practice: Any) -> None:
    alone, per_second = asyncio.run(durable.journal(directory / "journal"))
    print(
        f"\ndurable run of three steps on SQLite: {alone:.1f} ms alone, {per_second:.0f} a second with many under way"
    )
    seconds = asyncio.run(durable.waiting(directory / "waiting", practice))
    verdict = target("waiting runs", seconds, 5.0, at_most=True)
    print(f"500 durable runs that wait twice for 200 ms, two workers: {seconds:.1f} s; {verdict}")


def custom_functions(served: Served) -> None:
    found = asyncio.run(functions.measure())
    read, written, executed = functions.over_http(served)
    print(
        f"\nempty function, warm (p50): {found.empty_ms:.2f} ms in the sandbox; over HTTP {executed:.1f} ms, where"
        f" reading it takes {read:.1f} ms and writing one value {written:.1f} ms;"
        f" {target('empty function', executed - written, 5.0, at_most=True)}"
    )
    print(f"empty functions on two workers: {found.per_second:.0f} a second")
    verdict = target("loop", found.loop_ratio, 6.0, at_most=True)
    print(
        f"loop of 200,000 passes in Deluge: {found.loop_ms:.0f} ms, {found.loop_ratio:.1f} times plain Python; {verdict}"
    )
    verdict = target("compile", found.compile_ms, 150, at_most=True)
    print(f"1,000 lines: compiled in {found.compile_ms:.0f} ms, checked in {found.check_ms:.0f} ms; {verdict}")
    verdict = target("waiting functions", found.waiting_seconds, 5.0, at_most=True)
    print(f"500 runs that wait twice for 200 ms, two workers, not journalled: {found.waiting_seconds:.1f} s; {verdict}")
    verdict = target("time limit", found.overrun_seconds, 1.0, at_most=True)
    print(f"an endless loop is ended {found.overrun_seconds:.2f} s after its limit; {verdict}")
    verdict = target("neighbours of endless loops", found.neighbour_ratio, 1.2, at_most=True)
    print(f"an empty function beside four endless loops takes {found.neighbour_ratio:.2f} times as long; {verdict}")


def access_tokens(directory: Path, most: int) -> None:
    sizes = sorted({1_000, min(100_000, most), most})
    with PostgresqlServer(fast=True) as server:
        found = {
            "PostgreSQL": asyncio.run(tokens.measure(directory / "tokens", sizes, server.create_database())),
            "SQLite": asyncio.run(tokens.measure(directory / "tokens-sqlite", sizes)),
        }
    for database, figures in found.items():
        print(f"\ncheck of an access token (p50), asked of {database} and remembered:")
        for size, (cold, warm) in figures.items():
            print(f"{size:>13,} live tokens: {cold:.3f} ms, {warm:.4f} ms")
        warmest = max(warm for _, warm in figures.values())
        print(f"on the hot path: {warmest:.4f} ms; {target('token check', warmest, 0.2, at_most=True)}")
        ratio = figures[sizes[-1]][0] / figures[sizes[0]][0]
        print(f"{sizes[-1]:,} live tokens: {ratio:.2f} times; {target('live tokens', ratio, 1.3, at_most=True)}")


def token_requests(served: Served, seconds: float) -> None:
    given = tokens.requests_per_second(served, seconds)
    if given.failed:
        raise SystemExit(f"token requests: {given.failed} answers were no success")
    print(f"token requests, one worker: {given.per_second:.0f} a second, p50 {given.p50_ms:.1f} ms")


def catalog_start() -> None:
    milliseconds, grown, count = catalog.start()
    print(
        f"catalog of {count} services: {milliseconds:.0f} ms; {target('catalog time', milliseconds, 150, at_most=True)}"
    )
    print(f"catalog of {count} services: +{grown:.1f} MiB; {target('catalog memory', grown, 20, at_most=True)}")


def catalog_searches(directory: Path) -> None:
    print("\nsearch in the whole catalog, processor time of the slowest of its queries:")
    with serving(directory, fresh=True, **catalog.ADMIN) as served:
        for name, slowest in catalog.searches(served).items():
            print(f"{name:28}{slowest:>8.1f} ms; {target(name, slowest, 50, at_most=True)}")


def console_pages(directory: Path) -> None:
    print("\npages of the console: 50 connections, 5,000 runs, every default service (median):")
    for path, milliseconds in asyncio.run(console.pages(directory)).items():
        print(f"{path:44}{milliseconds:>8.1f} ms; {target(path, milliseconds, 150, at_most=True)}")


def prepare(served: Served, practice: Any, upstream: str) -> None:
    """An OAuth 2 connection to the bare upstream, one to the practice party."""
    document = next(d for d in definitions(practice.url) if d["link_name"] == "practice_oauth2")
    changed = {**document, "link_name": "bench", "base_url": upstream, "test": None}
    changed["hosts"] = [upstream.removeprefix("http://")]
    for service in (document, changed):
        assert served.ask("POST", "/api/v1/services", service).status == 201
    make_connection(served, "practice_oauth2", "practice_oauth2")
    make_connection(served, "bench", "bench", policy={"credential_export": True})
    connect(served, practice, "practice_oauth2", "practice_oauth2")
    connect(served, practice, "bench", "bench")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each load")
    parser.add_argument("--most", type=int, default=1_000_000, help="connections in the largest look-up")
    asked = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        seconds = ready_seconds(directory)
        print(f"ready after {seconds:.2f} s; {target('start-up', seconds, 2.0, at_most=True)}")
        catalog_start()
        (directory / "searched").mkdir()
        catalog_searches(directory / "searched")
        console_pages(directory / "console")
        port = free_port()
        upstream = stack.enter_context(nginx.upstream(directory, port))
        reverse = stack.enter_context(nginx.proxy(directory, free_port(), port))
        practice = stack.enter_context(PracticeServer())
        served = stack.enter_context(serving(directory, fresh=True))
        prepare(served, practice, upstream)
        time.sleep(2)
        idle = memory.resident_mib(served.process.pid)
        print(f"memory idle: {idle:.0f} MiB; {target('idle memory', idle, 130, at_most=True)}")
        with memory.highest(served.process.pid) as seen:
            data_path(served, upstream, reverse, asked.seconds)
        print(f"memory under load: {seen[0]:.0f} MiB")
        bodies(served, GIB)
        custom_functions(served)
        token_requests(served, asked.seconds)
        served.end()
        durable_runs(directory, practice)
        look_ups(directory, [size for size in (1_000, 100_000, 1_000_000) if size <= asked.most])
        access_tokens(directory, asked.most)
    print(f"\nmissed: {', '.join(_missed)}" if _missed else "\nall targets met")
    return 1 if _missed else 0


def ready_seconds(directory: Path) -> float:
    """Seconds from the command to the first good /readyz, on a database that exists."""
    (directory / "start").mkdir()
    start_server(directory / "start", fresh=True).end()
    served = start_server(directory / "start", fresh=True)
    served.end()
    return served.ready_seconds


if __name__ == "__main__":
    sys.exit(main())
