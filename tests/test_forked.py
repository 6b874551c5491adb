"""A forked process is what one that is started afresh is, as far as a test can tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.forked import Forked, run

TELLS = """
import gc, json, os, signal, sys, threading

told = {
    "name": __name__,
    "argv": sys.argv,
    "stdin": sys.stdin.read(),
    "directory": os.getcwd(),
    "path": sys.path,
    "environ": dict(os.environ),
    "files": sorted(file for file in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{file}")),
    "signals": [str(signal.getsignal(number)).partition(" at ")[0] for number in signal.valid_signals()],
    "held": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    "threads": len(os.listdir("/proc/self/task")),
    "collecting": gc.isenabled(),
    "group": os.getpgrp(),
}
print(json.dumps(told))
print("beside", file=sys.stderr)
sys.exit(7)
"""
WAITS = """
import os, sys, time

print(os.getpid(), flush=True)
print(sys.stdin.readline(), end="", flush=True)
time.sleep(60)
"""


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() != b""  # it is empty once a process has ended
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tells.py").write_text(TELLS)
    (tmp_path / "waits.py").write_text(WAITS)
    (tmp_path / "fails.py").write_text("raise ValueError('as it was planned')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def waiting(place: Path) -> Any:
    process = Forked("waits", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid
    yield process
    process.kill()
    process.wait(20)


def test_it_is_what_a_fresh_process_is(place: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ISTHMUS_", "PYTEST_"))}
    environ = {**kept, "ISTHMUS_LOG_LEVEL": "debug"}
    words = ["--port", "1", "wörd"]
    fresh = subprocess.run(
        [sys.executable, "-m", "tells", *words],
        env=environ,
        input="given\n",
        capture_output=True,
        text=True,
        check=False,
    )
    forked = run("tells", *words, environ=environ, stdin="given\n")
    assert json.loads(fresh.stdout)["stdin"] == "given\n"
    assert json.loads(forked.stdout) == json.loads(fresh.stdout)
    assert (forked.stderr, forked.returncode) == (fresh.stderr, fresh.returncode) == ("beside\n", 7)


def test_a_fault_of_the_module_is_told_by_it(place: Path) -> None:
    ended = run("fails")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.endswith("ValueError: as it was planned\n")


def test_the_command_runs(tmp_path: Path) -> None:
    shown = run("isthmus", "--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("isthmus ")
    refused = run("isthmus", "status", "nobody", environ={**os.environ, "ISTHMUS_DATA_DIR": str(tmp_path / "data")})
    assert refused.returncode == 2
    assert (tmp_path / "data").exists()


def test_it_can_be_talked_to(waiting: Forked) -> None:
    assert waiting.stdin is not None
    assert waiting.stdout is not None
    assert waiting.poll() is None
    waiting.stdin.write("a word\n")
    waiting.stdin.flush()
    assert waiting.stdout.readline() == "a word\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it(waiting: Forked, number: signal.Signals) -> None:
    waiting.send_signal(number)
    assert waiting.wait(20) == -number
    assert waiting.poll() == -number
    waiting.send_signal(number)  # nobody else gets it


def test_a_signal_to_one_that_has_just_ended_is_for_nobody(place: Path) -> None:
    for _ in range(20):
        process = Forked("fails")
        while process.returncode is None:
            process.send_signal(0)
    assert process.returncode == 1


def test_an_interrupt_is_the_modules_own_affair(waiting: Forked) -> None:
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(20) == -signal.SIGINT


def test_waiting_has_an_end(waiting: Forked) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.01)
    assert waiting.returncode is None


def test_none_outlives_the_test_process(place: Path) -> None:
    """Which is killed, as one is that hangs."""
    program = (
        "import os, signal\nfrom tests.forked import Forked\n"
        "print(Forked('waits', environ={**os.environ}).pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[1]
    environ = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
    killed = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    ends = time.monotonic() + 20
    while runs(int(killed.stdout)):
        assert time.monotonic() < ends, "it is still there"
        time.sleep(0.01)
