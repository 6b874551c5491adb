"""Who may do what: one table, default deny."""

from __future__ import annotations

from isthmus.errors import AccessDenied, NotFound
from isthmus.records import Actor, Connection

_EVERYBODY = frozenset({"administrator", "developer", "member"})
_DEVELOPERS = frozenset({"administrator", "developer"})
_ADMINISTRATORS = frozenset({"administrator"})

RIGHTS: dict[str, frozenset[str]] = {
    "services.read": _EVERYBODY,
    "services.manage": _ADMINISTRATORS,
    "connections.read": _EVERYBODY,
    "connections.use": _EVERYBODY,
    "connections.manage": _ADMINISTRATORS,
    "connections.inspect": _DEVELOPERS,
    "connections.authorize_others": _DEVELOPERS,
    "functions.read": _EVERYBODY,
    "functions.execute": _EVERYBODY,
    "functions.manage": _DEVELOPERS,
    "functions.run_as_owner": _ADMINISTRATORS,
    "activity.read": _ADMINISTRATORS,
    "clients.register": _DEVELOPERS,
}
"""Right -> the roles that have it. Published in docs/security.md."""

_BEYOND_LIMITS = frozenset(
    {"services.manage", "connections.manage", "functions.manage", "functions.run_as_owner"}
    | {"activity.read", "clients.register"}
)
"""What no limited API key may do, whatever its role: it could reach beyond its limits then."""


def require(actor: Actor, right: str) -> None:
    """Raise AccessDenied unless the actor's role has the right, and the limits of an API key leave it."""
    if actor.role not in RIGHTS[right]:
        raise AccessDenied(f"This needs the right {right}, which the role {actor.role} does not have.")
    if right in _BEYOND_LIMITS and actor.kind == "api_key" and actor.is_limited:
        raise AccessDenied(
            f"This needs the right {right}, which a key limited to some connections or functions does not have.",
            code="key_limited",
            hint="Use a key without such a limit.",
        )


def may_see(actor: Actor, link_name: str) -> bool:
    """Whether an API key's list of connections (if it has one) holds this link name."""
    return actor.connections is None or link_name in actor.connections


def visible(actor: Actor, connection: Connection | None, link_name: str) -> Connection:
    """The connection, or NotFound alike for one that does not exist and one that the actor may not see."""
    if connection is None or not may_see(actor, link_name):
        raise NotFound(f"There is no connection {link_name!r}.", code="connection_not_found", field="link_name")
    return connection
