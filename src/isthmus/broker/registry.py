"""Services as documents: list, create, edit, clone, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from isthmus.broker.access import require
from isthmus.broker.connections import propose_link_name, read_link_name
from isthmus.broker.services import Listed, Registered, Services
from isthmus.broker.views import iso, service_card, service_document
from isthmus.catalog.causes import Causes
from isthmus.catalog.definition import document as definition_document
from isthmus.catalog.definition import split_secret
from isthmus.catalog.guide import write_guide
from isthmus.errors import Conflict, InputError
from isthmus.records import ActivityEntry, Actor, Page, StoredService
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage

_OVERRIDABLE = frozenset({"client_id"})


class Registry:
    """The service half of the directory."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        services: Services,
        clock: Callable[[], datetime],
        seal_secret: Callable[[str, str], bytes],
        forget_all: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._services = services
        self._clock = clock
        self._seal_secret = seal_secret
        self._forget_all = forget_all

    async def services(
        self,
        actor: Actor,
        *,
        kind: str | None = None,
        category: str | None = None,
        q: str | None = None,
        marked: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[dict[str, Any]]:
        """A page of services: in the order of relevance for `q`, otherwise by link name.

        Retired, sandbox and legacy ones only where `marked`, or configured or used."""
        require(actor, "services.read")
        if kind not in (None, "default", "custom"):
            raise InputError("The kind is default or custom.", field="kind", hint="Leave it out for both.")
        found = await self._services.search(kind=kind, category=category, q=q, marked=marked)
        return self._page(found, limit, cursor)

    async def stored_services(self, actor: Actor) -> list[dict[str, Any]]:
        """Custom services, and default ones that something was added to, by link name; marked ones too."""
        require(actor, "services.read")
        return [self._service_document(registered) for registered in await self._services.stored()]

    async def cards(
        self,
        actor: Actor,
        *,
        kind: str | None = None,
        category: str = "",
        q: str = "",
        marked: bool = False,
        limit: int = 60,
        start: int = 0,
    ) -> Page[dict[str, Any]]:
        """A page of services in short, chosen as `services`; `next_cursor` is where the next one starts.

        With `q` in the order of relevance, otherwise those first that most sources know, other ways to authenticate last."""
        require(actor, "services.read")
        found = await self._services.search(kind=kind, category=category or None, q=q or None, marked=marked)
        if not q:
            found.sort(key=lambda listed: (not listed.row.recommended, -listed.row.sources))
        cards = [service_card(listed) for listed in found[start : start + limit]]
        return Page(cards, str(start + limit) if start + limit < len(found) else None)

    async def cards_of(self, actor: Actor, link_names: Collection[str]) -> dict[str, dict[str, Any]]:
        """The same for these services, by link name; what is unknown is left out."""
        require(actor, "services.read")
        known = await self._services.known(link_names)
        return {name: service_card(listed) for name, listed in known.items()}

    async def categories(self, actor: Actor, *, kind: str) -> list[str]:
        """The categories that services of this kind have, in alphabetical order."""
        require(actor, "services.read")
        return sorted({listed.row.category for listed in await self._services.search(kind=kind)})

    async def check_service_link_name(self, actor: Actor, link_name: str) -> None:
        """Raise InputError for a malformed link name, Conflict (`link_name_taken`) for one that a service has."""
        require(actor, "services.manage")
        read_link_name({"link_name": link_name})
        if await self._services.known([link_name]):
            raise _taken(link_name)

    async def service(self, actor: Actor, link_name: str) -> dict[str, Any]:
        """One service, with its redirect URL, the number of connections (counted up to 200), and `changed`: what differs
        from what was last agreed to, or None."""
        require(actor, "services.read")
        registered = await self._services.find(link_name)
        used = await self._storage.connections(limit=200, service=link_name)
        known = await self._storage.known_service(link_name)
        changed = {"at": iso(known.changed_at), "changes": list(known.changes)} if known and known.changes else None
        return {**self._service_document(registered), "connections": len(used.items), "changed": changed}

    async def guide(self, actor: Actor, link_name: str) -> dict[str, Any]:
        """`{"link_name", "name", "markdown"}`: how to register and connect, what is unusual, what breaks and why."""
        require(actor, "services.read")
        service = (await self._services.find(link_name)).service
        markdown = write_guide(service, self._settings.redirect_url(link_name), Causes.load().known_for(service))
        return {"link_name": link_name, "name": service.name, "markdown": markdown}

    async def guides(self, actor: Actor) -> AsyncIterator[dict[str, Any]]:
        """The guide of every service, marked ones included, by link name."""
        for listed in await self._services.search(marked=True):
            yield await self.guide(actor, listed.row.link_name)

    async def create_service(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, Any]:
        """A custom service. Raises InputError that names the field, Conflict (`link_name_taken`)."""
        require(actor, "services.manage")
        given, secret = split_secret(document)
        if not given.get("link_name") and isinstance(given.get("name"), str):
            given = {**given, "link_name": propose_link_name(given["name"])}
        service = self._services.custom(given)
        return await self._add(actor, "service.create", definition_document(service), secret)

    def check_service(self, document: Mapping[str, Any]) -> Registered:
        """The custom service that this would make. Raises InputError where it could not be created."""
        return Registered(self._services.custom(split_secret(document)[0]))

    async def find_service(self, link_name: str) -> Registered:
        """The service as it stands, for checking a document against it. Raises NotFound."""
        return await self._services.find(link_name)

    def with_changes(self, registered: Registered, document: Mapping[str, Any]) -> Registered:
        """The service as it would be with this document applied. Raises InputError as `Services.custom` does."""
        if registered.service.kind == "default":
            return registered
        given, _ = split_secret(document)
        current = definition_document(registered.service)
        return replace(registered, service=self._services.custom({**current, **given}))

    def service_changes(self, present: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
        """Which keys of `document` would change the service shown as `present`. Raises InputError as `Services.custom` does."""
        given, secret = split_secret(document)
        if present["kind"] == "custom":
            service = self._services.custom({**_writable(present), **given})
            wanted = definition_document(service)
            changes = {key: value for key, value in given.items() if wanted.get(key) != present.get(key)}
        else:
            changes = {key: value for key, value in given.items() if present.get(key) != value}
        return {**changes, "client_secret": secret} if secret else changes

    async def clone_service(self, actor: Actor, link_name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """A custom service that begins as a copy of another one; the client id and secret are not copied."""
        require(actor, "services.manage")
        registered = await self._services.find(link_name)
        original = definition_document(registered.service)
        given, secret = split_secret(document)
        name = f"{registered.service.name} copy"
        copy = {**original, "client_id": "", "name": name, "link_name": f"{link_name}_copy"[:50], **given}
        service = self._services.custom(copy)
        return await self._add(actor, "service.clone", definition_document(service), secret)

    async def update_service(self, actor: Actor, link_name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The service with these changes; of a default service only client id and secret are its user's to set."""
        require(actor, "services.manage")
        registered = await self._services.find(link_name)
        given, secret = split_secret(changes)
        if given.get("link_name", link_name) != link_name:
            raise InputError("The link name cannot be changed later.", field="link_name", hint="Clone the service.")
        if registered.service.kind == "default":
            await self._save_default(actor, registered, given, secret, secret_given="client_secret" in changes)
        else:
            await self._save_custom(actor, registered, given, secret, secret_given="client_secret" in changes)
        self._forget_all()
        return await self.service(actor, link_name)

    async def delete_service(self, actor: Actor, link_name: str) -> None:
        """A custom service, or what was added to a default one. Conflict (`in_use`) while a connection uses it."""
        require(actor, "services.manage")
        registered = await self._services.find(link_name)
        if registered.stored is None:
            raise InputError(
                "A default service cannot be deleted.",
                field="link_name",
                code="default_service",
                hint="Leave it unused.",
            )
        journal = self._journal(actor, "service.delete", link_name, {})
        await self._storage.delete_service(link_name, journal)
        self._forget_all()

    async def _add(self, actor: Actor, action: str, document: Mapping[str, Any], secret: str | None) -> dict[str, Any]:
        link_name = str(document["link_name"])
        if self._services.is_default(link_name):
            raise _taken(link_name)
        now = self._clock()
        sealed = self._seal_secret(link_name, secret) if secret else None
        stored = StoredService(link_name, "custom", document, sealed, created_at=now, updated_at=now)
        try:
            await self._storage.add_service(stored, self._journal(actor, action, link_name, {}))
        except Conflict as problem:
            raise _taken(link_name) from problem
        return await self.service(actor, link_name)

    async def _save_default(
        self,
        actor: Actor,
        registered: Registered,
        given: Mapping[str, Any],
        secret: str | None,
        *,
        secret_given: bool,
    ) -> None:
        link_name = registered.service.link_name
        current = definition_document(registered.service)
        for key, value in given.items():
            if key not in _OVERRIDABLE and value != current.get(key):
                raise InputError(
                    f"The {key} of a default service cannot be changed.",
                    field=key,
                    code="default_service",
                    hint="Clone the service and change the copy.",
                )
        client_id = given.get("client_id", registered.service.client_id)
        if not isinstance(client_id, str):
            raise InputError("The client id is a text.", field="client_id")
        now = self._clock()
        stored = registered.stored or StoredService(link_name, "default", {}, created_at=now)
        sealed = self._sealed(stored, secret, secret_given)
        changed = replace(stored, document={"client_id": client_id}, client_secret_sealed=sealed, updated_at=now)
        details = {"fields": sorted([*given, *(["client_secret"] if secret_given else [])])}
        journal = self._journal(actor, "service.update", link_name, details)
        if registered.stored is None:
            await self._storage.add_service(changed, journal)
        else:
            await self._storage.save_service(changed, journal)

    async def _save_custom(
        self,
        actor: Actor,
        registered: Registered,
        given: Mapping[str, Any],
        secret: str | None,
        *,
        secret_given: bool,
    ) -> None:
        stored = registered.stored
        if stored is None:
            raise InputError("The service is not stored here.", field="link_name")
        service = self._services.custom({**stored.document, **given})
        changed = replace(
            stored,
            document=definition_document(service),
            client_secret_sealed=self._sealed(stored, secret, secret_given),
            updated_at=self._clock(),
        )
        details = {"fields": sorted([*given, *(["client_secret"] if secret_given else [])])}
        await self._storage.save_service(changed, self._journal(actor, "service.update", stored.link_name, details))

    def _sealed(self, stored: StoredService, secret: str | None, secret_given: bool) -> bytes | None:
        if not secret_given:
            return stored.client_secret_sealed
        return self._seal_secret(stored.link_name, secret) if secret else None

    def _service_document(self, registered: Registered) -> dict[str, Any]:
        return service_document(registered, self._settings.redirect_url(registered.service.link_name))

    def _page(self, found: Sequence[Listed], limit: int, cursor: str | None) -> Page[dict[str, Any]]:
        names = [listed.row.link_name for listed in found]
        start = 0
        if cursor is not None:
            if cursor not in names:
                raise InputError("The cursor is not of this list.", field="cursor", hint="Start without a cursor.")
            start = names.index(cursor) + 1
        shown = found[start : start + limit]
        items = [self._service_document(self._services.whole(listed)) for listed in shown]
        more = start + limit < len(found)
        return Page(items, names[start + limit - 1] if more else None)

    def _journal(self, actor: Actor, action: str, target: str, details: Mapping[str, Any]) -> Journal:
        return Journal(activity=(ActivityEntry.by(actor, self._clock(), action, target, details),))


def _writable(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A service's document without what only the server writes."""
    read_only = ("kind", "redirect_url", "has_client_secret", "created_at", "updated_at", "connections", "changed")
    return {key: value for key, value in shown.items() if key not in read_only}


def _taken(link_name: str) -> Conflict:
    return Conflict(
        f"The link name {link_name!r} is taken.", code="link_name_taken", field="link_name", hint="Choose another."
    )
