"""The single table: our error -> exit code."""

from __future__ import annotations

from isthmus.errors import (
    ConnectError,
    DestinationDenied,
    FunctionError,
    InputError,
    IsthmusError,
    NotConnected,
    OutboundError,
    ProtocolError,
    ReauthorizationRequired,
    RefreshDeferred,
    SealBroken,
    StorageError,
)

DONE, FAILED, WRONG_USE, NEEDS_PERSON, UNREACHABLE, FUNCTION_FAILED, STORAGE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 70, 130

MEANINGS = {
    DONE: "done",
    FAILED: "failed: something unexpected; or what was asked for and named in the command's help (`--fail`, `check`)",
    WRONG_USE: "wrong use: a word, a value, a setting or a file is not right",
    NEEDS_PERSON: "a connection needs a person",
    UNREACHABLE: "the third party could not be reached, or gave no usable answer",
    FUNCTION_FAILED: "a function failed",
    STORAGE: "storage: the database or the key is not there, or not usable",
    INTERRUPTED: "interrupted with Ctrl-C",
}

# The first class that fits counts.
TABLE: tuple[tuple[type[IsthmusError], int], ...] = (
    (StorageError, STORAGE),
    (FunctionError, FUNCTION_FAILED),
    (InputError, WRONG_USE),
    (DestinationDenied, WRONG_USE),
    (NotConnected, NEEDS_PERSON),
    (ReauthorizationRequired, NEEDS_PERSON),
    (SealBroken, NEEDS_PERSON),
    (ConnectError, NEEDS_PERSON),
    (RefreshDeferred, UNREACHABLE),
    (OutboundError, UNREACHABLE),
    (ProtocolError, UNREACHABLE),
)


def exit_code(kind: type[IsthmusError]) -> int:
    """The exit code for this class of error; 1 for what has no row."""
    return next((code for ancestor, code in TABLE if issubclass(kind, ancestor)), FAILED)
