"""Service definitions as they hold here: the catalog's, what was added to them, and custom ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from isthmus.catalog.catalog import Catalog
from isthmus.catalog.definition import endpoint_hosts, parse
from isthmus.catalog.hosts import urls_of
from isthmus.catalog.index import Row, row_of
from isthmus.catalog.slots import REGION, check_value, resolve
from isthmus.errors import DestinationDenied, InputError, NotFound
from isthmus.records import ClientCredentials, Service, StoredService
from isthmus.storage.contract import Storage
from isthmus.vault import Vault


@dataclass(frozen=True, slots=True)
class Registered:
    """A service definition (slots unfilled) with what is stored about it; `version` is 0 for an untouched default."""

    service: Service
    stored: StoredService | None = field(default=None, repr=False)

    @property
    def version(self) -> int:
        return self.stored.version if self.stored else 0


@dataclass(frozen=True, slots=True)
class Listed:
    """A service in short, with what is stored about it."""

    row: Row
    stored: StoredService | None = field(default=None, repr=False)

    @property
    def client_id(self) -> str:
        return str(self.stored.document.get("client_id", "")) if self.stored else ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A definition with its slots filled for one authorization, our client, and where its token calls may go."""

    service: Service
    client: ClientCredentials
    endpoint_hosts: tuple[str, ...]
    scope_names: Mapping[str, str] = field(default_factory=dict)
    """Scopes with slots as the definition writes them -> as they are sent."""

    def scopes(self, asked: Sequence[str]) -> tuple[str, ...]:
        """These scopes of a connection, with their slots filled."""
        return tuple(self.scope_names.get(scope, scope) for scope in asked)


class Services:
    """Looks up definitions and fills their slots; opens a client secret only to hand it on inside `Resolved`."""

    def __init__(self, *, catalog: Catalog, storage: Storage, vault: Vault, check_url: Callable[[str], object]) -> None:
        self._catalog = catalog
        self._storage = storage
        self._vault = vault
        self._check_url = check_url
        self._parsed: dict[str, tuple[int, Service]] = {}

    async def find(self, link_name: str) -> Registered:
        """The service with this link name. Raises NotFound (`service_not_found`)."""
        stored = await self._storage.service(link_name)
        registered = self._join(link_name, stored)
        if registered is None:
            raise _not_found(link_name)
        return registered

    async def search(
        self, *, kind: str | None = None, category: str | None = None, q: str | None = None, marked: bool = False
    ) -> list[Listed]:
        """Services that match, in short, the most fitting first; without a query by link name.

        Retired, sandbox and legacy ones are left out unless `marked`, or where they are configured or used here.
        """
        stored = {row.link_name: row for row in await self._storage.services()}
        customs = [self._join(name, row) for name, row in stored.items() if row.kind == "custom"]
        also = [row_of(registered.service) for registered in customs if registered is not None]
        own = {row.link_name for row in also}
        rows = [row for row in self._catalog.search(category=category, q=q, also=also) if kind in (None, row.kind)]
        # A custom service keeps its link name where a newer catalog has a default one of that name.
        rows = [row for row in rows if row.kind == "custom" or row.link_name not in own]
        if not marked:
            kept = {*stored, *await self._storage.used_services()}
            rows = [row for row in rows if not row.marks or row.link_name in kept]
        return [Listed(row, stored.get(row.link_name)) for row in rows]

    async def known(self, link_names: Collection[str]) -> dict[str, Listed]:
        """Those of these services that there are, in short, by link name."""
        stored = {row.link_name: row for row in await self._storage.services()}
        found = {name: self._listed(name, stored.get(name)) for name in link_names}
        return {name: listed for name, listed in found.items() if listed is not None}

    async def stored(self) -> list[Registered]:
        """Custom services, and default ones that something was added to, by link name."""
        joined = [self._join(row.link_name, row) for row in await self._storage.services()]
        return [registered for registered in joined if registered is not None]

    def whole(self, listed: Listed) -> Registered:
        """The definition of a service that a search found. Raises NotFound where it is gone meanwhile."""
        registered = self._join(listed.row.link_name, listed.stored)
        if registered is None:
            raise _not_found(listed.row.link_name)
        return registered

    def custom(self, given: Mapping[str, Any]) -> Service:
        """The custom service that this JSON form describes.

        Raises InputError that names the field: also where a URL leads to an address that may not be reached from
        here, as far as the URL itself shows it. What a name leads to is looked at whenever it is dialled.
        """
        service = parse(given, kind="custom", allow_http=True)
        for name, url in urls_of(service):
            if "${" in url:
                continue
            try:
                # A fragment is the browser's at the authorize URL; anywhere else there is none to be.
                self._check_url(url.partition("#")[0] if name == "authorize_url" else url)
            except DestinationDenied as problem:
                raise InputError(problem.message, code=problem.code, field=name, hint=problem.hint) from problem
        return service

    def is_default(self, link_name: str) -> bool:
        return self._catalog.row(link_name) is not None

    def default(self, link_name: str) -> Service | None:
        """The definition as the catalog gives it, whatever is stored about it."""
        return self._catalog.get(link_name)

    @property
    def generation(self) -> int:
        """Another number whenever the catalog became another one."""
        return self._catalog.generation

    def resolve(self, registered: Registered, variables: Mapping[str, str], *, partial: bool = False) -> Resolved:
        """Slots filled with `variables`. With `partial`, slots that only an answer can fill are left as they are.

        Raises InputError that names the variable which is missing or does not fit.
        """
        service = resolve(registered.service, variables, partial=partial)
        pairs = zip(registered.service.scopes, service.scopes, strict=True)
        names = {bare.name: filled.name for bare, filled in pairs if bare.name != filled.name}
        return Resolved(service, self._client(registered), endpoint_hosts(service), names)

    def check_variables(self, registered: Registered, variables: Mapping[str, str]) -> None:
        """Raise InputError for a value that does not fit. What is missing may still come when somebody connects."""
        service = registered.service
        asked = [variable for variable in service.variables if variable.source == "person"]
        for variable in service.variables:
            if variables.get(variable.name):
                check_value(variable, variables[variable.name])
        complete = all(variables.get(variable.name) or variable.default or not variable.required for variable in asked)
        if (complete and not service.regions) or variables.get(REGION):
            resolve(service, variables, partial=True)

    def _client(self, registered: Registered) -> ClientCredentials:
        stored = registered.stored
        if stored is None or stored.client_secret_sealed is None:
            return ClientCredentials(registered.service.client_id)
        secret = self._vault.open(
            stored.client_secret_sealed, table="services", row=stored.link_name, field="client_secret"
        )
        return ClientCredentials(registered.service.client_id, secret.decode())

    def _listed(self, link_name: str, stored: StoredService | None) -> Listed | None:
        custom = stored is not None and stored.kind == "custom"
        row = None if custom else self._catalog.row(link_name)
        if row is None and stored is not None:
            registered = self._join(link_name, stored)
            row = row_of(registered.service) if registered is not None else None
        return Listed(row, stored) if row is not None else None

    def _join(self, link_name: str, stored: StoredService | None) -> Registered | None:
        default = self._catalog.get(link_name)
        if stored is None:
            return Registered(default) if default else None
        if default is not None and stored.kind == "default":
            client_id = str(stored.document.get("client_id", default.client_id))
            return Registered(replace(default, client_id=client_id), stored)
        cached = self._parsed.get(link_name)
        if cached is None or cached[0] != stored.version:
            cached = (stored.version, parse(stored.document, kind="custom", allow_http=True))
            self._parsed[link_name] = cached
        return Registered(cached[1], stored)


def _not_found(link_name: str) -> NotFound:
    return NotFound(
        f"There is no service {link_name!r}.",
        code="service_not_found",
        field="service",
        hint="Pick one from the list of services, or create a custom service.",
    )
