"""Functions as documents: written, checked, published, rolled back, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from isthmus.broker.access import require
from isthmus.broker.functions import definition as read
from isthmus.broker.functions.arguments import argument_document, read_arguments
from isthmus.broker.functions.ports import Diagnostic, Languages, Source, Surrounding
from isthmus.broker.functions.rights import require_edit, seen
from isthmus.broker.functions.shelf import Shelf
from isthmus.broker.functions.views import diagnostic_documents, function_document
from isthmus.broker.tokens import draw_id
from isthmus.errors import AccessDenied, Conflict, FunctionError, InputError
from isthmus.functions.host import Program
from isthmus.records import ActivityEntry, Actor, Function, FunctionVersion
from isthmus.storage.contract import Journal, Storage

_MOST_NAMES = 1000
NOTHING_MORE = Surrounding((), ())
_MOST_COMPLETIONS = 200


class Editor:
    """Saving keeps whatever was written; publishing lets live only what compiles and passes the check."""

    def __init__(self, *, storage: Storage, shelf: Shelf, languages: Languages, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._shelf = shelf
        self._languages = languages
        self._clock = clock

    async def create(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
        """A new function with its first version, a draft. Raises InputError, Conflict (`name_taken`)."""
        require_edit(actor)
        given = read.check_keys(document)
        name = read.read_function_name(given.get("name"))
        source = read.read_source(name, read.read_language(given.get("language")), given)
        now = self._clock()
        function = Function(draw_id(), name, source.language, created_by=actor.id, created_at=now, updated_at=now)
        function = self._with_settings(actor, function, given)
        version = await self._version(actor, function, 1, source, read.read_note(given))
        entries = [self._activity(actor, "function.create", name, {"language": function.language})]
        entries += self._told_of_owner(actor, function, None)
        try:
            await self._storage.add_function(function, version, Journal(activity=tuple(entries)))
        except Conflict as problem:
            raise Conflict(
                f"There is a function {name!r} already.", code="name_taken", field="name", hint="Choose another name."
            ) from problem
        self._shelf.forget(name)
        return await self._saved(actor, function, version, source)

    async def save(self, actor: Actor, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """The function with these changes. Another code, argument or return type makes a new draft version; saving
        what is there already changes nothing.

        `base_version` is the draft that the author began from. Raises InputError, Conflict (`changed`).
        """
        require_edit(actor)
        function = seen(actor, await self._storage.function(name), name)
        given = read.check_keys(document)
        _refuse_renaming(function, given)
        if given.get("base_version") not in (None, function.draft_version):
            raise Conflict(
                f"The draft is now version {function.draft_version}; nothing was saved.",
                code="changed",
                field="base_version",
                hint="Read the newest draft, and save your changes on top of it.",
            )
        present_version = await self._shelf.version(function, function.draft_version)
        kept = self._source(function, present_version)
        source = read.read_source(name, function.language, given, kept)
        changed = self._with_settings(actor, function, given)
        version: FunctionVersion | None = None
        if not await self._same(source, kept):
            changed = replace(changed, draft_version=function.draft_version + 1)
            version = await self._version(actor, changed, changed.draft_version, source, read.read_note(given))
        if changed == function:
            return await self._saved(actor, function, present_version, kept)
        changed = replace(changed, updated_at=self._clock())
        fields = sorted(key for key in given if key not in ("name", "language", "base_version"))
        details = {"draft_version": changed.draft_version, "fields": fields}
        entries = [self._activity(actor, "function.save", name, details)]
        entries += self._told_of_owner(actor, changed, function)
        await self._save(changed, version, entries)
        return await self._saved(actor, await self._again(name), version or present_version, source)

    async def publish(self, actor: Actor, name: str, number: int | None = None) -> dict[str, Any]:
        """Make the draft (or the version named) the live one. Raises FunctionError where it does not pass the check."""
        function, version = await self._to_publish(actor, name, number)
        await self._require_sound(actor, self._source(function, version))
        return await self._go_live(actor, function, version, "function.publish")

    async def roll_back(self, actor: Actor, name: str, number: int) -> dict[str, Any]:
        """Make an older version the live one again; the draft stays as it is. It was sound once, and is checked anew."""
        function, version = await self._to_publish(actor, name, number)
        await self._require_sound(actor, self._source(function, version))
        return await self._go_live(actor, function, version, "function.roll_back")

    async def delete(self, actor: Actor, name: str) -> None:
        """Gone, with its versions and runs. Raises Conflict (`in_use`) with the functions that call it."""
        require_edit(actor)
        function = seen(actor, await self._storage.function(name), name)
        users = [one.name for one in await self._storage.functions_using(function=name) if one.name != name]
        if users:
            raise Conflict(
                f"The function {name!r} is called by {_listed(users)}.",
                code="in_use",
                hint="Take the call out of them first.",
                details={"functions": users},
            )
        await self._storage.delete_function(
            function.id, Journal(activity=(self._activity(actor, "function.delete", name, {}),))
        )
        self._shelf.forget(name)

    async def check(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
        """`{"problems": [...], "arguments": [...], "connections": [...], "calls": [...]}` of a code as an editor has
        it, saved or not. Nothing is stored."""
        require_edit(actor)
        given = read.check_keys(document)
        name = read.read_function_name(given["name"]) if given.get("name") else ""
        source = read.read_source(name, read.read_language(given.get("language")), given)
        program = await self._compiled(source)
        shown = program or Program(source.language, source.code, "")
        return {
            "problems": diagnostic_documents(await self._check(actor, source)),
            "arguments": [argument_document(argument) for argument in shown.arguments],
            "return_type": shown.return_type,
            "connections": list(shown.connections),
            "calls": list(shown.calls),
        }

    async def complete(self, actor: Actor, document: Mapping[str, Any], line: int, column: int) -> list[dict[str, Any]]:
        """What can be written at a place of a code as an editor has it. Nothing is stored."""
        require_edit(actor)
        source = read.read_source("standalone.untitled", read.read_language(document.get("language")), document)
        surrounding = await self._surrounding(actor, source)
        found = await asyncio.to_thread(self._languages.complete, source, line, column, surrounding)
        return [asdict(one) for one in found[:_MOST_COMPLETIONS]]

    def check_document(self, document: Mapping[str, Any]) -> None:
        """Raise InputError for a function that could not be created as this says."""
        given = read.check_keys(document)
        name = read.read_function_name(given.get("name"))
        read.read_source(name, read.read_language(given.get("language")), given)
        read.with_settings(Function("", name, "deluge"), given)
        read.read_note(given)

    async def changes(self, actor: Actor, name: str, document: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields that saving this document would change; nothing is stored. Raises as `save`."""
        require_edit(actor)
        function = seen(actor, await self._storage.function(name), name)
        given = read.check_keys(document)
        _refuse_renaming(function, given)
        kept = self._source(function, await self._shelf.version(function, function.draft_version))
        source = read.read_source(name, function.language, given, kept)
        changed = read.with_settings(function, given)
        fields = [key for key in read.OF_FUNCTION if getattr(changed, key) != getattr(function, key)]
        if not await self._same(source, kept):
            fields.append("code" if source.code != kept.code else "arguments")
        return tuple(sorted(fields))

    async def require_sound(self, actor: Actor, document: Mapping[str, Any], more: Surrounding) -> None:
        """Raise FunctionError for a code that would not be published; `more` are names that will be there by then."""
        given = read.check_keys(document)
        source = read.read_source(
            read.read_function_name(given.get("name")), read.read_language(given.get("language")), given
        )
        await self._require_sound(actor, source, more)

    # --- parts

    def _with_settings(self, actor: Actor, function: Function, given: Mapping[str, Any]) -> Function:
        changed = read.with_settings(function, given)
        if changed.run_as == function.run_as:
            return changed
        if changed.run_as == "owner":
            require(actor, "functions.run_as_owner")
            return replace(changed, owner=actor.id)
        return replace(changed, owner="")

    def _told_of_owner(self, actor: Actor, function: Function, before: Function | None) -> list[ActivityEntry]:
        if function.run_as == (before.run_as if before is not None else "caller"):
            return []
        details = {"run_as": function.run_as, "owner": function.owner or None}
        return [self._activity(actor, "function.run_as", function.name, details)]

    async def _version(
        self, actor: Actor, function: Function, number: int, source: Source, note: str
    ) -> FunctionVersion:
        program = await self._compiled(source)
        return FunctionVersion(
            function.id,
            number,
            function.language,
            self._shelf.seal_code(function.id, number, source.code),
            read.stored_arguments(source, program),
            (program.return_type if program is not None else "") or source.return_type,
            program.connections if program is not None else (),
            program.calls if program is not None else (),
            note,
            actor.id,
            self._clock(),
        )

    async def _compiled(self, source: Source) -> Program | None:
        """None for code that does not compile: a draft may be half-written. Raises InputError as compiling does."""
        try:
            return await asyncio.to_thread(self._languages.compile, source)
        except FunctionError:
            return None

    def _source(self, function: Function, version: FunctionVersion) -> Source:
        arguments = read_arguments(version.arguments)
        return Source(function.name, function.language, self._shelf.code(version), arguments, version.return_type)

    async def _same(self, source: Source, present: Source) -> bool:
        """Whether saving would store what is there."""
        if source.code != present.code:
            return False
        program = await self._compiled(source)
        arguments = read.stored_arguments(source, program)
        kept = read.stored_arguments(present, None)
        return arguments == kept and (source.return_type or present.return_type) == present.return_type

    async def _check(self, actor: Actor, source: Source, more: Surrounding = NOTHING_MORE) -> list[Diagnostic]:
        surrounding = await self._surrounding(actor, source, more)
        try:
            return list(await self._languages.check(source, surrounding))
        except FunctionError as problem:
            return [Diagnostic("error", problem.code, problem.message, problem.line, problem.column, hint=problem.hint)]

    async def _surrounding(self, actor: Actor, source: Source, more: Surrounding = NOTHING_MORE) -> Surrounding:
        """What the code may name; nothing is judged where there is more than can be looked through."""
        page = await self._storage.connections(limit=_MOST_NAMES, names=actor.connections)
        functions = await self._storage.functions(limit=_MOST_NAMES)
        if page.next_cursor is not None or functions.next_cursor is not None:
            return Surrounding()
        connections = frozenset(one.link_name for one in page.items).union(more.connections or ())
        names = frozenset(one.name for one in functions.items).union(more.functions or (), (source.name,))
        return Surrounding(connections, names)

    async def _to_publish(self, actor: Actor, name: str, number: int | None) -> tuple[Function, FunctionVersion]:
        require_edit(actor)
        function = seen(actor, await self._storage.function(name), name)
        if function.run_as == "owner" and actor.role != "administrator":
            raise AccessDenied(
                f"The function {name!r} runs with its owner's rights, so only an administrator can publish it.",
                code="owner_function",
                hint="Ask an administrator to publish it, or let it run as its caller.",
            )
        return function, await self._shelf.version(function, number or function.draft_version)

    async def _require_sound(self, actor: Actor, source: Source, more: Surrounding = NOTHING_MORE) -> None:
        found = await self._check(actor, source, more)
        errors = [one for one in found if one.severity == "error"]
        if errors:
            first, others = errors[0], f" And {len(errors) - 1} more." if len(errors) > 1 else ""
            problem = FunctionError(
                first.message + others, line=first.line, column=first.column, code=first.code, hint=first.hint
            )
            problem.field = "code"
            problem.details = {"problems": diagnostic_documents(found)}
            raise problem
        await asyncio.to_thread(self._languages.compile, source)

    async def _go_live(self, actor: Actor, function: Function, version: FunctionVersion, action: str) -> dict[str, Any]:
        if function.published_version != version.number:
            details = {"version": version.number, "before": function.published_version}
            changed = replace(function, published_version=version.number, updated_at=self._clock())
            await self._save(changed, None, [self._activity(actor, action, function.name, details)])
            function = await self._again(function.name)
        return function_document(function, version, self._shelf.code(version))

    async def _save(self, function: Function, version: FunctionVersion | None, entries: list[ActivityEntry]) -> None:
        try:
            await self._storage.save_function(function, version, Journal(activity=tuple(entries)))
        finally:
            self._shelf.forget(function.name)

    async def _again(self, name: str) -> Function:
        function = await self._storage.function(name)
        if function is None:
            raise Conflict("The function was removed meanwhile.", code="changed")
        return function

    async def _saved(
        self, actor: Actor, function: Function, version: FunctionVersion, source: Source
    ) -> dict[str, Any]:
        """The document, with what is wrong with the draft: the author learns it at once."""
        problems = diagnostic_documents(await self._check(actor, source))
        return {**function_document(function, version, source.code), "problems": problems}

    def _activity(self, actor: Actor, action: str, target: str, details: Mapping[str, Any]) -> ActivityEntry:
        return ActivityEntry.by(actor, self._clock(), action, target, details)


def _refuse_renaming(function: Function, given: Mapping[str, Any]) -> None:
    for key, present in (("name", function.name), ("language", function.language)):
        if key in given and given[key] != present:
            raise InputError(f"The {key} cannot be changed later.", field=key, hint="Create another function.")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown
