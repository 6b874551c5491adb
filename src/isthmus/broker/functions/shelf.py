"""Functions by name and their compiled programs, remembered so that a run need not ask or compile again."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from isthmus.broker.functions.arguments import read_arguments
from isthmus.broker.functions.definition import read_source, stored_arguments
from isthmus.broker.functions.ports import Languages, Source
from isthmus.errors import NotFound
from isthmus.functions.host import Argument, Program
from isthmus.records import Function, FunctionVersion
from isthmus.storage.contract import Storage
from isthmus.vault import Vault

FRESH_SECONDS = 1.0
MOST_FUNCTIONS = 10_000
MOST_PROGRAMS = 500
UNSAVED = 0


@dataclass(frozen=True, slots=True)
class Ready:
    """A version of a function that can be begun."""

    function: Function
    number: int
    arguments: tuple[Argument, ...]
    program: Program = field(repr=False)


class Shelf:
    """A change made in this process is seen at once (`forget`), one made by another process within a second.

    Programs are kept by version, and a version never changes.
    """

    def __init__(self, *, storage: Storage, vault: Vault, languages: Languages) -> None:
        self._storage = storage
        self._vault = vault
        self._languages = languages
        self._functions: OrderedDict[str, tuple[float, Function]] = OrderedDict()
        self._programs: OrderedDict[tuple[str, int], tuple[tuple[Argument, ...], Program]] = OrderedDict()

    async def function(self, name: str) -> Function | None:
        """The function of this name, as it was at most a second ago."""
        known = self._functions.get(name)
        now = time.monotonic()
        if known is not None and now - known[0] <= FRESH_SECONDS:
            return known[1]
        function = await self._storage.function(name)
        if function is None:
            self._functions.pop(name, None)
            return None
        self._functions[name] = (now, function)
        if len(self._functions) > MOST_FUNCTIONS:
            self._functions.popitem(last=False)
        return function

    def forget(self, name: str) -> None:
        self._functions.pop(name, None)

    async def ready(self, function: Function, number: int) -> Ready:
        """The compiled version. Raises NotFound (`version_not_found`), FunctionError where it does not compile."""
        key = (function.id, number)
        found = self._programs.get(key)
        if found is None:
            version = await self.version(function, number)
            arguments = read_arguments(version.arguments)
            code = self.code(version)
            source = Source(function.name, version.language, code, arguments, version.return_type)
            program = await asyncio.to_thread(self._languages.compile, source)
            found = self._programs[key] = (arguments, program)
            if len(self._programs) > MOST_PROGRAMS:
                self._programs.popitem(last=False)
        else:
            self._programs.move_to_end(key)
        return Ready(function, number, *found)

    async def unsaved(self, function: Function, code: str) -> Ready:
        """This code compiled in place of the draft and kept nowhere, under the number UNSAVED; the draft itself where
        it says the same. Raises InputError (`code`), FunctionError where it does not compile."""
        draft = await self.version(function, function.draft_version)
        present = Source(function.name, function.language, self.code(draft), None, draft.return_type)
        source = read_source(function.name, function.language, {"code": code}, present)
        if source.code == present.code:
            return await self.ready(function, function.draft_version)
        program = await asyncio.to_thread(self._languages.compile, source)
        return Ready(function, UNSAVED, read_arguments(stored_arguments(source, program)), program)

    async def version(self, function: Function, number: int) -> FunctionVersion:
        """The stored version. Raises NotFound (`version_not_found`)."""
        version = await self._storage.function_version(function.id, number)
        if version is None:
            raise NotFound(
                f"The function {function.name!r} has no version {number}.", code="version_not_found", field="version"
            )
        return version

    def code(self, version: FunctionVersion) -> str:
        """The version's source. Raises SealBroken."""
        return self._vault.open(version.code_sealed, **code_place(version.function_id, version.number)).decode()

    def seal_code(self, function_id: str, number: int, code: str) -> bytes:
        return self._vault.seal(code.encode(), **code_place(function_id, number))


def code_place(function_id: str, number: int) -> dict[str, str]:
    """Where a version's code is sealed for."""
    return {"table": "function_versions", "row": f"{function_id}/{number}", "field": "code"}
