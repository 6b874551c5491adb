"""What the use cases may ask of storage. Sealed bytes go in and come out; storage could not read them if it tried.

Every method is one transaction, committed when it returns. Lists are paged by keys: `cursor` is the opaque text
a page gave as `next_cursor`; any other text raises `InputError` (`field` "cursor"). Writers raise `Conflict` where
a unique value is taken (`field` names it) or what a row belongs to is gone (`code` "gone"), `StorageError` where the
database is away (`storage_unavailable`), full (`disk_full`), held (`storage_busy`) or not set up (`schema_missing`);
nothing is then written. One case nobody can tell apart: a connection lost at the moment of the commit raises
StorageError although the write may have arrived. `Journal` entries travel with the write they tell of, in the same
transaction; where a write says False or None, they are not written either.
"""

from __future__ import annotations

from typing import Protocol

from isthmus.storage.contract.changes import Journal, RunChange
from isthmus.storage.contract.clients import ClientRows
from isthmus.storage.contract.connections import ConnectionRows
from isthmus.storage.contract.functions import FunctionRows
from isthmus.storage.contract.house import HouseRows
from isthmus.storage.contract.people import PeopleRows

__all__ = ["Journal", "RunChange", "Storage"]


class Storage(HouseRows, ConnectionRows, FunctionRows, PeopleRows, ClientRows, Protocol):
    """All of it, as `open_storage` opens it."""
