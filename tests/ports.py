"""Ports for servers of tests."""

from __future__ import annotations

import secrets
import socket
from itertools import count

FIRST, PORTS = 12_000, 20_000
"""Below the range of which the kernel gives ports to connections, so that none takes one before it is listened on."""
_from = count(secrets.randbelow(PORTS))
_held: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody listens on, and that no other process of any tests is given while this one runs."""
    while True:
        port = FIRST + next(_from) % PORTS
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0isthmus-tests-port-{port}")
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
        else:
            _held.append(claim)
            return port
