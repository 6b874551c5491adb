"""Who may see, edit and run a function."""

from __future__ import annotations

from isthmus.broker.access import RIGHTS, require
from isthmus.errors import AccessDenied, NotFound
from isthmus.records import Actor, Function


def may_edit(actor: Actor) -> bool:
    """A key limited to some connections or functions edits nothing: what it wrote would run with others' rights."""
    return actor.role in RIGHTS["functions.manage"] and not actor.is_limited


def may_run(actor: Actor, function: Function, *, within: str = "") -> bool:
    """By role, by an API key's limits, and by the function's own list of callers.

    `within` is the function whose code calls this one: a key's limits are about what it runs itself, and a list of
    callers may name `function:NAME`.
    """
    if not within and actor.functions is not None and function.name not in actor.functions:
        return False
    if actor.role not in function.run_roles and actor.role != "administrator":
        return False
    named = function.callers
    return named is None or actor.kind == "system" or actor.id in named or f"function:{within}" in named


def require_edit(actor: Actor) -> None:
    """Raise AccessDenied unless the actor may write functions."""
    require(actor, "functions.manage")
    if actor.is_limited:
        raise AccessDenied(
            "A key limited to some connections or functions cannot edit functions.",
            code="key_limited",
            hint="Use a key without such a limit.",
        )


def seen(actor: Actor, function: Function | None, name: str) -> Function:
    """The function, or NotFound alike for one that does not exist and one that the actor may not see."""
    if function is None or not (may_run(actor, function) or may_edit(actor)):
        raise no_such_function(name)
    return function


def runnable(actor: Actor, function: Function | None, name: str, *, within: str = "") -> Function:
    """The function that the actor may run. Raises NotFound, or AccessDenied for one that they see but may not run."""
    require(actor, "functions.execute")
    if function is not None and may_run(actor, function, within=within):
        return function
    function = seen(actor, function, name)
    if not may_run(actor, function):
        raise AccessDenied(
            f"The function {function.name!r} may not be run by you.",
            code="run_denied",
            hint="An administrator can add your role to run_roles, or you to callers.",
        )
    return function


def no_such_function(name: str) -> NotFound:
    return NotFound(f"There is no function {name[:200]!r}.", code="function_not_found", field="name")
