"""How a command ends: results on standard output, words for people on standard error, never a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, cast

import typer

from isthmus.cli.errors import DONE, FAILED, INTERRUPTED, exit_code
from isthmus.errors import InputError, IsthmusError

F = TypeVar("F", bound=Callable[..., Any])


def say(text: str) -> None:
    """A line for people, on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def fail(problem: IsthmusError) -> NoReturn:
    """Tell the error and end the command."""
    say(f"error: {problem.message}")
    if problem.field:
        say(f"field: {problem.field}")
    if problem.hint:
        say(f"hint:  {problem.hint}")
    raise typer.Exit(exit_code(type(problem)))


def told(command: F) -> F:
    """A command whose errors are told in words."""

    @functools.wraps(command)
    def wrapper(*args: Any, **named: Any) -> Any:
        try:
            result = command(*args, **named)
            sys.stdout.flush()
        except IsthmusError as problem:
            fail(problem)
        except BrokenPipeError:
            # The reader of our output went away; nothing more can be said to it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(DONE) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as problem:
            say(_unexpected(problem))
            raise typer.Exit(FAILED) from None
        return result

    return cast(F, wrapper)


def ask(label: str, option: str, *, hidden: bool = False) -> str:
    """A value asked from the person at the terminal. Raises InputError naming the option where nobody answers."""
    try:
        return str(typer.prompt(label, hide_input=hidden, err=True))
    except typer.Abort:
        if sys.stdin.isatty():
            raise KeyboardInterrupt from None
        raise InputError(
            f"{label} is missing, and there is nobody to ask.", field=option, hint=f"Give it with {option}."
        ) from None


def read_line() -> str:
    """One line from standard input, without its end."""
    return sys.stdin.readline().rstrip("\r\n")


def _unexpected(problem: BaseException) -> str:
    """What kind of fault and where. Its text stays out: it may quote what it choked on."""
    place = problem.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" in {place.tb_frame.f_globals.get('__name__', '?')}, line {place.tb_lineno}" if place else ""
    return f"error: An unexpected fault: {type(problem).__name__}{where}.\nhint:  Report it with this line."
