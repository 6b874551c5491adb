"""Settings as they are in force: read here, changed where the server is started."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from isthmus.settings import PREFIX, Settings
from isthmus.web.console.frame import ConsoleRoute, Screen

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

_DANGERS = {
    "egress_allow": "Everybody who may create a connection can reach these from this server, though they are not "
    "public: an internal service answers as if the server itself had asked.",
    "function_egress_allow": "Everybody who may write a function can reach these from this server, without a "
    "connection.",
}
_GROUPS = (
    ("Server", ("public_url", "data_dir", "workers", "log_level", "proactive_refresh", "ca_bundle")),
    ("Catalog", ("catalog_dir", "catalog_url", "catalog_keys", "catalog_hours")),
    (
        "Signing in through the organisation",
        tuple(
            f"openid_{name}" for name in "issuer client_id client_secret_file name domains role link_by_email".split()
        ),
    ),
    (
        "Limits of calls",
        tuple(
            "request_seconds connect_seconds token_seconds stream_seconds stream_idle_seconds response_bytes wire_bytes "
            "request_bytes request_body_seconds response_headers redirects retries drain_seconds".split()
        ),
    ),
)


class Line(NamedTuple):
    """A setting: what it is called where it is set, its value in words, what it means, whether it is the default."""

    variable: str
    value: str
    meaning: str
    default: bool


@router.get("/settings", response_class=Response)
async def show_settings(request: Request) -> Response:
    """Limits, mail, and the exceptions of egress with their danger."""
    screen = Screen(request)
    screen.require("activity.read")
    settings = screen.app.settings
    of_functions = tuple(
        one.name for one in fields(Settings) if one.name.startswith("function_") and one.name not in _DANGERS
    )
    groups = (*_GROUPS, ("Limits of functions", of_functions))
    return screen.show(
        "console/settings.html",
        section="settings",
        groups=[(title, [line_of(settings, name) for name in names]) for title, names in groups],
        dangers=[(line_of(settings, name), danger) for name, danger in _DANGERS.items()],
        mail_host=urlsplit(settings.smtp_url).hostname or "",
        mail_from=settings.mail_from,
        database=urlsplit(settings.database_url).scheme.split("+")[0] if settings.database_url else "SQLite",
        key_source="ISTHMUS_MASTER_KEY" if settings.master_key else "a file in the data directory",
    )


def line_of(settings: Settings, name: str) -> Line:
    """One setting in words. Raises KeyError for a secret one: those are never shown."""
    known = {one.name: one for one in fields(Settings) if not one.metadata["secret"]}
    one = known[name]
    value = getattr(settings, name)
    return Line(PREFIX + name.upper(), in_words(name, value), one.metadata["meaning"], value == one.default)


def in_words(name: str, value: Any) -> str:
    """`10 MB`, `40 s`, `on`, `a, b`; empty for nothing."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(value)
    if name.endswith("_bytes"):
        return f"{value / 1024 / 1024:g} MB"
    if name.endswith("_seconds"):
        return f"{value:g} s"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
