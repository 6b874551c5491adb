"""Services, connections, functions and triggers as one document: `apply` makes it so, `export` writes it down. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.broker.access import require
from isthmus.broker.connections import CREATED
from isthmus.broker.directory import Directory
from isthmus.broker.functions.declaring import Declared, Planned
from isthmus.broker.services import Registered
from isthmus.broker.triggers import declaring as of_triggers
from isthmus.errors import InputError, IsthmusError, NotFound
from isthmus.records import Actor

_CONNECTION_KEYS = tuple(sorted(CREATED))
_NOT_EXPORTED = frozenset(
    {"kind", "redirect_url", "has_client_secret", "created_at", "updated_at", "connections", "client_secret"}
)


class Blueprint:
    """The declarative use case over directory, functions and triggers."""

    def __init__(self, *, directory: Directory, functions: Declared, triggers: of_triggers.Declared) -> None:
        self._triggers = triggers
        self._directory = directory
        self._functions = functions

    async def apply(self, actor: Actor, document: Mapping[str, Any], *, dry_run: bool = False) -> list[dict[str, Any]]:
        """Bring services, connections, functions and triggers to what the document says; what it does not name is left
        alone.

        `[{"kind", "link_name", "change": "created" | "updated" | "unchanged", "fields"}]`, for a function its name as
        `link_name`; for a webhook that is made also its `url`, which is told this once. Everything is checked before anything is changed. Raises InputError, and FunctionError for code
        that is to be live; the field begins with the place in the document.
        """
        require(actor, "services.manage")
        require(actor, "connections.manage")
        services, connections, functions, triggers = _lists(document)
        planned: dict[str, Registered] = {}
        plan = [await self._plan_service(actor, number, item, planned) for number, item in enumerate(services)]
        for number, item in enumerate(connections):
            plan.append(await self._plan_connection(actor, number, item, planned))
        wanted = await self._plan_functions(actor, connections, functions)
        links = [str(one["link_name"]) for one in connections]
        started = await self._triggers.plan(actor, triggers, links=links, functions=wanted)
        urls = [""] * len(started)
        if not dry_run:
            for change in plan:
                await self._carry_out(actor, change)
            await self._carry_out_functions(actor, wanted)
            urls = [await self._triggers.carry_out(actor, one) for one in started]
        shown = [_shown(change) for change in plan] + [_shown_function(one) for one in wanted]
        return shown + [_shown_trigger(*one) for one in zip(started, urls, strict=True)]

    async def export(self, actor: Actor) -> dict[str, Any]:
        """`{"services", "connections", "functions", "triggers"}`: custom services, client ids of default ones, all
        connections, functions as they are live, and what starts them."""
        require(actor, "services.manage")
        services: list[dict[str, Any]] = []
        for item in await self._directory.stored_services(actor):
            if item["kind"] == "custom":
                services.append({key: value for key, value in item.items() if key not in _NOT_EXPORTED and value})
            elif item["client_id"]:
                services.append({"link_name": item["link_name"], "client_id": item["client_id"]})
        connections = [
            {key: item[key] for key in _CONNECTION_KEYS if item.get(key)} for item in await self._connections(actor)
        ]
        exported = {"services": services, "connections": connections}
        functions = await self._functions.export(actor)
        parts = {"functions": functions, "triggers": await self._triggers.export(actor)}
        return {**exported, **{name: items for name, items in parts.items() if items}}

    async def _connections(self, actor: Actor) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._directory.connections(actor, limit=200, cursor=cursor)
            items.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return items

    async def _plan_service(
        self, actor: Actor, number: int, item: Mapping[str, Any], planned: dict[str, Registered]
    ) -> dict[str, Any]:
        where, link_name = f"services[{number}]", item["link_name"]
        try:
            present = await self._directory.service(actor, link_name)
        except NotFound:
            with _located(where):
                planned[link_name] = self._directory.check_service(item)
            return {"kind": "service", "link_name": link_name, "change": "created", "item": dict(item)}
        with _located(where):
            changes = self._directory.service_changes(present, item)
            planned[link_name] = self._directory.with_changes(await self._directory.find_service(link_name), item)
        return _change("service", link_name, changes)

    async def _plan_connection(
        self, actor: Actor, number: int, item: Mapping[str, Any], planned: Mapping[str, Registered]
    ) -> dict[str, Any]:
        where, link_name = f"connections[{number}]", item["link_name"]
        try:
            present = await self._directory.connection(actor, link_name)
        except NotFound:
            present = {}
        with _located(where):
            await self._check_connection(item, present, planned)
        if not present:
            return {"kind": "connection", "link_name": link_name, "change": "created", "item": dict(item)}
        changes = {key: value for key, value in item.items() if _normal(present.get(key)) != _normal(value)}
        return _change("connection", link_name, changes)

    async def _check_connection(
        self, item: Mapping[str, Any], present: Mapping[str, Any], planned: Mapping[str, Registered]
    ) -> None:
        """Against the service as it will be when this document has been applied."""
        service = str(item.get("service", present.get("service", "")))
        if present and service != present["service"]:
            raise InputError("The service cannot be changed later.", field="service", hint="Create another connection.")
        kept = {key: present[key] for key in ("scopes", "variables") if key in present}
        registered = planned.get(service) or await self._directory.find_service(service)
        self._directory.check_connection({**kept, **item}, registered)

    async def _plan_functions(
        self, actor: Actor, connections: list[Mapping[str, Any]], functions: list[Mapping[str, Any]]
    ) -> list[Planned]:
        links, names = [str(one["link_name"]) for one in connections], [str(one["name"]) for one in functions]
        plan = []
        for number, item in enumerate(functions):
            with _located(f"functions[{number}]"):
                plan.append(await self._functions.plan(actor, item, connections=links, functions=names))
        return plan

    async def _carry_out_functions(self, actor: Actor, plan: list[Planned]) -> None:
        """All are saved before any is made live: they may call each other."""
        for planned in plan:
            await self._functions.save(actor, planned)
        for planned in plan:
            await self._functions.publish(actor, planned)

    async def _carry_out(self, actor: Actor, change: Mapping[str, Any]) -> None:
        if change["change"] == "unchanged":
            return
        created = change["change"] == "created"
        if change["kind"] == "service":
            if created:
                await self._directory.create_service(actor, change["item"])
            else:
                await self._directory.update_service(actor, change["link_name"], change["item"])
        elif created:
            await self._directory.create_connection(actor, change["item"])
        else:
            await self._directory.update_connection(actor, change["link_name"], change["item"])


class _located:
    """Adds the place in the document to an error's field."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, IsthmusError):
            problem.field = f"{self._where}.{problem.field}" if problem.field else self._where


_PARTS = {"services": "link_name", "connections": "link_name", "functions": "name", "triggers": ""}
"""Part of the document -> what names an item of it, where one thing does."""


def _lists(document: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    if not isinstance(document, Mapping):
        raise InputError("The document is a mapping.", field="", hint="Begin it with `services:` and `connections:`.")
    for key in document:
        if key not in _PARTS:
            raise InputError(f"Unknown part {key!r}.", field=str(key), hint=f"Known: {', '.join(_PARTS)}.")
    lists = []
    for kind, word in _PARTS.items():
        items = document.get(kind) or []
        if not isinstance(items, list):
            raise InputError(f"{kind} is a list.", field=kind)
        if not word:
            lists.append(items)
            continue
        seen: set[str] = set()
        for number, item in enumerate(items):
            name = item.get(word) if isinstance(item, Mapping) else None
            if not isinstance(name, str) or name in seen:
                told = word.replace("_", " ")
                hint = f"Give each item a {word} of its own."
                raise InputError(f"An item has no {told}, or one twice.", field=f"{kind}[{number}].{word}", hint=hint)
            seen.add(name)
        lists.append(items)
    return lists


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items() if item not in (None, "", [], {}, False)}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value


def _change(kind: str, link_name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    word = "updated" if changes else "unchanged"
    return {"kind": kind, "link_name": link_name, "change": word, "item": dict(changes)}


def _shown(change: Mapping[str, Any]) -> dict[str, Any]:
    fields = sorted(change["item"]) if change["change"] == "updated" else []
    return {"kind": change["kind"], "link_name": change["link_name"], "change": change["change"], "fields": fields}


def _shown_function(planned: Planned) -> dict[str, Any]:
    return {
        "kind": "function",
        "link_name": planned.name,
        "change": planned.change,
        "fields": list(planned.fields),
    }


def _shown_trigger(planned: of_triggers.Planned, url: str) -> dict[str, Any]:
    shown = {
        "kind": "trigger",
        "link_name": planned.label,
        "change": planned.change,
        "fields": list(planned.fields),
    }
    return {**shown, "url": url} if url else shown
