"""The only package that knows SQL: one contract, kept on SQLite and on PostgreSQL.

`contract.Storage` is what the use cases speak; `open_storage` gives it for an installation's settings. What a
write acknowledged outlives a killed process. Refuses to know keys: it keeps sealed bytes and could not open them,
and it has no clock of its own, so that every time in a row is one that a caller meant.
"""

from isthmus.storage.contract import Journal, Storage
from isthmus.storage.sql import SqlStorage, open_storage

__all__ = ["Journal", "SqlStorage", "Storage", "open_storage"]
