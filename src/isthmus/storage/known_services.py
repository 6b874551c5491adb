"""Default services in use, as they were when last agreed to."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from isthmus.records import KnownService
from isthmus.storage.contract import Journal
from isthmus.storage.group import Group
from isthmus.storage.rows import row_of
from isthmus.storage.tables import known_services


class KnownServices(Group):
    """The methods of the contract for default services that are kept an eye on."""

    async def known_service(self, link_name: str) -> KnownService | None:
        return await self._find(KnownService, sa.select(known_services).where(known_services.c.link_name == link_name))

    async def known_services(self) -> Sequence[KnownService]:
        return await self._list(KnownService, sa.select(known_services).order_by(known_services.c.link_name))

    async def add_known_service(self, known: KnownService) -> bool:
        statement = self._upsert(known_services).values(row_of(known))
        return await self._change(statement.on_conflict_do_nothing(index_elements=["link_name"])) == 1

    async def save_known_service(self, known: KnownService, journal: Journal) -> bool:
        statement = (
            sa.update(known_services)
            .where(known_services.c.link_name == known.link_name, known_services.c.version == known.version)
            .values({**row_of(known), "version": known.version + 1})
        )
        return await self._tell(statement, journal)

    async def forget_known_services(self, link_names: Sequence[str]) -> int:
        return await self._change(sa.delete(known_services).where(known_services.c.link_name.in_(link_names)))
