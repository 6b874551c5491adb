"""What the whole catalog costs: at the start of a process, and in each search.

python -m bench.catalog
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.served import Served, serving

from bench import memory

RUNS = 9
ASKED = 20
QUERIES = (
    *("slack", "g", "google", "zoho books", "api.github.com", "crm", "mailchmp", "microsfot teams", "goggle drive"),
    *("qqqqzzzz", "bananas in pyjamas", "https://api.stripe.com/v1/charges", "the quick brown fox jumps over it"),
)
ADMIN = {"admin_email": "admin@example.com", "admin_password": "correct horse battery"}
_START = """
import time
from pathlib import Path
import isthmus.app
from isthmus.catalog.catalog import Catalog
def resident():
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
before, began = resident(), time.process_time()
catalog = Catalog.load()
print((time.process_time() - began) * 1000, resident() - before, len(catalog.search()))
"""


def start() -> tuple[float, float, int]:
    """(milliseconds, MiB, services): what loading the catalog adds to a process that has all its modules; medians.

    Processor time, which other work on the machine does not lengthen; nothing but files in memory is waited for.
    """
    runs = [_started() for _ in range(RUNS + 1)][1:]
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs), int(runs[0][2])


def _started() -> tuple[float, float, float]:
    done = subprocess.run([sys.executable, "-c", _START], check=True, capture_output=True, text=True, timeout=60)
    milliseconds, grown, count = (float(word) for word in done.stdout.split())
    return milliseconds, grown, count


def searches(served: Served) -> dict[str, float]:
    """Milliseconds of the slowest query, for the API and the console: the server's processor time, on average.

    The server is one with `ADMIN`.
    """
    cookie = _signed_in(served)
    places: dict[str, tuple[str, Mapping[str, str]]] = {
        "API, 50 whole services": ("/api/v1/services?limit=50&q=", {}),
        "console, pick page": ("/new/connection?q=", cookie),
        "console, as one types": ("/new/connection?q=", {**cookie, "HX-Request": "true"}),
    }
    found = {}
    for name, (path, headers) in places.items():
        asks = {q: _asking(served, path + quote(q), headers) for q in ("", *QUERIES)}
        found[name] = max(_average(served, ask) for ask in asks.values())
    return found


def _asking(served: Served, path: str, headers: Mapping[str, str]) -> Callable[[], None]:
    def ask() -> None:
        reply = served.ask("GET", path, key="" if "Cookie" in headers else None, headers=headers)
        if reply.status != 200:
            raise SystemExit(f"{path}: {reply.status}")

    return ask


def _average(served: Served, ask: Callable[[], None]) -> float:
    ask()
    before = memory.processor_seconds(served.process.pid)
    for _ in range(ASKED):
        ask()
    return (memory.processor_seconds(served.process.pid) - before) * 1000 / ASKED


def _signed_in(served: Served) -> dict[str, str]:
    page = served.ask("GET", "/login", key="")
    hidden = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', page.body.decode())
    fields = {name: unescape(value) for name, value in hidden}
    fields |= {"email": ADMIN["admin_email"], "password": ADMIN["admin_password"]}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": served.url}
    answer = served.ask("POST", "/login", key="", headers=headers, body=urlencode(fields).encode())
    cookies = [value for name, value in answer.headers.items() if name.lower() == "set-cookie"]
    if answer.status != 303 or not cookies:
        raise SystemExit(f"signing in: {answer.status}")
    return {"Cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies)}


def main() -> None:
    milliseconds, grown, count = start()
    print(f"catalog of {count} services: {milliseconds:.0f} ms and {grown:.1f} MiB added at the start")
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory), fresh=True, **ADMIN) as served:
        for name, slowest in searches(served).items():
            print(f"{name}: the slowest query takes {slowest:.0f} ms")


if __name__ == "__main__":
    main()
