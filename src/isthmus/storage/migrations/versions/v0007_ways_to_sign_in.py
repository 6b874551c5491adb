"""Passkeys, identities at an OpenID provider, and where a session began.

A migration is history: it names columns itself and imports nothing of ours, so that it does today what it did then.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_Column = sa.Column[Any]


def _key(name: str) -> _Column:
    ordered = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, ordered, nullable=False)


def _text(name: str) -> _Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str) -> _Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE")


def upgrade() -> None:
    for name in ("address", "browser", "way"):
        op.add_column("sessions", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("sessions", _moment("confirmed_at"))
    op.create_table(
        "passkeys",
        _key("id"),
        _key("user_id"),
        _text("name"),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        _moment("created_at"),
        _moment("last_used_at"),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        _of_user("passkeys"),
    )
    op.create_index("ix_passkeys_user_id_created_at_id", "passkeys", ["user_id", "created_at", "id"])
    op.create_table(
        "identities",
        _key("issuer"),
        _key("subject"),
        _key("user_id"),
        _text("email"),
        _moment("created_at"),
        _moment("last_used_at"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
        _of_user("identities"),
    )
    op.create_index("ix_identities_user_id_issuer_subject", "identities", ["user_id", "issuer", "subject"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup made before the upgrade instead")
