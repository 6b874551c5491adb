"""How many calls went through a connection in each hour, and how many of them failed.

A migration is history: it names columns itself and imports nothing of ours, so that it does today what it did then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "call_counts",
        sa.Column("connection_id", key, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "hour", name="pk_call_counts"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_call_counts_connection_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_call_counts_hour", "call_counts", ["hour"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup made before the upgrade instead")
