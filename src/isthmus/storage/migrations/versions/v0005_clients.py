"""Our own authorization server: clients, secrets, grants, tokens, and what is under way.

A migration is history: it names columns itself and imports nothing of ours, so that it does today what it did then.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_Column = sa.Column[Any]
_CLIENT = ("client_id", "clients.client_id")


def _key(name: str) -> _Column:
    ordered = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, ordered, nullable=False)


def _text(name: str) -> _Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, required: bool = False) -> _Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def _json(name: str, *, required: bool = True) -> _Column:
    return sa.Column(name, sa.JSON(), nullable=not required)


def _flag(name: str) -> _Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _number(name: str) -> _Column:
    return sa.Column(name, sa.Integer(), nullable=False, autoincrement=False)


def _table(name: str, *columns: _Column, key: str, unique: str = "", of: tuple[str, str] | None = None) -> None:
    """A table with its primary key; `of` is the column and target of the reference to what its rows belong to."""
    parts: list[sa.schema.SchemaItem] = [*columns, sa.PrimaryKeyConstraint(key, name=f"pk_{name}")]
    if unique:
        parts.append(sa.UniqueConstraint(unique, name=f"uq_{name}_{unique}"))
    if of is not None:
        column, target = of
        parts.append(sa.ForeignKeyConstraint([column], [target], name=f"fk_{name}_{column}", ondelete="CASCADE"))
    op.create_table(name, *parts)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def upgrade() -> None:
    _create_clients()
    _create_grants()
    _create_what_is_under_way()


def _create_clients() -> None:
    _table(
        "clients",
        _key("client_id"),
        _key("name"),
        _text("client_type"),
        _text("domain"),
        _json("redirect_uris"),
        _json("scopes"),
        _json("grant_types"),
        _text("authentication"),
        _json("keys", required=False),
        _text("role"),
        _flag("require_pushed_authorization"),
        _flag("require_dpop"),
        _flag("disabled"),
        _number("version"),
        _key("created_by"),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("last_used_at"),
        key="client_id",
    )
    _index("clients", "name", "client_id")
    _index("clients", "created_by", "name", "client_id")
    _table(
        "client_secrets",
        _key("id"),
        _key("client_id"),
        _key("secret_hash"),
        _text("hint"),
        _moment("created_at"),
        _moment("expires_at"),
        key="id",
        unique="secret_hash",
        of=_CLIENT,
    )
    _index("client_secrets", "client_id")


def _create_grants() -> None:
    _table(
        "grants",
        _key("id"),
        _key("client_id"),
        _text("grant_type"),
        _json("scopes"),
        _key("user_id"),
        _text("description"),
        _moment("created_at", required=True),
        _moment("expires_at", required=True),
        _moment("last_used_at"),
        key="id",
        of=_CLIENT,
    )
    _index("grants", "client_id", "created_at", "id")
    _index("grants", "user_id", "created_at", "id")
    _index("grants", "expires_at")
    _table(
        "tokens",
        _key("token_hash"),
        _text("kind"),
        _key("grant_id"),
        _json("scopes"),
        _moment("issued_at", required=True),
        _moment("expires_at", required=True),
        _key("key_thumbprint"),
        _moment("spent_at"),
        _key("successor_hash"),
        key="token_hash",
        of=("grant_id", "grants.id"),
    )
    _index("tokens", "grant_id")
    _index("tokens", "expires_at")


def _create_what_is_under_way() -> None:
    _table(
        "authorization_codes",
        _key("code_hash"),
        _key("client_id"),
        _key("user_id"),
        _json("scopes"),
        _moment("expires_at", required=True),
        _text("redirect_uri"),
        _text("code_challenge"),
        _key("key_thumbprint"),
        _text("description"),
        _moment("spent_at"),
        _key("grant_id"),
        key="code_hash",
        of=_CLIENT,
    )
    _table(
        "authorization_requests",
        _key("token_hash"),
        _text("kind"),
        _key("client_id"),
        _json("parameters"),
        _moment("expires_at", required=True),
        key="token_hash",
        of=_CLIENT,
    )
    _table(
        "device_authorizations",
        _key("device_code_hash"),
        _key("user_code_hash"),
        _key("client_id"),
        _json("scopes"),
        _moment("expires_at", required=True),
        _number("interval_seconds"),
        _text("status"),
        _key("user_id"),
        _moment("last_polled_at"),
        key="device_code_hash",
        unique="user_code_hash",
        of=_CLIENT,
    )
    for table in ("authorization_codes", "authorization_requests", "device_authorizations"):
        _index(table, "client_id")
        _index(table, "expires_at")
    _table("seen_proofs", _key("proof_hash"), _moment("expires_at", required=True), key="proof_hash")
    _index("seen_proofs", "expires_at")


def downgrade() -> None:
    raise NotImplementedError("restore a backup made before the upgrade instead")
