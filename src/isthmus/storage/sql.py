"""SqlStorage: the whole contract on SQLite or PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.settings import Settings
from isthmus.storage.alerts import Alerts
from isthmus.storage.authorizations import Authorizations
from isthmus.storage.clients import Clients
from isthmus.storage.connections import Connections
from isthmus.storage.contract import Storage
from isthmus.storage.database import Database
from isthmus.storage.duties import Duties
from isthmus.storage.engine import database_url
from isthmus.storage.functions import Functions
from isthmus.storage.grants import Grants
from isthmus.storage.journal import Journals
from isthmus.storage.key_ring import KeyRing
from isthmus.storage.known_services import KnownServices
from isthmus.storage.leases import Leases
from isthmus.storage.pending import Pending
from isthmus.storage.people import People
from isthmus.storage.run_leases import RunLeases
from isthmus.storage.schema import migrate
from isthmus.storage.services import Services
from isthmus.storage.sign_ins import SignIns
from isthmus.storage.tables import duties
from isthmus.storage.triggers import Triggers


class SqlStorage(
    KeyRing,
    Services,
    KnownServices,
    Connections,
    Authorizations,
    Leases,
    Pending,
    Journals,
    People,
    Duties,
    Functions,
    RunLeases,
    Triggers,
    Alerts,
    Clients,
    Grants,
    SignIns,
):
    """Everything the contract asks for. Made by `open_storage`."""

    async def migrate(self) -> None:
        await migrate(self._database)

    async def ping(self) -> None:
        async def work(connection: AsyncConnection) -> None:
            # Touches no row, and yet fails where the database is read-only or was never set up.
            await connection.execute(sa.delete(duties).where(duties.c.name == ""))

        await self._database.write(work)

    async def close(self) -> None:
        await self._database.close()


async def open_storage(settings: Settings) -> SqlStorage:
    """The storage that the settings name. Does not migrate; PostgreSQL is not even asked yet.

    Raises InputError (`database_url`) for a URL it cannot use, StorageError where the data directory cannot be written.
    """
    return SqlStorage(Database(database_url(settings)))


def _as_contract(storage: SqlStorage) -> Storage:
    """The type checker's proof that no method of the contract is missing or differs."""
    return storage
