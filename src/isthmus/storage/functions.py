"""Functions, their versions, and what each version uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from isthmus.errors import Conflict
from isthmus.records import Function, FunctionVersion, Page
from isthmus.storage.contract import Journal
from isthmus.storage.entries import write_journal
from isthmus.storage.function_tables import function_uses, function_versions, functions
from isthmus.storage.group import Group
from isthmus.storage.paging import read_page
from isthmus.storage.rows import record_of, row_of

_FIXED = ("id", "name", "language", "version", "created_by", "created_at")


class Functions(Group):
    """The methods of the contract that read and write functions and their versions."""

    async def function(self, name: str) -> Function | None:
        return await self._find(Function, sa.select(functions).where(functions.c.name == name))

    async def function_by_id(self, function_id: str) -> Function | None:
        return await self._find(Function, sa.select(functions).where(functions.c.id == function_id))

    async def functions(self, *, limit: int, cursor: str | None = None) -> Page[Function]:
        return await self._database.read(
            lambda connection: read_page(
                connection,
                sa.select(functions),
                (functions.c.name,),
                lambda row: record_of(Function, row),
                limit=limit,
                cursor=cursor,
            )
        )

    async def add_function(self, function: Function, version: FunctionVersion, journal: Journal) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(sa.insert(functions).values(row_of(function)))
            await _add_version(connection, version)
            await write_journal(connection, journal)

        await self._database.write(work)

    async def save_function(self, function: Function, version: FunctionVersion | None, journal: Journal) -> None:
        values = {name: value for name, value in row_of(function).items() if name not in _FIXED}
        statement = (
            sa.update(functions)
            .where(functions.c.id == function.id, functions.c.version == function.version)
            .values(**values, version=functions.c.version + 1)
        )

        async def work(connection: AsyncConnection) -> None:
            if (await connection.execute(statement)).rowcount == 0:
                raise Conflict("The function was changed or removed meanwhile; nothing was saved.", code="changed")
            if version is not None:
                await _add_version(connection, version)
            await write_journal(connection, journal)

        await self._database.write(work)

    async def delete_function(self, function_id: str, journal: Journal) -> bool:
        named = sa.select(functions.c.name).where(functions.c.id == function_id).correlate(None).scalar_subquery()
        used = in_use("function", named, besides=function_id)
        statement = sa.delete(functions).where(functions.c.id == function_id, ~used)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(statement)).rowcount == 1:
                await write_journal(connection, journal)
                return True
            if await connection.scalar(sa.select(functions.c.id).where(functions.c.id == function_id)) is None:
                return False
            raise Conflict("Another function calls this one.", code="in_use", hint="Take the call out of it first.")

        return await self._database.write(work)

    async def function_version(self, function_id: str, number: int) -> FunctionVersion | None:
        mine = (function_versions.c.function_id == function_id, function_versions.c.number == number)
        return await self._find(FunctionVersion, sa.select(function_versions).where(*mine))

    async def function_versions(
        self, function_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[FunctionVersion]:
        query = sa.select(function_versions).where(function_versions.c.function_id == function_id)
        return await self._database.read(
            lambda connection: read_page(
                connection,
                query,
                (function_versions.c.number,),
                lambda row: record_of(FunctionVersion, row),
                limit=limit,
                cursor=cursor,
                descending=True,
            )
        )

    async def functions_using(
        self, *, connection: str | None = None, function: str | None = None
    ) -> Sequence[Function]:
        kind, name = ("connection", connection) if connection is not None else ("function", function)
        uses = (function_uses.c.kind == kind, function_uses.c.name == name)
        query = sa.select(functions).where(*uses, functions.c.id == function_uses.c.function_id, _in_force(functions))
        found = {one.name: one for one in await self._list(Function, query)}  # a function may come with two versions
        return [found[name] for name in sorted(found)]


def in_use(kind: Literal["connection", "function"], name: sa.ScalarSelect[Any], *, besides: str = "") -> sa.Exists:
    """Whether the draft or published version of a function (other than `besides`) names this."""
    users = functions.alias("users")
    return sa.exists().where(
        function_uses.c.kind == kind,
        function_uses.c.name == name,
        users.c.id == function_uses.c.function_id,
        users.c.id != besides,
        _in_force(users),
    )


def _in_force(function: sa.FromClause) -> sa.ColumnElement[bool]:
    number = function_uses.c.number
    return sa.or_(function.c.draft_version == number, function.c.published_version == number)


async def _add_version(connection: AsyncConnection, version: FunctionVersion) -> None:
    await connection.execute(sa.insert(function_versions).values(row_of(version)))
    names = [("connection", name) for name in version.connections] + [("function", name) for name in version.calls]
    rows = [
        {"function_id": version.function_id, "number": version.number, "kind": kind, "name": name}
        for kind, name in dict.fromkeys(names)
    ]
    if rows:
        await connection.execute(sa.insert(function_uses), rows)
