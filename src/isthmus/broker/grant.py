"""What a token answer means for the authorization's row: times, scopes, and what to tell about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from isthmus.broker.credentials import spend_hash
from isthmus.broker.tokens import spread
from isthmus.expressions import fill
from isthmus.protocols.oauth2.token import TokenAnswer
from isthmus.protocols.steps import uses
from isthmus.records import Authorization, Connection, Service, TimelineEntry

_PERSONLESS_NEEDS_NO_REFRESH_TOKEN = "authorization_code"


def refresh_moment(issued_at: datetime, expires_at: datetime | None, key: str) -> datetime | None:
    """When to refresh: somewhere in the last 10-20 % of the life, at least 60 s before its end, never in its first half.

    The place within that window is fixed by `key`, so that grants which were issued together do not fall due together.
    """
    if expires_at is None:
        return None
    life = max((expires_at - issued_at).total_seconds(), 0.0)
    margin = min(max(60.0, life * (0.1 + 0.1 * spread(key))), life / 2)
    return expires_at - timedelta(seconds=margin)


def is_refreshable(service: Service, answer: TokenAnswer) -> bool:
    """With a refresh token, by the service's own request, by logging in again, or where the grant needs no person and
    can simply be asked for again."""
    if answer.credential.refresh_token is not None or service.auth_type == "login":
        return True
    if service.refresh_request is not None:
        return not uses(service.refresh_request, "refresh_token")
    return service.grant_type != _PERSONLESS_NEEDS_NO_REFRESH_TOKEN


def issue_columns(service: Service, answer: TokenAnswer, *, key: str, now: datetime) -> dict[str, Any]:
    """The columns that a fresh token answer sets, sealed credential and variables apart."""
    columns: dict[str, Any] = {
        "refresh_token_hash": spend_hash(answer.credential),
        "refreshable": is_refreshable(service, answer),
        "issued_at": now,
        "expires_at": answer.expires_at,
        "refresh_at": refresh_moment(now, answer.expires_at, key),
        "reason": None,
    }
    if answer.granted_scopes is not None:
        columns["granted_scopes"] = answer.granted_scopes
    if answer.refresh_expires_at is not None:
        columns["grant_expires_at"] = answer.refresh_expires_at
    elif service.lifetimes.absolute_days is None and service.lifetimes.idle_days is not None:
        columns["grant_expires_at"] = now + timedelta(days=service.lifetimes.idle_days)
    return columns


def missing_scopes(connection: Connection, authorization: Authorization) -> tuple[str, ...]:
    """Asked for and not granted; empty where the provider does not say what it granted."""
    if authorization.granted_scopes is None:
        return ()
    granted = set(authorization.granted_scopes)
    return tuple(scope for scope in _asked(connection, authorization.variables) if scope not in granted)


def scope_change(
    connection: Connection, before: Authorization | None, after: Mapping[str, Any], now: datetime
) -> tuple[TimelineEntry, ...]:
    """A timeline entry if the granted scopes changed, or were fewer than asked from the start."""
    granted = after.get("granted_scopes")
    if granted is None:
        return ()
    learnt = after.get("variables", before.variables if before is not None else {})
    lost = sorted(set(_asked(connection, learnt)) - set(granted))
    if before is not None and before.granted_scopes is not None and set(before.granted_scopes) == set(granted):
        return ()
    if before is None and not lost:
        return ()
    return (
        TimelineEntry(
            connection_id=connection.id,
            kind="scope_changed",
            message="The granted scopes are not the ones asked for." if lost else "The granted scopes changed.",
            at=now,
            authorization_id=before.id if before else None,
            code="scope_not_granted" if lost else "scope_changed",
            hint="Connect again and approve every scope, or take the missing ones off the connection." if lost else "",
            details={"granted": sorted(granted), "missing": lost},
        ),
    )


def _asked(connection: Connection, learnt: Mapping[str, str]) -> list[str]:
    """The connection's scopes as they were sent; one with a slot that is filled otherwise cannot be compared."""
    values = {**connection.variables, **learnt}
    filled = (fill(scope, values, partial=True) for scope in connection.scopes)
    return [scope for scope in filled if "${" not in scope]
