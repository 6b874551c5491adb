"""The sandbox's own type check: what a Python function would trip over, found before it is published."""

from __future__ import annotations

import json
from typing import Any

from pydantic_monty import (
    FunctionSnapshot,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySyntaxError,
    MontyTypingError,
)

from isthmus.functions.host import Fault, Program
from isthmus.functions.python import STUBS
from isthmus.functions.sandbox.faults import available, fault
from isthmus.functions.sandbox.workers import Ticket, Workers, enforced

CHECK_SECONDS = 10.0
_MEMORY = 256 * 1024 * 1024
_MOST = 50
# The first thing that the fed text does is to ask, so the check is done and nothing of the function has run.
_BEGIN = "begin_check()\n"


def check_types(workers: Workers, program: Program, ticket: Ticket) -> tuple[Fault, ...]:
    """What the checker objects to, in the order of the source."""
    limits = enforced(seconds=CHECK_SECONDS, memory=_MEMORY, recursion=200)
    stubs: dict[str, Any] = {"type_check": True, "type_check_stubs": STUBS, "type_check_format": "json"}
    with workers.session(ticket, limits=limits, **stubs) as session:
        try:
            step = session.feed_start(_BEGIN + program.source)
            while isinstance(step, FunctionSnapshot) and step.function_name == "import_stubs":
                step = step.resume_not_handled()
        except MontyTypingError as problem:
            return tuple(_fault(entry, program.source) for entry in json.loads(problem.display())[:_MOST])
        except (MontyRuntimeError, MontySyntaxError) as problem:
            frames = problem.traceback()
            place = (max(1, frames[-1].line - 1), frames[-1].column) if frames else (1, 1)
            return (fault("syntax", available(str(problem.exception())), place, program.source),)
        except MontyCrashedError:
            return (fault("limit_check", "The check took too long or too much memory.", (1, 1), program.source),)
        except MontyError as problem:
            return (fault("syntax", str(problem), (1, 1), program.source),)
    return ()


def _fault(entry: dict[str, Any], source: str) -> Fault:
    place = entry["location"]
    return fault("type", entry["message"], (max(1, place["row"] - 1), place["column"]), source)
