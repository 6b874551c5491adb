"""The scopes of our own API: what each allows, in words that people read before they consent."""

from __future__ import annotations

import re
from collections.abc import Iterable

from isthmus.errors import OAuthError

SCOPES: dict[str, str] = {
    "connections.read": "See services and connections and how they are doing",
    "connections.use": "Call other services through every connection you may use",
    "connections.manage": "Create, change, connect and delete services and connections",
    "functions.read": "See functions and their runs",
    "functions.execute": "Run functions, and use the connections that they name",
    "functions.manage": "Create, change, publish and delete functions and their triggers",
    "activity.read": "See who did what",
    "people.manage": "Manage people and API keys",
    "clients.manage": "Manage client applications and what they were granted",
    "tokens.introspect": "Ask whether any token is valid, and whose it is",
}
"""Scope -> what it allows. A scope never gives more than the role of whoever it acts for."""

USE_ONE = "connections.use:"
_ONE_CONNECTION = re.compile(r"connections\.use:[a-z][a-z0-9_]{0,49}")
_MOST = 100


def is_scope(scope: str) -> bool:
    return scope in SCOPES or _ONE_CONNECTION.fullmatch(scope) is not None


def describe_scope(scope: str) -> str:
    """What the scope allows, in words."""
    if scope in SCOPES:
        return SCOPES[scope]
    return f"Call another service through the connection “{scope.removeprefix(USE_ONE)}”"


def read_scopes(text: str) -> tuple[str, ...]:
    """The scopes of a `scope` parameter (RFC 6749 §3.3), in order, without doubles.

    Raises OAuthError `invalid_scope`, naming the first that does not exist.
    """
    scopes = tuple(dict.fromkeys(part for part in text.split(" ") if part))
    if len(scopes) > _MOST:
        raise OAuthError(f"At most {_MOST} scopes can be asked for at once.", code="invalid_scope")
    for scope in scopes:
        if not is_scope(scope):
            raise OAuthError(f"There is no scope {_shown(scope)}.", code="invalid_scope")
    return scopes


def narrow(asked: tuple[str, ...], allowed: Iterable[str]) -> tuple[str, ...]:
    """What is granted of `asked`: all of it, or everything allowed where nothing was asked for.

    Raises OAuthError `invalid_scope` where something was asked for that is not allowed.
    """
    limits = tuple(allowed)
    for scope in asked:
        if not allows(limits, scope):
            raise OAuthError(f"The scope {_shown(scope)} is not allowed here.", code="invalid_scope")
    return asked or limits


def allows(held: Iterable[str], wanted: str) -> bool:
    """Whether one of the held scopes covers the wanted one."""
    return any(scope == wanted or (scope == "connections.use" and wanted.startswith(USE_ONE)) for scope in held)


def usable_connections(scopes: Iterable[str]) -> tuple[str, ...] | None:
    """The link names that the scopes limit their holder to; None where they name none."""
    held = tuple(scopes)
    named = tuple(scope.removeprefix(USE_ONE) for scope in held if scope.startswith(USE_ONE))
    return named if named and "connections.use" not in held else None


def _shown(scope: str) -> str:
    return repr(scope[:60].encode("ascii", "replace").decode())
