"""`isthmus deluge run`: a script in the sandbox, without server, database or network."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from isthmus.broker.functions.values import write_json
from isthmus.cli.errors import FUNCTION_FAILED
from isthmus.cli.outcome import say, told
from isthmus.errors import FunctionError, InputError
from isthmus.functions.host import Fault, Limits, Surroundings
from isthmus.functions.sandbox import Sandbox

if TYPE_CHECKING:
    from isthmus.broker.functions.rehearsal import Rehearsed

MOST_STATEMENTS = 200_000


@told
def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A script.")],
    arguments: Annotated[str, typer.Option("--arguments", help="Its arguments, as a JSON object.")] = "{}",
    as_json: Annotated[bool, typer.Option("--json", help="Print value, output, error and steps as JSON.")] = False,
    now: Annotated[str | None, typer.Option("--now", help="What the clock shows, as ISO 8601.")] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="The time zone of the run, as an IANA name.")] = "UTC",
    replies: Annotated[
        Path | None,
        typer.Option("--replies", help="JSON list of {status, headers, body}: what invokeurl gets, in order."),
    ] = None,
    statements: Annotated[
        int, typer.Option("--statements", min=1, max=MOST_STATEMENTS, help="The limit of statements.")
    ] = Limits().statements,
) -> None:
    """Run a script here. Prints what it prints and what it returns; exit code 5 if it fails.

    Calls are answered from --replies; without any they fail, since there are no connections here.
    """
    # Only this command needs it, and it brings much along.
    rehearsal = import_module("isthmus.broker.functions.rehearsal")
    surroundings = Surroundings(now=clock_of(now, timezone), timezone=timezone)
    limits = Limits(statements=statements)
    given = read_arguments(arguments)
    laid_out = rehearsal.read_replies(parse("--replies", read_text(replies))) if replies is not None else []
    source = read_text(file)

    async def rehearse() -> Rehearsed:
        program, bound = rehearsal.prepare(source, given)
        sandbox = Sandbox(1)
        try:
            return await rehearsal.rehearse(  # type: ignore[no-any-return]
                sandbox, program, bound, surroundings=surroundings, limits=limits, replies=laid_out, told=say
            )
        finally:
            sandbox.close()

    try:
        done = asyncio.run(rehearse())
    except FunctionError as problem:
        fault = Fault(problem.code, problem.message, problem.line, problem.column, problem.hint)
        done = rehearsal.Rehearsed(fault=fault)
    if as_json:
        print(write_json(document(done, with_requests=replies is not None)))
    else:
        show(done, file)
    if done.fault is not None:
        raise typer.Exit(FUNCTION_FAILED)


def document(done: Rehearsed, *, with_requests: bool) -> dict[str, Any]:
    """What `--json` prints."""
    fault = done.fault
    error = None if fault is None else {"message": fault.message, "line": fault.line, "column": fault.column}
    found = {"value": done.value, "info": list(done.info), "error": error, "steps": done.steps}
    return {**found, "requests": list(done.requests)} if with_requests else found


def show(done: Rehearsed, file: Path) -> None:
    """The same for people: output and value on standard output, the error on standard error."""
    for line in done.info:
        print(line)
    fault = done.fault
    if fault is None:
        if done.value is not None:
            print(done.value if isinstance(done.value, str) else write_json(done.value))
        return
    sys.stdout.flush()
    say(f"{file}:{fault.line}:{fault.column}: {fault.message}")
    if fault.excerpt:
        say(fault.excerpt)
    if fault.hint:
        say(f"hint:  {fault.hint}")


def clock_of(now: str | None, timezone: str) -> Callable[[], datetime]:
    """The clock; with `now` it stands still. Raises InputError for what is no moment or no time zone."""
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise InputError(
            f"There is no time zone {timezone[:60]!r}.", field="--timezone", hint="Use an IANA name: Europe/Berlin."
        ) from None
    if now is None:
        return lambda: datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(now)
        fixed = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(
            f"{now[:60]!r} is no moment.",
            field="--now",
            hint="Write it as 2030-01-31T12:00:00, with or without +01:00.",
        ) from None
    return lambda: fixed


def read_arguments(text: str) -> dict[str, Any]:
    """The arguments by name. Raises InputError."""
    found = parse("--arguments", text)
    if not isinstance(found, dict):
        raise InputError("Arguments are a JSON object.", field="--arguments", hint='Such as {"name": "Ann"}.')
    return found


def parse(option: str, text: str) -> Any:
    """JSON, numbers exact. Raises InputError that names the option."""
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as problem:
        reason = problem if isinstance(problem, json.JSONDecodeError) else "it is nested too deep, or a number too long"
        raise InputError(f"The value of {option} is no JSON: {reason}.", field=option, hint="Correct it.") from None


def read_text(path: Path) -> str:
    """The text of a file. Raises InputError that names it, if it cannot be read or is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}.", field="FILE", hint="Name a file.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.", field="FILE", hint="Save it as UTF-8.") from None
