"""Custom services, and what an installation adds to default ones."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import Conflict
from isthmus.records import StoredService
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.group import Group
from isthmus.storage.rows import row_of
from isthmus.storage.tables import connections, services


class Services(Group):
    """`service`, `services`, `used_services`, `add_service`, `save_service`, `delete_service` of the contract."""

    async def service(self, link_name: str) -> StoredService | None:
        return await self._find(StoredService, sa.select(services).where(services.c.link_name == link_name))

    async def services(self) -> Sequence[StoredService]:
        return await self._list(StoredService, sa.select(services).order_by(services.c.link_name))

    async def used_services(self) -> frozenset[str]:
        async def work(connection: AsyncConnection) -> frozenset[str]:
            return frozenset(await connection.scalars(sa.select(connections.c.service).distinct()))

        return await self._database.read(work)

    async def add_service(self, service: StoredService, journal: Journal) -> None:
        await self._tell(sa.insert(services).values(row_of(service)), journal)

    async def save_service(self, service: StoredService, journal: Journal) -> None:
        statement = (
            sa.update(services)
            .where(services.c.link_name == service.link_name, services.c.version == service.version)
            .values(
                kind=service.kind,
                document=service.document,
                client_secret_sealed=service.client_secret_sealed,
                updated_at=service.updated_at,
                version=services.c.version + 1,
            )
        )
        if not await self._tell(statement, journal):
            raise Conflict("The service was changed or removed meanwhile; nothing was saved.", code="changed")

    async def delete_service(self, link_name: str, journal: Journal) -> bool:
        used = sa.exists().where(connections.c.service == link_name)
        statement = sa.delete(services).where(services.c.link_name == link_name, ~used)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(statement)).rowcount == 1:
                await write_journal(connection, journal)
                return True
            there = await connection.scalar(sa.select(services.c.link_name).where(services.c.link_name == link_name))
            if there is None:
                return False
            raise Conflict(
                "A connection uses this service.", code="in_use", hint="Delete the connections of this service first."
            )

        return await self._database.write(work)
