"""Load by Debian's `wrk`: closed loop, kept connections, one thread, bounded in time."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Result:
    """Requests per second, latencies in milliseconds, and how many answers were no success."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def run(url: str, *, connections: int, seconds: float, headers: Sequence[str] = (), body: str = "") -> Result:
    """Load `url` for `seconds` with that many connections; with a body by POST."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is not installed: apt-get install -y wrk")
    words = [program, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "10s"]
    for header in headers:
        words += ["-H", header]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body:
            script.write(f"wrk.method = 'POST'\nwrk.body = '{body}'\n")
            script.flush()
            words += ["-s", script.name]
        done = subprocess.run([*words, url], capture_output=True, text=True, check=True, timeout=seconds + 30)
    text = done.stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Result(
        per_second=float(_found(r"Requests/sec:\s+([\d.]+)", text)),
        p50_ms=_milliseconds(_found(r"50%\s+([\d.]+\w+)", text)),
        p99_ms=_milliseconds(_found(r"99%\s+([\d.]+\w+)", text)),
        failed=int(failed.group(1)) if failed else 0,
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"wrk said something unexpected:\n{text}")
    return match.group(1)


def _milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    assert match is not None, text
    return float(match.group(1)) * _UNITS[match.group(2)]
