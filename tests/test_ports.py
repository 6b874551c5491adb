from __future__ import annotations

import os
import socket
import subprocess
import sys
from itertools import count

import pytest
from tests import ports
from tests.forked import ROOT
from tests.ports import FIRST, PORTS, free_port


def test_no_two_are_the_same_and_all_can_be_listened_on() -> None:
    given = [free_port() for _ in range(20)]
    assert len(set(given)) == 20
    for port in given:
        assert FIRST <= port < FIRST + PORTS
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_what_was_given_or_is_listened_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = free_port()
    monkeypatch.setattr(ports, "_from", count(mine - FIRST))
    assert free_port() != mine
    with socket.create_server(("127.0.0.1", mine)):
        ports._held[-2].close()  # nobody was given it, as it were
        monkeypatch.setattr(ports, "_from", count(mine - FIRST))
        assert free_port() != mine


def test_another_process_is_given_none_of_ours() -> None:
    mine = free_port()
    program = f"from itertools import count\nfrom tests import ports\nports._from = count({mine - FIRST})\nprint(ports.free_port())"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    theirs = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert int(theirs.stdout) > mine
