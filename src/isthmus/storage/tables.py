"""The tables. A column is named like the field of the record it keeps; see `rows.py` for the way between.

What the migrations build must equal this; a test compares the two. An index is here for each look-up that has to
stay flat with a million connections.
"""

from __future__ import annotations

import sqlalchemy as sa

from isthmus.storage.columns import (
    CallSideColumn,
    Document,
    Key,
    Moment,
    Names,
    PolicyColumn,
    ReasonColumn,
    Words,
    moment,
)

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


def _connection_id() -> sa.Column[str]:
    return sa.Column("connection_id", Key, sa.ForeignKey("connections.id", ondelete="CASCADE"), nullable=False)


key_ring = sa.Table(
    "key_ring",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key_id", Key, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    moment("created_at"),
)

services = sa.Table(
    "services",
    metadata,
    sa.Column("link_name", Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("document", Document, nullable=False),
    sa.Column("client_secret_sealed", sa.LargeBinary),
    sa.Column("version", sa.Integer, nullable=False),
    moment("created_at"),
    moment("updated_at"),
)

known_services = sa.Table(
    "known_services",
    metadata,
    sa.Column("link_name", Key, primary_key=True),
    sa.Column("agreed", Document, nullable=False),
    sa.Column("latest", Document, nullable=False),
    sa.Column("changes", Names, nullable=False),
    moment("changed_at"),
    sa.Column("version", sa.Integer, nullable=False),
)

connections = sa.Table(
    "connections",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("link_name", Key, nullable=False, unique=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("service", Key, nullable=False),
    sa.Column("scopes", Names, nullable=False),
    sa.Column("use_credentials_of_login_user", sa.Boolean, nullable=False),
    sa.Column("variables", Document, nullable=False),
    sa.Column("policy", PolicyColumn, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_by", Words, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    sa.Index(None, "service", "link_name"),
)

authorizations = sa.Table(
    "authorizations",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _connection_id(),
    sa.Column("resource_owner", Key, nullable=False),
    sa.Column("credential_sealed", sa.LargeBinary, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("previous_sealed", sa.LargeBinary),
    sa.Column("refresh_token_hash", sa.Text),
    sa.Column("refreshable", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", ReasonColumn),
    sa.Column("lease_owner", sa.Text),
    moment("lease_until"),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("attempt_id", sa.Text),
    sa.Column("attempt_hash", sa.Text),
    moment("not_before"),
    sa.Column("failures", sa.Integer, nullable=False),
    moment("issued_at"),
    moment("expires_at"),
    moment("refresh_at"),
    moment("grant_expires_at"),
    moment("seen_working_at"),
    sa.Column("connected_as", Words, nullable=False),
    sa.Column("granted_scopes", Names),
    sa.Column("variables", Document, nullable=False),
    moment("last_used_at"),
    sa.Column("last_test", Document),
    moment("created_at"),
    moment("updated_at"),
    # What `take_lease` found, so that one statement can both take the lease and tell of an attempt left behind.
    sa.Column("found_state", sa.Text),
    sa.Column("found_lease_owner", sa.Text),
    moment("found_lease_until"),
    sa.Column("found_attempt_id", sa.Text),
    sa.Column("found_attempt_hash", sa.Text),
    sa.UniqueConstraint("connection_id", "resource_owner"),
)
sa.Index(
    "ix_authorizations_due",
    authorizations.c.refresh_at,
    sqlite_where=sa.text("refreshable = 1 AND state <> 'needs_person'"),
    postgresql_where=sa.text("refreshable AND state <> 'needs_person'"),
)

pending_authorizations = sa.Table(
    "pending_authorizations",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _connection_id(),
    sa.Column("service", Key, nullable=False),
    sa.Column("resource_owner", Key, nullable=False),
    sa.Column("actor", Key, nullable=False),
    sa.Column("token_hash", Key, nullable=False, unique=True),
    moment("expires_at", required=True),
    sa.Column("state_hash", Key, unique=True),
    sa.Column("browser_hash", Key),
    sa.Column("payload_sealed", sa.LargeBinary),
    moment("created_at"),
    sa.Index(None, "connection_id", "resource_owner"),
    sa.Index(None, "expires_at"),
)

timeline = sa.Table(
    "timeline",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _connection_id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("message", Words, nullable=False),
    moment("at", required=True),
    sa.Column("authorization_id", Key),
    sa.Column("code", Words, nullable=False),
    sa.Column("hint", Words, nullable=False),
    sa.Column("details", Document, nullable=False),
    sa.Index(None, "connection_id", "at", "id"),
)

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _connection_id(),
    moment("at", required=True),
    sa.Column("actor", Words, nullable=False),
    sa.Column("method", Words, nullable=False),
    sa.Column("url", Words, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("elapsed_ms", sa.Double, nullable=False),
    sa.Column("request_id", Words, nullable=False),
    sa.Column("error", Words, nullable=False),
    sa.Column("request", CallSideColumn),
    sa.Column("answer", CallSideColumn),
    sa.Column("bodies_sealed", sa.LargeBinary),
    sa.Index(None, "connection_id", "at", "id"),
)

call_counts = sa.Table(
    "call_counts",
    metadata,
    sa.Column(
        "connection_id", Key, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True, nullable=False
    ),
    sa.Column("hour", Moment, primary_key=True, nullable=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Index(None, "hour"),
)

activity = sa.Table(
    "activity",
    metadata,
    sa.Column("id", Key, primary_key=True),
    moment("at", required=True),
    sa.Column("actor", Words, nullable=False),
    sa.Column("action", Words, nullable=False),
    sa.Column("target", Words, nullable=False),
    sa.Column("result", Words, nullable=False),
    sa.Column("address", Words, nullable=False),
    sa.Column("details", Document, nullable=False),
    sa.Index(None, "at", "id"),
    sa.Index(None, "actor", "at", "id"),
    sa.Index(None, "target", "at", "id"),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("email", Key, nullable=False, unique=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("disabled", sa.Boolean, nullable=False),
    moment("created_at"),
    moment("updated_at"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("name", Key, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("secret_hash", Key, nullable=False, unique=True),
    sa.Column("hint", Words, nullable=False),
    sa.Column("connections", Names),
    sa.Column("created_by", Words, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("revoked_at"),
    moment("last_used_at"),
    sa.Column("functions", Names),
    sa.Index(None, "name", "id"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", Key, primary_key=True),
    sa.Column("user_id", Key, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    moment("created_at"),
    moment("expires_at", required=True),
    moment("last_seen_at"),
    sa.Column("address", Words),
    sa.Column("browser", Words),
    sa.Column("way", sa.Text),
    moment("confirmed_at"),
    sa.Index(None, "user_id"),
    sa.Index(None, "expires_at"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key_hash", Key, primary_key=True),
    sa.Column("request_hash", Key, nullable=False),
    moment("created_at", required=True),
    sa.Column("status", sa.Integer),
    sa.Column("answer_sealed", sa.LargeBinary),
    sa.Index(None, "created_at"),
)

duties = sa.Table(
    "duties",
    metadata,
    sa.Column("name", Key, primary_key=True),
    sa.Column("owner", Key, nullable=False),
    moment("until", required=True),
)
