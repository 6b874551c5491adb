"""`isthmus demo`, followed as the README says."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.served import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PATIENCE = 150
"""Seconds for the lines of a page: each is a process that loads the whole product, on a machine that may be busy."""
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")}


@contextmanager
def running_demo(place: Path, *, ready: bool = True) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A demo in this place: once it serves, or as soon as its third party is there."""
    port, practice_port = free_port(), free_port()
    words = ["demo", "--port", str(port), "--practice-port", str(practice_port)]
    with (place / "demo.err").open("w") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "isthmus", *words],
            cwd=place,
            env=PLAIN,
            stdout=subprocess.DEVNULL,
            stderr=told,
            text=True,
        )
    try:
        ends = time.monotonic() + 30
        while not is_up(port if ready else practice_port):
            assert process.poll() is None, (place / "demo.err").read_text()
            assert time.monotonic() < ends
            time.sleep(0.02)
        yield process, port, practice_port
    finally:
        process.terminate()
        process.wait(40)


def is_up(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def comes_to_an_end(port: int) -> bool:
    """Whether what listens there ends within a time that no machine exceeds."""
    ends = time.monotonic() + 30
    while is_up(port):
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


def quick_start() -> str:
    """The README's own lines."""
    block = next(b for b in re.findall(r"```sh\n(.*?)```", README, re.S) if "connect demo_basic" in b)
    return "set -e\n" + block


def own_function() -> str:
    """The README's lines about the demo's function."""
    block = next(b for b in re.findall(r"```sh\n(.*?)```", README, re.S) if "functions run standalone.order" in b)
    return "set -e\n" + block


def follow(lines: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Lines of a page, in another terminal beside the demo."""
    words = ["sh", "-c", ". isthmus-demo/environment\n" + lines]
    return subprocess.run(words, cwd=place, env=PLAIN, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.timeout(300)
def test_the_readme_connects_and_calls_all_four_types(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (_, port, _):
        done = subprocess.run(
            ["sh", "-c", quick_start()],
            cwd=tmp_path,
            env=PLAIN,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for link in ("demo_basic", "demo_api_key", "demo_oauth1", "demo_oauth2"):
            assert f"{link} is connected as ada." in done.stdout
        assert done.stdout.count('"name": "ada"') == 4
        calls = next(b for b in re.findall(r"```sh\n(.*?)```", README, re.S) if "/proxy/demo_oauth2/me" in b)
        asked = follow(calls.replace(":8400", f":{port}"), tmp_path)
        assert asked.stdout.count('"ada"') >= 2, asked.stdout + asked.stderr
        ran = follow(own_function().replace(":8400", f":{port}"), tmp_path)
        assert ran.returncode == 0, ran.stderr
        made, executed, path, pushed, *runs = (
            ran.stdout.replace("}{", "}\n{").replace("}stand", "}\nstand").splitlines()
        )
        assert {"email": "ann@example.com", "item": "Chair"}.items() <= json.loads(made).items()
        assert {"email": "bob@example.com", "item": "Table"}.items() <= json.loads(executed)["value"].items()
        assert path == "standalone.order.deluge"
        assert pushed == "function standalone.order: unchanged, draft 1, live 1"
        assert [line.split("  ")[2:4] for line in runs] == [["finished", "rest"], ["finished", "cli"]]
    told = (tmp_path / "demo.err").read_text()
    for line in quick_start().splitlines():
        if line.startswith(("isthmus ", "echo ")):
            assert line in told, "the demo prints what the README says"
    assert "Traceback" not in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_its_end_is_the_end_of_the_third_party_too(tmp_path: Path, number: int) -> None:
    with running_demo(tmp_path) as (process, port, practice_port):
        assert is_up(practice_port)
        process.send_signal(number)
        assert process.wait(40) == 0
        assert not is_up(port)
        assert not is_up(practice_port)


def test_an_end_before_it_serves_is_the_end_of_the_third_party_too(tmp_path: Path) -> None:
    with running_demo(tmp_path, ready=False) as (process, _, practice_port):
        process.terminate()
        assert process.wait(40) in (0, 130)
        assert not is_up(practice_port)


def test_a_demo_that_is_killed_leaves_no_third_party_behind(tmp_path: Path) -> None:
    with running_demo(tmp_path, ready=False) as (process, _, practice_port):
        process.kill()
        process.wait(40)
        assert comes_to_an_end(practice_port)


def test_what_another_terminal_reads_is_its_owners_only(tmp_path: Path) -> None:
    with running_demo(tmp_path):
        environment = tmp_path / "isthmus-demo" / "environment"
        assert environment.stat().st_mode & 0o777 == 0o600
        assert "ISTHMUS_KEY=isk_" in environment.read_text()


def test_an_earlier_demo_is_replaced_and_anything_else_is_left_alone(terminal: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("ten years of work")
    words = ["--port", str(free_port()), "--practice-port", str(free_port()), "--data-dir", str(other)]
    asked = terminal("demo", *words)
    assert asked.exit_code == 2
    assert "field: --data-dir" in asked.stderr
    assert (other / "thesis.txt").read_text() == "ten years of work"
    earlier = tmp_path / "isthmus-demo"
    earlier.mkdir()
    (earlier / "environment").touch()
    (earlier / "master.key").write_text("an earlier key")
    with running_demo(tmp_path):
        assert (earlier / "master.key").read_text() != "an earlier key"


@pytest.mark.parametrize("option", ["--port", "--practice-port"])
def test_a_port_that_is_taken_is_named(terminal: Any, tmp_path: Path, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {"--port": free_port(), "--practice-port": free_port(), option: taken.getsockname()[1]}
        words = [word for name, port in ports.items() for word in (name, str(port))]
        asked = terminal("demo", *words, "--data-dir", str(tmp_path / "demo"))
    assert asked.exit_code == 2
    assert f"field: {option}" in asked.stderr
    assert not (tmp_path / "demo").exists()
