"""Stored records as the documents that the API shows. What is not named here is not shown; secrets are never here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from isthmus.broker.grant import missing_scopes
from isthmus.broker.services import Listed, Registered
from isthmus.catalog.definition import document
from isthmus.records import (
    ActivityEntry,
    Authorization,
    CallRecord,
    CallSide,
    Connection,
    ConnectionStatus,
    Policy,
    Reason,
    Service,
    TimelineEntry,
)


def iso(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, or None."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def status_of(
    connection: Connection, authorization: Authorization | None, *, pending: bool, now: datetime
) -> ConnectionStatus:
    """*Connected* only where the credential was seen to work or the grant is unexpired as far as anybody told."""
    if connection.disabled:
        return "disabled"
    if authorization is None:
        return "connecting" if pending else "not_connected"
    if authorization.state == "needs_person":
        return "reauthorization_required"
    if authorization.grant_expires_at is not None and authorization.grant_expires_at <= now:
        return "reauthorization_required"
    ended = authorization.expires_at is not None and authorization.expires_at <= now
    if ended and not authorization.refreshable:
        return "reauthorization_required"
    return "connected"


def reason_document(reason: Reason | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    return {"code": reason.code, "message": reason.message, "hint": reason.hint, "at": iso(reason.at)}


def status_reason(
    connection: Connection, authorization: Authorization | None, status: ConnectionStatus, now: datetime
) -> dict[str, Any] | None:
    """Why the status is what it is, and what mends it; None where there is nothing to say."""
    if authorization is not None and authorization.reason is not None:
        return reason_document(authorization.reason)
    if status == "reauthorization_required":
        return reason_document(
            Reason("grant_expired", "The grant has reached the end of its life.", "Connect the account again.", now)
        )
    if status == "connected" and authorization is not None and authorization.seen_working_at is None:
        at = authorization.issued_at or authorization.created_at or now
        return reason_document(
            Reason(
                "not_yet_used", "The grant was given; no call has been seen to work yet.", "Test the connection.", at
            )
        )
    if authorization is not None and missing_scopes(connection, authorization):
        return reason_document(
            Reason(
                "scope_not_granted",
                "Fewer scopes were granted than asked for.",
                "Connect again and approve every scope, or take the missing ones off the connection.",
                authorization.issued_at or now,
            )
        )
    return None


def authorization_part(
    connection: Connection, authorization: Authorization | None, *, pending: bool, now: datetime
) -> dict[str, Any]:
    """What a connection's and an authorization's document have in common."""
    status = status_of(connection, authorization, pending=pending, now=now)
    shown = authorization
    granted = shown.granted_scopes if shown else None
    return {
        "status": status,
        "status_reason": status_reason(connection, shown, status, now),
        "connected_as": (shown.connected_as or None) if shown else None,
        "granted_scopes": list(granted) if granted is not None else None,
        "missing_scopes": list(missing_scopes(connection, shown)) if shown else [],
        "expires_at": iso(shown.expires_at) if shown else None,
        "grant_expires_at": iso(shown.grant_expires_at) if shown else None,
        "last_used_at": iso(shown.last_used_at) if shown else None,
        "last_test": dict(shown.last_test) if shown and shown.last_test else None,
    }


def connection_document(
    connection: Connection, authorization: Authorization | None, *, pending: bool, now: datetime
) -> dict[str, Any]:
    """The contract's `connection`."""
    return {
        "link_name": connection.link_name,
        "name": connection.name,
        "service": connection.service,
        "scopes": list(connection.scopes),
        "use_credentials_of_login_user": connection.use_credentials_of_login_user,
        "variables": dict(connection.variables),
        **authorization_part(connection, authorization, pending=pending, now=now),
        "policy": policy_document(connection.policy),
        "created_by": connection.created_by,
        "created_at": iso(connection.created_at),
        "updated_at": iso(connection.updated_at),
    }


def policy_document(policy: Policy) -> dict[str, Any]:
    return {
        "methods": list(policy.methods),
        "path_prefixes": list(policy.path_prefixes),
        "credential_export": policy.credential_export,
        "keep_bodies": policy.keep_bodies,
    }


def authorization_document(connection: Connection, authorization: Authorization, now: datetime) -> dict[str, Any]:
    return {
        "id": authorization.id,
        "user": authorization.resource_owner or None,
        **authorization_part(connection, authorization, pending=False, now=now),
        "issued_at": iso(authorization.issued_at),
        "created_at": iso(authorization.created_at),
    }


def service_document(registered: Registered, redirect_url: str) -> dict[str, Any]:
    """The contract's `service`: never the client secret, only whether there is one."""
    service: Service = registered.service
    stored = registered.stored
    return {
        **document(service),
        "redirect_url": redirect_url if service.auth_type in ("oauth2", "oauth1") else None,
        "has_client_secret": bool(stored and stored.client_secret_sealed),
        "created_at": iso(stored.created_at) if stored else None,
        "updated_at": iso(stored.updated_at) if stored else None,
    }


def service_card(listed: Listed) -> dict[str, Any]:
    """A service in short: what a list shows of it."""
    row, stored = listed.row, listed.stored
    return {
        "link_name": row.link_name,
        "name": row.name,
        "kind": row.kind,
        "category": row.category,
        "auth_type": row.auth_type,
        "logo": row.logo,
        "family": row.family,
        "description": row.description,
        "marks": list(row.marks),
        "client_id": listed.client_id,
        "has_client_secret": bool(stored and stored.client_secret_sealed),
    }


def timeline_document(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "kind": entry.kind,
        "message": entry.message,
        "code": entry.code or None,
        "hint": entry.hint or None,
        "authorization_id": entry.authorization_id,
        "details": dict(entry.details),
    }


def call_document(call: CallRecord, bodies: Mapping[str, Any]) -> dict[str, Any]:
    """`bodies` is what the call carried, opened, where that was kept."""
    return {
        "id": call.id,
        "at": iso(call.at),
        "actor": call.actor,
        "method": call.method,
        "url": call.url,
        "status": call.status,
        "elapsed_ms": round(call.elapsed_ms, 1),
        "request_id": call.request_id,
        "error": call.error or None,
        "request": _side_document(call.request, bodies.get("request")),
        "answer": _side_document(call.answer, bodies.get("answer")),
    }


def _side_document(side: CallSide | None, body: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "headers": [{"name": one.name, "value": one.value, "attached": one.attached} for one in side.headers],
        "media_type": side.media_type or None,
        "size": side.size,
        "body": body["text"] if body else None,
        "body_cut": bool(body and body["cut"]),
    }


def activity_document(entry: ActivityEntry) -> dict[str, Any]:
    details: Mapping[str, Any] = entry.details
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "result": entry.result,
        "address": entry.address or None,
        "details": dict(details),
    }
