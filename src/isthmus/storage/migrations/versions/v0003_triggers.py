"""Triggers, occurrences and alerts; the line at which a run failed.

A migration is history: it names columns itself and imports nothing of ours, so that it does today what it did then.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_Column = sa.Column[Any]


def _key(name: str, *, required: bool = True) -> _Column:
    ordered = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, ordered, nullable=not required)


def _text(name: str) -> _Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, required: bool = False) -> _Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def _number(name: str) -> _Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    op.add_column("runs", sa.Column("error_line", sa.Integer(), nullable=False, server_default="0"))
    _create_triggers()
    _create_occurrences()
    _create_alerts()


def _create_triggers() -> None:
    op.create_table(
        "triggers",
        _key("id"),
        _key("function_id"),
        *(_text(name) for name in ("kind", "name")),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        *(_text(name) for name in ("created_by", "cron", "timezone")),
        *(_moment(name) for name in ("start_at", "end_at", "next_at")),
        _key("token_hash", required=False),
        *(_text(name) for name in ("token_hint", "signature")),
        sa.Column("secret_sealed", sa.LargeBinary()),
        _key("connection"),
        sa.Column("events", sa.JSON(), nullable=False),
        _moment("last_fired_at"),
        _text("last_run_id"),
        _number("version"),
        *(_moment(name) for name in ("created_at", "updated_at")),
        sa.PrimaryKeyConstraint("id", name="pk_triggers"),
        sa.UniqueConstraint("token_hash", name="uq_triggers_token_hash"),
        sa.ForeignKeyConstraint(["function_id"], ["functions.id"], name="fk_triggers_function_id", ondelete="CASCADE"),
    )
    op.create_index("ix_triggers_function_id_id", "triggers", ["function_id", "id"])
    for name, column, condition in (
        ("ix_triggers_due", "next_at", "next_at IS NOT NULL"),
        ("ix_triggers_event", "connection", "kind = 'event'"),
    ):
        op.create_index(
            name,
            "triggers",
            [column],
            sqlite_where=sa.text(f"enabled = 1 AND {condition}"),
            postgresql_where=sa.text(f"enabled AND {condition}"),
        )


def _create_occurrences() -> None:
    op.create_table(
        "occurrences",
        _key("id"),
        _text("kind"),
        _moment("at", required=True),
        _key("connection_id", required=False),
        _key("function_id", required=False),
        *(_text(name) for name in ("run_id", "code")),
        _number("line"),
        *(_text(name) for name in ("message", "hint")),
        sa.PrimaryKeyConstraint("id", name="pk_occurrences"),
    )


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        _key("key"),
        _key("subject_id"),
        *(_text(name) for name in ("subject", "code")),
        *(_moment(name, required=True) for name in ("opened_at", "last_at", "tell_at")),
        _number("line"),
        *(_text(name) for name in ("message", "hint", "run_id")),
        _number("count"),
        *(_moment(name) for name in ("told_at", "recovered_at", "recovery_told_at")),
        sa.PrimaryKeyConstraint("key", name="pk_alerts"),
    )
    op.create_index("ix_alerts_subject_id", "alerts", ["subject_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup made before the upgrade instead")
