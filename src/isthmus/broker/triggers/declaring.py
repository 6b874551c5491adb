"""Triggers as items of one document: what `apply` would change, and what `export` writes down. Never a secret."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from isthmus.broker.functions.declaring import Planned as PlannedFunction
from isthmus.broker.functions.definition import read_source
from isthmus.broker.functions.ports import Languages
from isthmus.broker.triggers import reading
from isthmus.broker.triggers.triggers import Triggers
from isthmus.errors import InputError
from isthmus.functions.host import Argument
from isthmus.records import Actor

_EXPORTED = ("function", "kind", "name", "mapping")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """What applying one item would do; `change` is created, updated or unchanged."""

    label: str
    change: str
    fields: tuple[str, ...] = ()
    item: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trigger_id: str = ""


class Declared:
    """An item is a trigger's document. Function, kind and name together say which one it is; of several that are alike
    there, the first item is the first that was made, and so on."""

    def __init__(self, *, triggers: Triggers, languages: Languages) -> None:
        self._triggers = triggers
        self._languages = languages

    async def plan(
        self,
        actor: Actor,
        items: Sequence[Mapping[str, Any]],
        *,
        links: Collection[str],
        functions: Sequence[PlannedFunction],
    ) -> list[Planned]:
        """What applying the items would do. `links` and `functions` are what the same document makes.

        Raises InputError; the field begins with the place of the item.
        """
        if not items:
            return []
        present = await self._present(actor)
        made = {one.name: one for one in functions if one.change != "unchanged"}
        plan: list[Planned] = []
        for number, item in enumerate(items):
            try:
                plan.append(await self._plan_one(actor, item, present, links, made))
            except InputError as problem:
                problem.field = f"triggers[{number}]" + (f".{problem.field}" if problem.field else "")
                raise
        return plan

    async def carry_out(self, actor: Actor, planned: Planned) -> str:
        """The URL of a webhook that was made: it is told this once; empty otherwise."""
        if planned.change == "created":
            made = await self._triggers.create(actor, planned.item)
            return str(made.get("webhook", {}).get("url", ""))
        if planned.change == "updated":
            await self._triggers.update(actor, planned.trigger_id, planned.item)
        return ""

    async def export(self, actor: Actor) -> list[dict[str, Any]]:
        """Every trigger, without what is told once or never."""
        return [_exported(one) for group in (await self._present(actor)).values() for one in group]

    async def _present(self, actor: Actor) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        cursor: str | None = None
        while True:
            page = await self._triggers.list(actor, limit=_MOST, cursor=cursor)
            for document in page.items:
                found.setdefault(_label(document), []).append(document)
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def _plan_one(
        self,
        actor: Actor,
        item: Mapping[str, Any],
        present: Mapping[str, list[dict[str, Any]]],
        links: Collection[str],
        made: Mapping[str, PlannedFunction],
    ) -> Planned:
        if not isinstance(item, Mapping) or not isinstance(item.get("function"), str):
            raise InputError("Name the function.", field="function", hint="Give its name, such as standalone.notify.")
        reading.check_keys(item, reading.CREATED)
        kind = reading.read_kind(item.get("kind"))
        if isinstance(item.get(kind), Mapping):
            item = {**item, kind: {key: _plain(key, value) for key, value in item[kind].items()}}
        label, function = _label(item), item["function"]
        alike = present.get(label)
        known = alike.pop(0) if alike else None
        arguments = self._arguments(made[function]) if function in made and "code" in made[function].item else None
        if known is None:
            await self._triggers.check(actor, item, arguments=arguments, links=links)
            return Planned(label, "created", (), item)
        changes = await self._changes(known, item)
        if changes:
            await self._triggers.check(actor, item, arguments=arguments, links=links, trigger_id=known["id"])
        return Planned(label, "updated" if changes else "unchanged", tuple(sorted(changes)), changes, known["id"])

    async def _changes(self, document: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
        """What of the item differs from what there is; what it does not say stays."""
        changes: dict[str, Any] = {
            key: item[key] for key in ("mapping", "enabled") if key in item and item[key] != document[key]
        }
        kind = str(item["kind"])
        details = item.get(kind)
        if isinstance(details, Mapping):
            shown = {**document[kind], "connection": document[kind].get("connection") or ""}
            differing = {key for key, value in details.items() if key != "secret" and value != shown.get(key)}
            secret = details.get("secret")
            if secret is not None and not await self._triggers.has_secret(document["id"], secret):
                differing.add("secret")
            if differing:
                changes[kind] = {key: details[key] for key in details}
        elif kind in item:
            changes[kind] = details
        return changes

    def _arguments(self, planned: PlannedFunction) -> Sequence[Argument]:
        """Those of a function that the same document makes or changes."""
        language = planned.item.get("language", "deluge")
        return self._languages.compile(read_source(planned.name, language, planned.item)).arguments


def _label(document: Mapping[str, Any]) -> str:
    name = document.get("name") or ""
    return f"{document['function']} {document['kind']}" + (f" {name}" if name else "")


def _exported(document: Mapping[str, Any]) -> dict[str, Any]:
    item = {key: document[key] for key in _EXPORTED if document[key] not in ("", {})}
    if not document["enabled"]:
        item["enabled"] = False
    details = document[document["kind"]]
    told = {"schedule": ("cron", "timezone", "start_at", "end_at"), "webhook": ("signature",)}
    keys = told.get(document["kind"], ("connection", "events"))
    item[document["kind"]] = {key: details[key] for key in keys if details[key] is not None}
    return item


def _plain(key: str, value: Any) -> Any:
    """A time, which YAML may have read as one, in the form in which documents show it; anything else as it is."""
    if key not in ("start_at", "end_at") or value is None:
        return value
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return value
    return moment.isoformat() if moment.tzinfo is None else moment.astimezone(UTC).isoformat()
