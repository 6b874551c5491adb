"""Every built-in of the language: the one table that checker, completion, hover, documentation and compiler go by.

Names are matched whatever the case of their letters.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

from isthmus.functions.deluge.entries import Builtin, Parameter, SystemValue, TaskDefinition, TaskKey
from isthmus.functions.deluge.tables import container, conversion, date, number, system, text

__all__ = [
    "BUILTINS",
    "FUNCTIONS",
    "METHODS",
    "SYSTEM_VALUES",
    "TASKS",
    "Builtin",
    "Parameter",
    "SystemValue",
    "TaskDefinition",
    "TaskKey",
    "namespace_function",
    "suggest",
    "system_variable",
]

BUILTINS: tuple[Builtin, ...] = (
    *text.ENTRIES,
    *number.ENTRIES,
    *conversion.ENTRIES,
    *date.ENTRIES,
    *container.ENTRIES,
    *system.ENTRIES,
)


def _by_name(entries: Iterable[Builtin]) -> dict[str, tuple[Builtin, ...]]:
    found: dict[str, tuple[Builtin, ...]] = {}
    for entry in entries:
        for name in dict.fromkeys(name.lower() for name in entry.names):
            found[name] = (*found.get(name, ()), entry)
    return found


METHODS: dict[str, tuple[Builtin, ...]] = _by_name(entry for entry in BUILTINS if entry.receivers)
"""Lower-case name -> what `x.name(...)` can be, by the type of x."""

FUNCTIONS: dict[str, tuple[Builtin, ...]] = _by_name(BUILTINS)
"""Lower-case name -> what `name(...)` can be. An entry with receivers takes the receiver as its first argument."""

TASKS: dict[str, TaskDefinition] = {task.name: task for task in system.TASKS}
"""Lower-case name -> the task."""

SYSTEM_VALUES: dict[str, SystemValue] = {value.name: value for value in system.SYSTEM_VALUES}
"""Lower-case name -> the `zoho.` variable."""


def system_variable(path: str) -> SystemValue | None:
    """The `zoho.` variable of this name."""
    return SYSTEM_VALUES.get(path.lower())


def namespace_function(path: str) -> Builtin | None:
    """The function of a namespace (`zoho.encryption.sha256`) of this name."""
    return FUNCTIONS.get(path.lower(), (None,))[0]


_FAR = 6
_CANDIDATES = 500


def suggest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, or None."""
    near = (candidate for candidate in known if abs(len(candidate) - len(name)) <= _FAR)
    spelled = {candidate.lower(): candidate for candidate in itertools.islice(near, _CANDIDATES)}
    close = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.7)
    return spelled[close[0]] if close else None
