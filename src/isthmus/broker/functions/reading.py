"""What can be read about functions: lists, versions, differences, who uses what, and runs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from isthmus.broker.access import require, visible
from isthmus.broker.functions.rights import may_edit, may_run, seen
from isthmus.broker.functions.sealing import RunSeal
from isthmus.broker.functions.shelf import Shelf
from isthmus.broker.functions.views import (
    function_document,
    function_summary,
    run_document,
    run_summary,
    version_document,
)
from isthmus.errors import AccessDenied, InputError, NotFound
from isthmus.records import Actor, Function, FunctionVersion, Page, Run, RunState
from isthmus.storage.contract import Storage


class Reader:
    """Code is shown to those who may edit; a run to them, and to who asked for it."""

    def __init__(self, *, storage: Storage, shelf: Shelf, seal: RunSeal) -> None:
        self._storage = storage
        self._shelf = shelf
        self._seal = seal

    async def functions(self, actor: Actor, *, limit: int = 50, cursor: str | None = None) -> Page[dict[str, Any]]:
        """A page of functions by name, those the actor may see; a page may be shorter than asked for."""
        require(actor, "functions.read")
        page = await self._storage.functions(limit=limit, cursor=cursor)
        items = [function_summary(one) for one in page.items if may_run(actor, one) or may_edit(actor)]
        return Page(items, page.next_cursor)

    async def function(self, actor: Actor, name: str, *, version: str | None = None) -> dict[str, Any]:
        """One function, as its author last saved it; as it is live for who may only run it.

        `version` is `draft`, `published` or a number. Raises NotFound (`version_not_found`).
        """
        function = await self._seen(actor, name)
        found = await self._version(actor, function, version)
        code = self._shelf.code(found) if may_edit(actor) else None
        users = await self._storage.functions_using(function=name)
        called_by = [one.name for one in users if may_run(actor, one) or may_edit(actor)]
        return {**function_document(function, found, code), "called_by": called_by}

    async def versions(
        self, actor: Actor, name: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[dict[str, Any]]:
        """A page of versions without their code, newest first."""
        function = await self._editable(actor, name)
        page = await self._storage.function_versions(function.id, limit=limit, cursor=cursor)
        return Page([version_document(function, version) for version in page.items], page.next_cursor)

    async def diff(self, actor: Actor, name: str, before: str | None, after: str | None) -> dict[str, Any]:
        """What differs between two versions: by default between what is live and the draft."""
        function = await self._editable(actor, name)
        live = "published" if function.published_version is not None else "draft"
        one = await self._version(actor, function, before or live)
        other = await self._version(actor, function, after or "draft")
        lines = difflib.unified_diff(
            self._shelf.code(one).splitlines(),
            self._shelf.code(other).splitlines(),
            f"version {one.number}",
            f"version {other.number}",
            lineterm="",
        )
        return {
            "name": name,
            "from": one.number,
            "to": other.number,
            "code": "\n".join(lines),
            "arguments": _differences(one, other),
            "return_type": None if one.return_type == other.return_type else [one.return_type, other.return_type],
        }

    async def using(self, actor: Actor, link_name: str) -> Page[dict[str, Any]]:
        """The functions whose draft or live version names this connection."""
        require(actor, "functions.read")
        visible(actor, await self._storage.connection(link_name), link_name)
        found = await self._storage.functions_using(connection=link_name)
        return Page([function_summary(one) for one in found if may_run(actor, one) or may_edit(actor)])

    async def runs(
        self, actor: Actor, name: str, *, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[dict[str, Any]]:
        """A page of runs, newest first. Raises InputError (field `state`)."""
        function = await self._seen(actor, name)
        if state is not None and state not in get_args(RunState):
            raise InputError("There is no such state.", field="state", hint=f"One of {', '.join(get_args(RunState))}.")
        wanted: RunState | None = next((one for one in get_args(RunState) if one == state), None)
        page = await self._storage.runs(function.id, limit=limit, cursor=cursor, state=wanted)
        return Page([run_summary(run) for run in page.items if _may_read(actor, run)], page.next_cursor)

    async def run(self, actor: Actor, run_id: str) -> dict[str, Any]:
        """One run in full: arguments, value, printed lines, error, and what it asked of the world."""
        run = await self.find_run(actor, run_id)
        calls = await self._storage.run_calls(run.id)
        return run_document(run, self._seal.open_arguments(run), self._seal.open_outcome(run), calls)

    async def find_run(self, actor: Actor, run_id: str) -> Run:
        """The run, where the actor may read it. Raises NotFound (`run_not_found`)."""
        require(actor, "functions.read")
        run = await self._storage.run(run_id)
        function = await self._storage.function_by_id(run.function_id) if run is not None else None
        readable = run is not None and function is not None and (may_run(actor, function) or may_edit(actor))
        if run is None or not readable or not _may_read(actor, run):
            raise NotFound("There is no such run.", code="run_not_found", field="id")
        return run

    async def _seen(self, actor: Actor, name: str) -> Function:
        require(actor, "functions.read")
        return seen(actor, await self._storage.function(name), name)

    async def _editable(self, actor: Actor, name: str) -> Function:
        function = await self._seen(actor, name)
        if not may_edit(actor):
            raise AccessDenied("Versions are for those who edit functions.")
        return function

    async def _version(self, actor: Actor, function: Function, wanted: str | None) -> FunctionVersion:
        edits = may_edit(actor)
        number = function.draft_version if edits else function.published_version
        if wanted == "draft" and edits:
            number = function.draft_version
        elif wanted == "published":
            number = function.published_version
        elif wanted is not None and wanted.isascii() and wanted.isdigit() and len(wanted) < 10 and edits:
            number = int(wanted)
        elif wanted not in (None, "draft"):
            raise InputError("There is no such version.", field="version", hint="draft, published, or a number.")
        if number is None or (wanted == "draft" and not edits):
            raise NotFound(
                f"The function {function.name!r} has not been published.", code="version_not_found", field="version"
            )
        return await self._shelf.version(function, number)


def _may_read(actor: Actor, run: Run) -> bool:
    return may_edit(actor) or run.actor == actor.id


def _differences(one: FunctionVersion, other: FunctionVersion) -> dict[str, Any]:
    before: Mapping[str, Any] = {argument["name"]: dict(argument) for argument in one.arguments}
    after: Mapping[str, Any] = {argument["name"]: dict(argument) for argument in other.arguments}
    return {
        "added": [after[name] for name in after if name not in before],
        "removed": [before[name] for name in before if name not in after],
        "changed": [[before[name], after[name]] for name in after if name in before and before[name] != after[name]],
    }
