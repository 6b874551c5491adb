"""Alembic's entry: runs the migrations on the connection that `schema.upgrade` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from isthmus.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
