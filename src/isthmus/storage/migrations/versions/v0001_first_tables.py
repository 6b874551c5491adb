"""The first tables.

A migration is history: it names columns itself and imports nothing of ours, so that it does today what it did then.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Column = sa.Column[Any]


def _key(name: str, *, required: bool = True) -> _Column:
    ordered = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, ordered, nullable=not required)


def _text(name: str, *, required: bool = True) -> _Column:
    return sa.Column(name, sa.Text(), nullable=not required)


def _moment(name: str, *, required: bool = False) -> _Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def _sealed(name: str, *, required: bool = False) -> _Column:
    return sa.Column(name, sa.LargeBinary(), nullable=not required)


def _json(name: str, *, required: bool = True) -> _Column:
    return sa.Column(name, sa.JSON(), nullable=not required)


def _flag(name: str) -> _Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _number(name: str, *, required: bool = True) -> _Column:
    return sa.Column(name, sa.Integer(), nullable=not required)


def _table(name: str, *columns: _Column, keys: tuple[str, ...], unique: tuple[tuple[str, ...], ...] = ()) -> None:
    """A table with its primary key, unique constraints, and the reference to its connection if it has one."""
    parts: list[sa.schema.SchemaItem] = [*columns, sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}")]
    parts += [sa.UniqueConstraint(*group, name=f"uq_{name}_{'_'.join(group)}") for group in unique]
    for column, target in (("connection_id", "connections.id"), ("user_id", "users.id")):
        if any(candidate.name == column for candidate in columns):
            parts.append(sa.ForeignKeyConstraint([column], [target], name=f"fk_{name}_{column}", ondelete="CASCADE"))
    op.create_table(name, *parts)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def upgrade() -> None:
    _create_definitions()
    _create_authorizations()
    _create_pending()
    _create_journal()
    _create_people()
    _create_duties()


def _create_definitions() -> None:
    _table(
        "key_ring",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        _key("key_id"),
        _sealed("wrapped", required=True),
        _moment("created_at"),
        keys=("version",),
    )
    _table(
        "services",
        _key("link_name"),
        _text("kind"),
        _json("document"),
        _sealed("client_secret_sealed"),
        _number("version"),
        _moment("created_at"),
        _moment("updated_at"),
        keys=("link_name",),
    )
    _table(
        "connections",
        _key("id"),
        _key("link_name"),
        _text("name"),
        _key("service"),
        _json("scopes"),
        _flag("use_credentials_of_login_user"),
        _json("variables"),
        _json("policy"),
        _flag("disabled"),
        _number("version"),
        _text("created_by"),
        _moment("created_at"),
        _moment("updated_at"),
        keys=("id",),
        unique=(("link_name",),),
    )
    _index("connections", "service", "link_name")


def _create_authorizations() -> None:
    _table(
        "authorizations",
        _key("id"),
        _key("connection_id"),
        _key("resource_owner"),
        _sealed("credential_sealed", required=True),
        _number("version"),
        _sealed("previous_sealed"),
        _text("refresh_token_hash", required=False),
        _flag("refreshable"),
        _text("state"),
        _json("reason", required=False),
        _text("lease_owner", required=False),
        _moment("lease_until"),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        _text("attempt_id", required=False),
        _text("attempt_hash", required=False),
        _moment("not_before"),
        _number("failures"),
        *(_moment(name) for name in ("issued_at", "expires_at", "refresh_at", "grant_expires_at", "seen_working_at")),
        _text("connected_as"),
        _json("granted_scopes", required=False),
        _json("variables"),
        _moment("last_used_at"),
        _json("last_test", required=False),
        _moment("created_at"),
        _moment("updated_at"),
        _text("found_state", required=False),
        _text("found_lease_owner", required=False),
        _moment("found_lease_until"),
        _text("found_attempt_id", required=False),
        _text("found_attempt_hash", required=False),
        keys=("id",),
        unique=(("connection_id", "resource_owner"),),
    )
    op.create_index(
        "ix_authorizations_due",
        "authorizations",
        ["refresh_at"],
        sqlite_where=sa.text("refreshable = 1 AND state <> 'needs_person'"),
        postgresql_where=sa.text("refreshable AND state <> 'needs_person'"),
    )


def _create_pending() -> None:
    _table(
        "pending_authorizations",
        _key("id"),
        _key("connection_id"),
        _key("service"),
        _key("resource_owner"),
        _key("actor"),
        _key("token_hash"),
        _moment("expires_at", required=True),
        _key("state_hash", required=False),
        _key("browser_hash", required=False),
        _sealed("payload_sealed"),
        _moment("created_at"),
        keys=("id",),
        unique=(("token_hash",), ("state_hash",)),
    )
    _index("pending_authorizations", "connection_id", "resource_owner")
    _index("pending_authorizations", "expires_at")


def _create_journal() -> None:
    _table(
        "timeline",
        _key("id"),
        _key("connection_id"),
        _text("kind"),
        _text("message"),
        _moment("at", required=True),
        _key("authorization_id", required=False),
        _text("code"),
        _text("hint"),
        _json("details"),
        keys=("id",),
    )
    _index("timeline", "connection_id", "at", "id")
    _table(
        "calls",
        _key("id"),
        _key("connection_id"),
        _moment("at", required=True),
        *(_text(name) for name in ("actor", "method", "url")),
        _number("status", required=False),
        sa.Column("elapsed_ms", sa.Double(), nullable=False),
        _text("request_id"),
        _text("error"),
        keys=("id",),
    )
    _index("calls", "connection_id", "at", "id")
    _table(
        "activity",
        _key("id"),
        _moment("at", required=True),
        *(_text(name) for name in ("actor", "action", "target", "result", "address")),
        _json("details"),
        keys=("id",),
    )
    _index("activity", "at", "id")
    _index("activity", "actor", "at", "id")
    _index("activity", "target", "at", "id")


def _create_people() -> None:
    _table(
        "users",
        _key("id"),
        _key("email"),
        _text("name"),
        _text("role"),
        _text("password_hash", required=False),
        _flag("disabled"),
        _moment("created_at"),
        _moment("updated_at"),
        keys=("id",),
        unique=(("email",),),
    )
    _table(
        "api_keys",
        _key("id"),
        _key("name"),
        _text("role"),
        _key("secret_hash"),
        _text("hint"),
        _json("connections", required=False),
        _text("created_by"),
        *(_moment(name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")),
        keys=("id",),
        unique=(("secret_hash",),),
    )
    _index("api_keys", "name", "id")
    _table(
        "sessions",
        _key("token_hash"),
        _key("user_id"),
        _moment("created_at"),
        _moment("expires_at", required=True),
        _moment("last_seen_at"),
        keys=("token_hash",),
    )
    _index("sessions", "user_id")
    _index("sessions", "expires_at")


def _create_duties() -> None:
    _table(
        "idempotency",
        _key("key_hash"),
        _key("request_hash"),
        _moment("created_at", required=True),
        _number("status", required=False),
        _sealed("answer_sealed"),
        keys=("key_hash",),
    )
    _index("idempotency", "created_at")
    _table("duties", _key("name"), _key("owner"), _moment("until", required=True), keys=("name",))


def downgrade() -> None:
    raise NotImplementedError("restore a backup made before the upgrade instead")
