"""Runs functions to their end for tests: a sandbox, a fixed clock, and replies in the order in which they are needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from isthmus.functions.host import Failed, Finished, HostCall, Limits, Program, Reply, State, Surroundings, Waiting
from isthmus.functions.python import compile_python
from isthmus.functions.sandbox import Sandbox

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
AROUND = Surroundings(now=lambda: NOON)


@dataclass
class Run:
    """What one run did: its end, the lines that it printed, the calls that it made."""

    end: Finished | Failed
    info: list[str] = field(default_factory=list)
    calls: list[HostCall] = field(default_factory=list)

    @property
    def value(self) -> Any:
        assert isinstance(self.end, Finished), self.end
        return self.end.value

    @property
    def fault(self) -> Any:
        assert isinstance(self.end, Failed), self.end
        return self.end.fault


def answered(body: bytes = b"{}", status: int = 200, kind: str = "application/json") -> Reply:
    """The reply to an invokeurl."""
    return Reply(
        {"status": status, "headers": {"Content-Type": kind}, "body": body, "url": "https://api.example.test/"}
    )


async def run(
    sandbox: Sandbox,
    program: Program,
    arguments: Mapping[str, Any] | None = None,
    *,
    replies: Iterable[Reply] = (),
    limits: Limits | None = None,
    around: Surroundings = AROUND,
) -> Run:
    """Run a program to its end, each wait answered by the next reply."""
    limits = limits or Limits()
    given = iter(replies)
    state: State = await sandbox.begin(program, arguments or {}, surroundings=around, limits=limits)
    info, calls = list(state.info), list[HostCall]()
    while isinstance(state, Waiting):
        calls.append(state.call)
        state = await sandbox.resume(program, state, next(given), surroundings=around, limits=limits)
        info.extend(state.info)
    return Run(state, info, calls)


def python(source: str) -> Program:
    """A program of a Python function; where there is no `main`, of one with this body."""
    if "def main" not in source:
        source = "def main():\n" + "".join(f"    {line}\n" for line in source.splitlines())
    return compile_python(source)


@asynccontextmanager
async def opened(workers: int = 2) -> AsyncIterator[Sandbox]:
    """A sandbox, ended in the end."""
    sandbox = Sandbox(workers)
    try:
        yield sandbox
    finally:
        sandbox.close()
