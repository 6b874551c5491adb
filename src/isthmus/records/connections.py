"""Connections, their authorizations, what happened to them and the calls made with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ConnectionStatus = Literal["not_connected", "connecting", "connected", "reauthorization_required", "disabled"]
RefreshState = Literal["ok", "refreshing", "backoff", "needs_person"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is as it is: `code` is stable, `hint` is what mends it."""

    code: str
    message: str
    hint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """What callers may do through a connection. Empty `methods` or `path_prefixes` allow all.

    `keep_bodies`: whether recent calls keep what they carried, redacted and sealed.
    """

    methods: tuple[str, ...] = ()
    path_prefixes: tuple[str, ...] = ()
    credential_export: bool = False
    keep_bodies: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    id: str
    link_name: str
    name: str
    service: str
    scopes: tuple[str, ...] = ()
    use_credentials_of_login_user: bool = False
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    policy: Policy = field(default_factory=Policy)
    disabled: bool = False
    version: int = 1
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """One resource owner's consent under a connection. `resource_owner` is "" for a shared connection.

    `version` grows with every new credential. `credential_sealed` and `previous_sealed` are bound to
    ("authorizations", id, "credential"). The lease columns are explained in the refresh design.
    """

    id: str
    connection_id: str
    resource_owner: str
    credential_sealed: bytes = field(repr=False)
    version: int = 1
    previous_sealed: bytes | None = field(default=None, repr=False)
    refresh_token_hash: str | None = None
    refreshable: bool = False
    state: RefreshState = "ok"
    reason: Reason | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    epoch: int = 0
    attempt_id: str | None = None
    attempt_hash: str | None = None
    not_before: datetime | None = None
    failures: int = 0
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    refresh_at: datetime | None = None
    grant_expires_at: datetime | None = None
    seen_working_at: datetime | None = None
    connected_as: str = ""
    granted_scopes: tuple[str, ...] | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    last_used_at: datetime | None = None
    last_test: Mapping[str, Any] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """An authorization under way: one use, ten minutes, bound to actor, browser and service.

    `token_hash` finds it by the connect link, `state_hash` by the callback (unset until Proceed, as is
    `browser_hash`). `payload_sealed` is bound to ("pending_authorizations", id, "payload") and holds the
    PKCE verifier or temporary token secret and the variables.
    """

    id: str
    connection_id: str
    service: str
    resource_owner: str
    actor: str
    token_hash: str
    expires_at: datetime
    state_hash: str | None = None
    browser_hash: str | None = None
    payload_sealed: bytes | None = field(default=None, repr=False)
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event in a connection's life. `kind`: issued, refreshed, refresh_failed, failing, recovered, tested,
    scope_changed, reconnected, account_changed, revoked, disabled, enabled, needs_person."""

    connection_id: str
    kind: str
    message: str
    at: datetime
    authorization_id: str | None = None
    code: str = ""
    hint: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class KeptHeader:
    """One header of a call. `value` is None where it is withheld; `attached` marks what Isthmus added to authorize."""

    name: str
    value: str | None = None
    attached: bool = False


@dataclass(frozen=True, slots=True)
class CallSide:
    """A request as it was sent, or an answer as it came, without its body. `size` is the body's, in bytes, None where
    it is not known."""

    headers: tuple[KeptHeader, ...] = ()
    media_type: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call through a connection, redacted: no query values, no header that could carry a secret.

    `request` is None where nothing was sent, `answer` where none came. `bodies_sealed` is bound to ("calls", id,
    "bodies") and there only where the connection's policy keeps bodies.
    """

    connection_id: str
    at: datetime
    actor: str
    method: str
    url: str
    status: int | None
    elapsed_ms: float
    request_id: str
    error: str = ""
    request: CallSide | None = None
    answer: CallSide | None = None
    bodies_sealed: bytes | None = field(default=None, repr=False)
    id: str = ""
