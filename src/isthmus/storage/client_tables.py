"""The tables of our own authorization server: clients, what they were granted, and what is under way."""

from __future__ import annotations

import sqlalchemy as sa

from isthmus.storage.columns import Document, Key, Names, Words, moment
from isthmus.storage.tables import metadata


def _client_id() -> sa.Column[str]:
    return sa.Column("client_id", Key, sa.ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False)


clients = sa.Table(
    "clients",
    metadata,
    sa.Column("client_id", Key, primary_key=True),
    sa.Column("name", Key, nullable=False),
    sa.Column("client_type", sa.Text, nullable=False),
    sa.Column("domain", Words, nullable=False),
    sa.Column("redirect_uris", Names, nullable=False),
    sa.Column("scopes", Names, nullable=False),
    sa.Column("grant_types", Names, nullable=False),
    sa.Column("authentication", sa.Text, nullable=False),
    sa.Column("keys", Document),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("require_pushed_authorization", sa.Boolean, nullable=False),
    sa.Column("require_dpop", sa.Boolean, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_by", Key, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    moment("last_used_at"),
    sa.Index(None, "name", "client_id"),
    sa.Index(None, "created_by", "name", "client_id"),
)

client_secrets = sa.Table(
    "client_secrets",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _client_id(),
    sa.Column("secret_hash", Key, nullable=False, unique=True),
    sa.Column("hint", Words, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    sa.Index(None, "client_id"),
)

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _client_id(),
    sa.Column("grant_type", sa.Text, nullable=False),
    sa.Column("scopes", Names, nullable=False),
    sa.Column("user_id", Key, nullable=False),
    sa.Column("description", Words, nullable=False),
    moment("created_at", required=True),
    moment("expires_at", required=True),
    moment("last_used_at"),
    sa.Index(None, "client_id", "created_at", "id"),
    sa.Index(None, "user_id", "created_at", "id"),
    sa.Index(None, "expires_at"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("token_hash", Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("grant_id", Key, sa.ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
    sa.Column("scopes", Names, nullable=False),
    moment("issued_at", required=True),
    moment("expires_at", required=True),
    sa.Column("key_thumbprint", Key, nullable=False),
    moment("spent_at"),
    sa.Column("successor_hash", Key, nullable=False),
    sa.Index(None, "grant_id"),
    sa.Index(None, "expires_at"),
)

authorization_codes = sa.Table(
    "authorization_codes",
    metadata,
    sa.Column("code_hash", Key, primary_key=True),
    _client_id(),
    sa.Column("user_id", Key, nullable=False),
    sa.Column("scopes", Names, nullable=False),
    moment("expires_at", required=True),
    sa.Column("redirect_uri", Words, nullable=False),
    sa.Column("code_challenge", sa.Text, nullable=False),
    sa.Column("key_thumbprint", Key, nullable=False),
    sa.Column("description", Words, nullable=False),
    moment("spent_at"),
    sa.Column("grant_id", Key, nullable=False),
    sa.Index(None, "client_id"),
    sa.Index(None, "expires_at"),
)

authorization_requests = sa.Table(
    "authorization_requests",
    metadata,
    sa.Column("token_hash", Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    _client_id(),
    sa.Column("parameters", Document, nullable=False),
    moment("expires_at", required=True),
    sa.Index(None, "client_id"),
    sa.Index(None, "expires_at"),
)

device_authorizations = sa.Table(
    "device_authorizations",
    metadata,
    sa.Column("device_code_hash", Key, primary_key=True),
    sa.Column("user_code_hash", Key, nullable=False, unique=True),
    _client_id(),
    sa.Column("scopes", Names, nullable=False),
    moment("expires_at", required=True),
    sa.Column("interval_seconds", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("user_id", Key, nullable=False),
    moment("last_polled_at"),
    sa.Index(None, "client_id"),
    sa.Index(None, "expires_at"),
)

seen_proofs = sa.Table(
    "seen_proofs",
    metadata,
    sa.Column("proof_hash", Key, primary_key=True),
    moment("expires_at", required=True),
    sa.Index(None, "expires_at"),
)
