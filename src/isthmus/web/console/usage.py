"""Who would miss a connection: functions that name it, and API keys that are limited to it."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.web.console.frame import Screen


@dataclass(frozen=True, slots=True)
class Use:
    kind: str
    name: str
    path: str


async def uses_of(screen: Screen, link_name: str) -> list[Use]:
    """What the person may see of it."""
    functions = await screen.app.functions.read.using(screen.actor, link_name)
    uses = [Use("function", one["name"], f"/functions/{one['name']}") for one in functions.items]
    if not screen.may("activity.read"):
        return uses
    page = await screen.app.accounts.api_keys(screen.actor, limit=200)
    return uses + [
        Use("API key", key["name"], "/keys")
        for key in page.items
        if not key["revoked_at"] and key["connections"] and link_name in key["connections"]
    ]
