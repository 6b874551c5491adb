"""What went wrong in the sandbox, told as the function's author needs it: which limit, which line."""

from __future__ import annotations

from bisect import bisect_right

from pydantic_monty import Frame, MontyRuntimeError, MontySyntaxError

from isthmus.functions.host import Fault, Limits, Program
from isthmus.functions.sandbox.output import LINES

_TOLD = {"deluge": ("limit_statements", "limit_output"), "python": ("limit_output",)}
"""Limits that the built-ins see to themselves, by ending the run."""
HINTS = {
    "limit_statements": "Do less in one run: fetch in pages, leave loops early, or ask an administrator to raise the limit.",
    "limit_active": "Do less in one run, or ask an administrator to raise the limit.",
    "limit_wall": "Do less in one run, or run the function from a schedule, which has more time.",
    "limit_memory": "Keep less at a time: work through pages, and let go of what is done with.",
    "limit_recursion": "Write a loop in place of calls that call themselves.",
    "limit_outbound_calls": "Ask for more in one call, or split the work over several runs.",
    "limit_suspensions": "Ask for more in one call, or split the work over several runs.",
    "limit_sleep": "Let a schedule come back later in place of waiting inside the run.",
    "limit_output": "Print less: what is printed is for reading.",
    "limit_value": "Return or send less: an identifier or a page in place of everything.",
    "crashed": "Nothing else was harmed. Run it again; if it crashes again, change what it does at this place.",
}

_TOO_MUCH = {
    "too deeply nested": (
        "limit_nesting",
        "This is nested deeper than the sandbox's limit of 200 levels.",
        "Divide the expression or block.",
    ),
    "function too large": (
        "limit_size",
        "This block is larger than the sandbox's limit of 32 KB of compiled code.",
        "Move a part of it into another function, or repeat it in a loop.",
    ),
}
"""What the sandbox says of code that passes a limit of its reader -> how it is told."""


def spent(code: str, limits: Limits, place: tuple[int, int] = (1, 1), source: str = "") -> Fault:
    """The fault of a limit; `code` is a key of `HINTS`."""
    messages = {
        "limit_statements": f"Number of statement execution limit exceed: {limits.statements} statements were executed.",
        "limit_active": f"The function computed longer than its limit of {limits.active_seconds:g} s.",
        "limit_wall": f"The function ran longer than its limit of {limits.wall_seconds:g} s.",
        "limit_memory": f"The function used more than its limit of {limits.memory_bytes >> 20} MB of memory.",
        "limit_recursion": f"The function's calls are nested deeper than its limit of {limits.recursion}.",
        "limit_outbound_calls": f"The function made more than its limit of {limits.outbound_calls} outbound calls.",
        "limit_suspensions": f"The function waited more often than its limit of {limits.suspensions} times.",
        "limit_sleep": f"The function asked to sleep longer than its limit of {limits.sleep_seconds:g} s.",
        "limit_output": f"The function printed more than its limit of {limits.output_bytes * LINES >> 10} KB.",
        "crashed": "The function's worker process ended unexpectedly.",
    }
    return fault(code, messages[code], place, source, HINTS[code])


def thawed_wrongly(source: str) -> Fault:
    """The fault of a frozen run that this version of the interpreter cannot read."""
    message = "The run was frozen by another version of the sandbox and cannot go on."
    return fault("frozen_otherwise", message, (1, 1), source, "Run the function again.")


def fault(code: str, message: str, place: tuple[int, int], source: str, hint: str = "") -> Fault:
    """A fault with the source's line and a caret."""
    line, column = place
    return Fault(code, message, line, column, hint, excerpt(source, line, column))


def excerpt(source: str, line: int, column: int) -> str:
    """The source's line with a caret below the column; the part around it where the line is long."""
    lines = source.split("\n", line)
    if not source or not 0 < line <= len(lines):
        return ""
    shown = lines[line - 1].rstrip("\r")
    start = max(0, column - 80)
    shown = shown[start : start + 120]
    padding = "".join("\t" if character == "\t" else " " for character in shown[: column - 1 - start])
    return f"{shown}\n{padding}^"


def judge(problem: MontyRuntimeError | MontySyntaxError, program: Program, limits: Limits) -> Fault:
    """The fault behind an exception that ended the run."""
    inner = problem.exception()
    place = place_of(problem.traceback(), program)
    message = str(inner)
    kind = ""
    if isinstance(inner, SystemExit) and message.partition(":")[0] in _TOLD[program.language]:
        kind, *where = message.split(":")
        place = (int(where[0]), int(where[1])) if program.language == "deluge" and where else place
    elif isinstance(inner, TimeoutError) and "limit exceeded" in message:
        kind = "limit_active"
    elif isinstance(inner, MemoryError):
        kind = "limit_memory"
    elif isinstance(inner, RecursionError) and "recursion depth" in message:
        kind = "limit_recursion"
    if kind:
        return spent(kind, limits, place, program.source)
    for sign, (code, told, hint) in _TOO_MUCH.items():
        if isinstance(problem, MontySyntaxError) and sign in message:
            return fault(code, told, place, program.source, hint)
    if isinstance(problem, MontySyntaxError) or isinstance(inner, NotImplementedError):
        return fault("syntax", available(message), place, program.source)
    if program.language == "python":
        name = "Thrown" if type(inner) is Exception else type(inner).__name__
        return fault("run_failed", f"{name}: {message}" if message else name, place, program.source)
    return fault("thrown" if type(inner) is Exception else "run_failed", worded(inner), place, program.source)


def available(message: str) -> str:
    """What the sandbox says about a construct that it does not have, in our words."""
    return message.replace("The monty syntax parser does not yet support", "Functions do not have")


def worded(problem: BaseException) -> str:
    """A Deluge run-time error's words. What the built-ins did not say themselves is said for them."""
    if isinstance(problem, ZeroDivisionError):
        return "Division by zero."
    if isinstance(problem, TypeError | AttributeError):
        return f"The operation cannot be applied to these values ({problem})."
    return str(problem) or type(problem).__name__


def place_of(frames: list[Frame], program: Program) -> tuple[int, int]:
    """Line and column in the source: of the innermost frame that is the function's own."""
    if not frames:
        return (1, 1)
    own = frames[0].filename
    frame = next(frame for frame in reversed(frames) if frame.filename == own)
    if not program.places:
        line = min(frame.line, program.source.count("\n") + 1)
        return (line, frame.column)
    at = bisect_right(program.places, (frame.line, frame.column, 1 << 60, 0)) - 1
    return program.places[max(at, 0)][2:]
