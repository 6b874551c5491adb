"""Which scope each route of the API needs from an access token: one table, default deny.

API keys and sessions are not limited by scopes; what their role allows is decided by the use cases, for everybody.
"""

from __future__ import annotations

from isthmus.authserver.scopes import USE_ONE, allows
from isthmus.records import Actor
from isthmus.web.errors import Refusal

_READING = frozenset({"GET", "HEAD"})
ANY = ""
"""Any valid token will do."""

USE = "connections.use"

_RULES: tuple[tuple[str, str, str], ...] = (
    ("/api/v1/me", ANY, ANY),
    ("/api/v1/connections/{link_name}/invoke", USE, USE),
    ("/api/v1/connections/{link_name}/credential", USE, USE),
    ("/api/v1/connections/{link_name}/functions", "functions.read", "functions.manage"),
    ("/api/v1/functions/{name}/execute", "functions.execute", "functions.execute"),
    ("/api/v1/services", "connections.read", "connections.manage"),
    ("/api/v1/catalog", "connections.read", "connections.manage"),
    ("/api/v1/connections", "connections.read", "connections.manage"),
    ("/api/v1/functions", "functions.read", "functions.manage"),
    ("/api/v1/runs", "functions.read", "functions.execute"),
    ("/api/v1/triggers", "functions.read", "functions.manage"),
    ("/api/v1/activity", "activity.read", "activity.read"),
    ("/api/v1/users", "people.manage", "people.manage"),
    ("/api/v1/api-keys", "people.manage", "people.manage"),
    ("/api/v1/clients", "clients.manage", "clients.manage"),
    ("/api/v1/grants", "clients.manage", "clients.manage"),
)
"""Path, scope for reading, scope for changing; the first path that the route begins with counts."""


def needed_scope(method: str, path: str) -> str | None:
    """The scope that a token needs for this route (path as in OpenAPI); None where no token will do."""
    for prefix, reading, changing in _RULES:
        if path == prefix or path.startswith(prefix + "/"):
            return reading if method.upper() in _READING else changing
    return None


def require_scope(actor: Actor, wanted: str | None) -> None:
    """Raise Refusal 403 (`insufficient_scope`, RFC 6750 §3.1) unless the actor's token has the scope."""
    if actor.scopes is None or wanted == ANY:
        return
    if wanted is not None and (allows(actor.scopes, wanted) or (wanted == USE and _may_use_some(actor.scopes))):
        return
    raise insufficient_scope(wanted)


def require_use(actor: Actor, link_name: str) -> None:
    """As `require_scope`, for a call through this connection."""
    if actor.scopes is not None and not allows(actor.scopes, f"{USE_ONE}{link_name}"):
        raise insufficient_scope(f"{USE_ONE}{link_name}")


def insufficient_scope(wanted: str | None) -> Refusal:
    scope = f', scope="{wanted}"' if wanted else ""
    return Refusal(
        403,
        code="insufficient_scope",
        detail=f"The access token lacks the scope {wanted}." if wanted else "No access token may do this.",
        hint="Ask the person for this scope, or use an API key.",
        headers={"WWW-Authenticate": f'Bearer realm="isthmus", error="insufficient_scope"{scope}'},
    )


def _may_use_some(scopes: tuple[str, ...]) -> bool:
    """Which one is seen by the use case: the token's holder is limited to the connections that its scopes name."""
    return any(scope.startswith(USE_ONE) for scope in scopes)
