"""Functions as items of one document: what `apply` would change, and what `export` writes down."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from isthmus.broker.functions.definition import OF_FUNCTION
from isthmus.broker.functions.editing import Editor
from isthmus.broker.functions.ports import Surrounding
from isthmus.broker.functions.reading import Reader
from isthmus.errors import InputError, NotFound
from isthmus.records import Actor

_EXPORTED = ("name", "language", "description", "arguments", "return_type", "run_as", "run_roles", "callers")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """What applying one item would do; `change` is created, updated or unchanged."""

    name: str
    change: str
    fields: tuple[str, ...] = ()
    item: Mapping[str, Any] = field(default_factory=dict, repr=False)
    publish: bool = False


class Declared:
    """An item is a function's document, and `publish: true` where its code shall be live."""

    def __init__(self, *, editor: Editor, reader: Reader) -> None:
        self._editor = editor
        self._reader = reader

    async def plan(
        self, actor: Actor, item: Mapping[str, Any], *, connections: Collection[str], functions: Collection[str]
    ) -> Planned:
        """What applying the item would do. `connections` and `functions` are names that the same document makes.

        Raises InputError, and FunctionError for code that is to be live and does not pass the check.
        """
        document, publish = _taken_apart(item)
        name = str(document["name"])
        present: dict[str, Any] = {}
        try:
            present = await self._reader.function(actor, name)
        except NotFound:
            self._editor.check_document(document)
        fields = await self._editor.changes(actor, name, document) if present else ()
        if publish:
            kept: dict[str, Any] = {key: present[key] for key in ("language", "code") if key in present}
            await self._editor.require_sound(actor, {**kept, **document}, Surrounding(connections, functions))
        if not present:
            return Planned(name, "created", (), document, publish)
        goes_live = publish and (bool(set(fields) - OF_FUNCTION) or present["state"] != "published")
        told = (*fields, "publish") if goes_live else fields
        return Planned(name, "updated" if told else "unchanged", told, document, goes_live)

    async def save(self, actor: Actor, planned: Planned) -> None:
        """Carry the item out, but for publishing: what it calls may have to be made first."""
        if planned.change == "created":
            await self._editor.create(actor, planned.item)
        elif set(planned.fields) - {"publish"}:
            await self._editor.save(actor, planned.name, planned.item)

    async def publish(self, actor: Actor, planned: Planned) -> None:
        if planned.publish:
            await self._editor.publish(actor, planned.name)

    async def export(self, actor: Actor) -> list[dict[str, Any]]:
        """Every function as it is live; its draft where it has never been published."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._reader.functions(actor, limit=_MOST, cursor=cursor)
            for summary in page.items:
                live = summary["published_version"] is not None
                shown = await self._reader.function(actor, summary["name"], version="published" if live else "draft")
                item = {key: shown[key] for key in _EXPORTED if shown[key] not in (None, "", [])}
                items.append({**item, "code": shown["code"], "publish": live})
            cursor = page.next_cursor
            if cursor is None:
                return items


def _taken_apart(item: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The function's document, and whether it shall be live."""
    publish = item.get("publish", False)
    if not isinstance(publish, bool):
        raise InputError("publish is true or false.", field="publish", hint="true makes the code live.")
    return {key: value for key, value in item.items() if key != "publish"}, publish
