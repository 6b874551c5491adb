"""`isthmus serve`: what it says, when it is ready, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.journey import connect, make_connection, make_service
from tests.served import Reply, Served, free_port, serving, start_server


def test_more_workers_than_the_database_can_serve_are_refused(terminal: Any) -> None:
    asked = terminal("serve", "--workers", "2")
    assert asked.exit_code == 2
    assert "PostgreSQL" in asked.stderr


def test_a_port_that_is_taken_is_named_before_anything_is_opened(terminal: Any, environ: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        asked = terminal("serve", "--port", str(taken.getsockname()[1]))
    assert asked.exit_code == 2
    assert "field: --port" in asked.stderr
    assert not Path(environ["ISTHMUS_DATA_DIR"]).exists()


def test_a_start_without_an_administrator_prints_the_link_to_become_one_and_a_later_one_does_not(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, fresh=True) as served:
        assert f"Isthmus listens on {served.url}" in served.log()
        assert f"{served.url}/setup/" in served.log()
        person = {
            "email": "ada@example.com",
            "name": "Ada",
            "role": "administrator",
            "password": "correct horse battery",
        }
        assert served.ask("POST", "/api/v1/users", person).status == 201
    port = free_port()
    later = start_server(tmp_path, port=port, key=served.key, public_url=f"http://127.0.0.1:{port}")
    later.end()
    assert f"Isthmus listens on {later.url}" in later.log()
    assert "/setup/" not in later.log()


def test_the_public_url_follows_the_port(tmp_path: Path) -> None:
    with serving(tmp_path, public_url="") as served:
        document = served.ask("GET", "/openapi.json").document
        assert document["servers"] == [{"url": served.url}]


@pytest.fixture
def busy(tmp_path: Path, practice: Any) -> Iterator[Any]:
    started: list[Served] = []

    def begin(seconds: float, *words: str, **settings: str) -> tuple[Served, threading.Thread, list[Any]]:
        """A server with a call under way that takes so long."""
        served = start_server(tmp_path, *words, fresh=bool(words), **settings)  # workers load the product themselves
        started.append(served)
        make_service(served, practice, "practice_basic")
        make_connection(served, "practice_basic", "slow")
        connect(served, practice, "slow", "practice_basic", username="ada", password="pa:ss wörd")
        answers: list[Any] = []

        def call() -> None:
            try:
                answers.append(served.ask("GET", f"/proxy/slow/slow?seconds={seconds}"))
            except OSError as problem:
                answers.append(problem)

        thread, before = threading.Thread(target=call), practice.counters()["api_calls"]
        thread.start()
        ends = time.monotonic() + 30
        while practice.counters()["api_calls"] == before:
            assert time.monotonic() < ends, "the call does not get there"
            time.sleep(0.02)
        return served, thread, answers

    yield begin
    for served in started:
        served.end()


def ask_while(thread: threading.Thread, served: Served) -> None:
    """Ask again and again while the call is under way: the signal may take a while to come through."""
    while thread.is_alive():
        served.ask("GET", "/healthz")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_under_way_is_finished_before_the_end(busy: Any, number: int) -> None:
    served, thread, answers = busy(4)
    served.process.send_signal(number)
    with pytest.raises(OSError, match=r"."):  # nothing new is taken
        ask_while(thread, served)
    assert served.process.wait(20) == 0
    thread.join()
    assert isinstance(answers[0], Reply)
    assert answers[0].status == 200
    assert '"event":"stopped"' in served.log()


def test_a_call_that_takes_too_long_is_cut_off(busy: Any) -> None:
    served, thread, answers = busy(20, drain_seconds="2")
    served.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert served.process.wait(15) == 0
    assert 1.5 < time.monotonic() - began < 14
    thread.join()
    assert not (isinstance(answers[0], Reply) and answers[0].status == 200)
    assert "cut off" in served.log()


@pytest.mark.postgresql
def test_several_workers_serve_and_end_together(tmp_path: Path, postgresql_url: str, practice: Any, busy: Any) -> None:
    served, thread, answers = busy(2, "--workers", "2", database_url=postgresql_url)
    assert "with 2 workers" in served.log()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(30) == 0
    thread.join()
    assert isinstance(answers[0], Reply)
    assert answers[0].status == 200


@pytest.mark.postgresql
def test_workers_whose_parent_is_killed_end_too(tmp_path: Path, postgresql_url: str) -> None:
    with serving(tmp_path, "--workers", "2", database_url=postgresql_url) as served:
        served.end(hard=True)
        ends = time.monotonic() + 30
        while (left := answers(served)) and time.monotonic() < ends:
            time.sleep(0.05)
        assert not left, "a worker that nobody knows of keeps the port"


def answers(served: Served) -> bool:
    try:
        return served.ask("GET", "/healthz").status == 200
    except OSError:
        return False


@pytest.mark.postgresql
def test_wrong_settings_of_several_workers_are_told_once_by_the_parent(tmp_path: Path, postgresql_url: str) -> None:
    words = [sys.executable, "-m", "isthmus", "serve", "--workers", "2", "--port", str(free_port())]
    chosen = {"ISTHMUS_DATA_DIR": str(tmp_path), "ISTHMUS_DATABASE_URL": postgresql_url, "ISTHMUS_MASTER_KEY": "short"}
    environ = {**os.environ, **chosen}
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 70
    assert ended.stderr.count("ISTHMUS_MASTER_KEY is not a key") == 1
