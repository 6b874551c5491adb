"""What a default service in use said when it was last agreed to, and what has changed since.

A migration is history: it names columns itself and imports nothing of ours, so that it does today what it did then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "known_services",
        sa.Column("link_name", key, nullable=False),
        sa.Column("agreed", sa.JSON(), nullable=False),
        sa.Column("latest", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("link_name", name="pk_known_services"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup made before the upgrade instead")
