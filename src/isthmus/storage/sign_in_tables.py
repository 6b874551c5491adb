"""The tables of the ways to sign in besides the password."""

from __future__ import annotations

import sqlalchemy as sa

from isthmus.storage.columns import Key, Words, moment
from isthmus.storage.tables import metadata

passkeys = sa.Table(
    "passkeys",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("user_id", Key, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("credential", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("synced", sa.Boolean, nullable=False),
    moment("created_at"),
    moment("last_used_at"),
    sa.Index(None, "user_id", "created_at", "id"),
)

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("issuer", Key, primary_key=True),
    sa.Column("subject", Key, primary_key=True),
    sa.Column("user_id", Key, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("email", Words, nullable=False),
    moment("created_at"),
    moment("last_used_at"),
    sa.Index(None, "user_id", "issuer", "subject"),
)
