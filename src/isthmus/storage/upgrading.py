"""Runs the migrations that are missing. Loaded only where there may be one: its library is heavy."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from isthmus.errors import StorageError


def upgrade(connection: sa.Connection, migrations: Path) -> None:
    """Run those in the folder `migrations` that are missing, within the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    present = MigrationContext.configure(connection).get_current_heads()
    if not set(present) <= known:
        raise StorageError(
            "The database was made by a newer version of Isthmus; it has not been touched.",
            code="schema_newer",
            hint="Run that newer version, or restore a backup made by this one.",
        )
    if set(present) != set(script.get_heads()):
        command.upgrade(config, "head")
