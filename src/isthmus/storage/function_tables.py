"""The tables of functions: their versions, runs and calls, triggers, and what is told of them."""

from __future__ import annotations

import sqlalchemy as sa

from isthmus.storage.columns import Document, Documents, Key, Names, Words, moment
from isthmus.storage.tables import metadata

functions = sa.Table(
    "functions",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("name", Key, nullable=False, unique=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("description", Words, nullable=False),
    sa.Column("draft_version", sa.Integer, nullable=False),
    sa.Column("published_version", sa.Integer),
    sa.Column("run_as", sa.Text, nullable=False),
    sa.Column("owner", Words, nullable=False),
    sa.Column("run_roles", Names, nullable=False),
    sa.Column("callers", Names),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_by", Words, nullable=False),
    moment("created_at"),
    moment("updated_at"),
)


def _function_id() -> sa.Column[str]:
    return sa.Column("function_id", Key, sa.ForeignKey("functions.id", ondelete="CASCADE"), nullable=False)


function_versions = sa.Table(
    "function_versions",
    metadata,
    _function_id(),
    sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("code_sealed", sa.LargeBinary, nullable=False),
    sa.Column("arguments", Documents, nullable=False),
    sa.Column("return_type", Words, nullable=False),
    sa.Column("connections", Names, nullable=False),
    sa.Column("calls", Names, nullable=False),
    sa.Column("note", Words, nullable=False),
    sa.Column("created_by", Words, nullable=False),
    moment("created_at"),
    sa.PrimaryKeyConstraint("function_id", "number"),
)

# What each version names, so that "where used" is an index look-up; written with the version, never changed.
function_uses = sa.Table(
    "function_uses",
    metadata,
    _function_id(),
    sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("kind", Key, nullable=False),
    sa.Column("name", Key, nullable=False),
    sa.PrimaryKeyConstraint("function_id", "number", "kind", "name"),
    sa.Index(None, "kind", "name"),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _function_id(),
    sa.Column("function", Words, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("trigger_id", Words, nullable=False),
    sa.Column("actor", Words, nullable=False),
    sa.Column("run_as", Words, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("arguments_sealed", sa.LargeBinary),
    sa.Column("outcome_sealed", sa.LargeBinary),
    sa.Column("snapshot_sealed", sa.LargeBinary),
    sa.Column("error_code", Words, nullable=False),
    sa.Column("error_line", sa.Integer, nullable=False, server_default="0"),
    sa.Column("statements", sa.BigInteger, nullable=False),
    sa.Column("active_seconds", sa.Double, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("elapsed_ms", sa.Double, nullable=False),
    sa.Column("lease_owner", sa.Text),
    moment("lease_until"),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    moment("due_at"),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("retry_of", sa.Text),
    sa.Column("address", Words, nullable=False),
    moment("created_at", required=True),
    moment("started_at"),
    moment("ended_at"),
    sa.Index(None, "function_id", "created_at", "id"),
)
sa.Index(
    "ix_runs_due",
    runs.c.due_at,
    sqlite_where=sa.text("due_at IS NOT NULL"),
    postgresql_where=sa.text("due_at IS NOT NULL"),
)
sa.Index(
    "ix_runs_held",
    runs.c.lease_until,
    sqlite_where=sa.text("due_at IS NULL AND lease_until IS NOT NULL"),
    postgresql_where=sa.text("due_at IS NULL AND lease_until IS NOT NULL"),
)

run_calls = sa.Table(
    "run_calls",
    metadata,
    sa.Column("run_id", Key, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    moment("at", required=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("function", Words, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("connection", Words, nullable=False),
    sa.Column("method", Words, nullable=False),
    sa.Column("url", Words, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("elapsed_ms", sa.Double, nullable=False),
    sa.Column("error", Words, nullable=False),
    sa.Column("answer_sealed", sa.LargeBinary),
    sa.PrimaryKeyConstraint("run_id", "number"),
)

triggers = sa.Table(
    "triggers",
    metadata,
    sa.Column("id", Key, primary_key=True),
    _function_id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("mapping", Document, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("created_by", Words, nullable=False),
    sa.Column("cron", Words, nullable=False),
    sa.Column("timezone", Words, nullable=False),
    moment("start_at"),
    moment("end_at"),
    moment("next_at"),
    sa.Column("token_hash", Key, unique=True),
    sa.Column("token_hint", Words, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("secret_sealed", sa.LargeBinary),
    sa.Column("connection", Key, nullable=False),
    sa.Column("events", Names, nullable=False),
    moment("last_fired_at"),
    sa.Column("last_run_id", Words, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    sa.Index(None, "function_id", "id"),
)
sa.Index(
    "ix_triggers_due",
    triggers.c.next_at,
    sqlite_where=sa.text("enabled = 1 AND next_at IS NOT NULL"),
    postgresql_where=sa.text("enabled AND next_at IS NOT NULL"),
)
sa.Index(
    "ix_triggers_event",
    triggers.c.connection,
    sqlite_where=sa.text("enabled = 1 AND kind = 'event'"),
    postgresql_where=sa.text("enabled AND kind = 'event'"),
)

# Without references: what occurred to a thing that is gone meanwhile is dropped by whoever deals with it.
occurrences = sa.Table(
    "occurrences",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    moment("at", required=True),
    sa.Column("connection_id", Key),
    sa.Column("function_id", Key),
    sa.Column("run_id", Words, nullable=False),
    sa.Column("code", Words, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("message", Words, nullable=False),
    sa.Column("hint", Words, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("key", Key, primary_key=True),
    sa.Column("subject_id", Key, nullable=False),
    sa.Column("subject", Words, nullable=False),
    sa.Column("code", Words, nullable=False),
    moment("opened_at", required=True),
    moment("last_at", required=True),
    moment("tell_at", required=True),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("message", Words, nullable=False),
    sa.Column("hint", Words, nullable=False),
    sa.Column("run_id", Words, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    moment("told_at"),
    moment("recovered_at"),
    moment("recovery_told_at"),
    sa.Index(None, "subject_id"),
)
