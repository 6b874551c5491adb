"""Functions, their versions and runs; API keys limited to functions.

A migration is history: it names columns itself and imports nothing of ours, so that it does today what it did then.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_Column = sa.Column[Any]


def _key(name: str) -> _Column:
    ordered = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, ordered, nullable=False)


def _text(name: str, *, required: bool = True) -> _Column:
    return sa.Column(name, sa.Text(), nullable=not required)


def _moment(name: str, *, required: bool = False) -> _Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def _sealed(name: str, *, required: bool = False) -> _Column:
    return sa.Column(name, sa.LargeBinary(), nullable=not required)


def _json(name: str, *, required: bool = True) -> _Column:
    return sa.Column(name, sa.JSON(), nullable=not required)


def _number(name: str, *, required: bool = True) -> _Column:
    return sa.Column(name, sa.Integer(), nullable=not required, autoincrement=False)


def _seconds(name: str) -> _Column:
    return sa.Column(name, sa.Double(), nullable=False)


def _table(
    name: str, *columns: _Column, keys: tuple[str, ...], unique: str = "", of: tuple[str, str] | None = None
) -> None:
    """A table with its primary key; `of` is the column and target of the reference to what its rows belong to."""
    parts: list[sa.schema.SchemaItem] = [*columns, sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}")]
    if unique:
        parts.append(sa.UniqueConstraint(unique, name=f"uq_{name}_{unique}"))
    if of is not None:
        column, target = of
        parts.append(sa.ForeignKeyConstraint([column], [target], name=f"fk_{name}_{column}", ondelete="CASCADE"))
    op.create_table(name, *parts)


def upgrade() -> None:
    op.add_column("api_keys", _json("functions", required=False))
    _create_functions()
    _create_runs()


def _create_functions() -> None:
    _table(
        "functions",
        _key("id"),
        _key("name"),
        _text("language"),
        _text("description"),
        _number("draft_version"),
        _number("published_version", required=False),
        _text("run_as"),
        _text("owner"),
        _json("run_roles"),
        _json("callers", required=False),
        _number("version"),
        _text("created_by"),
        _moment("created_at"),
        _moment("updated_at"),
        keys=("id",),
        unique="name",
    )
    _table(
        "function_versions",
        _key("function_id"),
        _number("number"),
        _text("language"),
        _sealed("code_sealed", required=True),
        _json("arguments"),
        _text("return_type"),
        _json("connections"),
        _json("calls"),
        _text("note"),
        _text("created_by"),
        _moment("created_at"),
        keys=("function_id", "number"),
        of=("function_id", "functions.id"),
    )
    _table(
        "function_uses",
        _key("function_id"),
        _number("number"),
        _key("kind"),
        _key("name"),
        keys=("function_id", "number", "kind", "name"),
        of=("function_id", "functions.id"),
    )
    op.create_index("ix_function_uses_kind_name", "function_uses", ["kind", "name"])


def _create_runs() -> None:
    _table(
        "runs",
        _key("id"),
        _key("function_id"),
        _text("function"),
        _number("version"),
        *(_text(name) for name in ("language", "trigger", "trigger_id", "actor", "run_as", "state")),
        *(_sealed(name) for name in ("arguments_sealed", "outcome_sealed", "snapshot_sealed")),
        _text("error_code"),
        sa.Column("statements", sa.BigInteger(), nullable=False),
        _seconds("active_seconds"),
        _number("calls"),
        _seconds("elapsed_ms"),
        _text("lease_owner", required=False),
        _moment("lease_until"),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        _moment("due_at"),
        _number("attempt"),
        _text("retry_of", required=False),
        _text("address"),
        _moment("created_at", required=True),
        _moment("started_at"),
        _moment("ended_at"),
        keys=("id",),
        of=("function_id", "functions.id"),
    )
    op.create_index("ix_runs_function_id_created_at_id", "runs", ["function_id", "created_at", "id"])
    for name, column, condition in (
        ("ix_runs_due", "due_at", "due_at IS NOT NULL"),
        ("ix_runs_held", "lease_until", "due_at IS NULL AND lease_until IS NOT NULL"),
    ):
        op.create_index(name, "runs", [column], sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
    _table(
        "run_calls",
        _key("run_id"),
        _number("number"),
        _text("kind"),
        _moment("at", required=True),
        _text("state"),
        _text("function"),
        _number("line"),
        *(_text(name) for name in ("connection", "method", "url")),
        _number("status", required=False),
        _seconds("elapsed_ms"),
        _text("error"),
        _sealed("answer_sealed"),
        keys=("run_id", "number"),
        of=("run_id", "runs.id"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup made before the upgrade instead")
