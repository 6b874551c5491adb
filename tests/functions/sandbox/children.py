"""The worker processes of this process."""

from __future__ import annotations

import os
from pathlib import Path


def children() -> set[int]:
    """The worker processes of this process that are alive."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[1]) == os.getpid() and b"monty" in command:
                found.add(int(entry.name))
    return found
