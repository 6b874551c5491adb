"""What a default service needs beyond what any service needs, and what must not stand twice among them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from isthmus.catalog.definition import parse
from isthmus.catalog.reading import Problem
from isthmus.errors import InputError
from isthmus.records import Scope, Service

CATEGORIES = frozenset(
    "ai analytics commerce communication crm developer devices education finance health hr identity marketing media "
    "other productivity social storage support travel".split()
)
_SCOPE = re.compile(r"[!#-\[\]-~]+")
# Words and remains of sentences that documentation shows where a scope stands.
_NO_SCOPE = re.compile(r"[:;,|<>\"]$|[{}<>]|^(if|else|for|none|null|true|false|scope|scopes|string)$|\.\.\.")
_ANY_HOST = re.compile(r"https://\$\{[a-z_]+\}/?")


class Entries:
    """Looks at one entry after the other, and remembers them. `logos` are the names of those there are."""

    def __init__(self, logos: Collection[str] | None = None) -> None:
        self._logos = logos
        self._link_names: dict[str, Path] = {}
        self._names: dict[str, str] = {}
        self._ends: dict[tuple[str, ...], str] = {}

    def check(self, document: Mapping[str, Any], file: Path) -> Iterator[Problem]:
        yield from _check_keys(document)
        link_name = str(document.get("link_name", ""))
        if link_name in self._link_names:
            other = self._link_names[link_name].name
            yield Problem("link_name", f"{link_name!r} is also in {other}.", "Choose another link name.")
            return
        self._link_names[link_name] = file
        try:
            service = parse(document, kind="default")
        except InputError:
            return  # told, one by one, by `problems`
        yield from _check_scopes(service)
        yield from self._check_others(service)
        if service.logo and self._logos is not None and service.logo not in self._logos:
            hint = "Leave it out for a tile with the first letter, or name a logo that the product has."
            yield Problem("logo", f"There is no logo {service.logo!r}.", hint)

    def _check_others(self, service: Service) -> Iterator[Problem]:
        other = self._names.setdefault(service.name.lower(), service.link_name)
        if other != service.link_name:
            yield Problem("name", f"{other} is called the same.", "Say in the name what tells them apart.")
        owner = service.product or service.link_name
        # Installations of one's own have no address that could tell them apart.
        if not _ANY_HOST.match(service.base_url):
            other = self._ends.setdefault(_ends(service), owner)
            if other != owner:
                hint = "Make them ways of one product, or remove one."
                yield Problem("base_url", f"{other} has the same endpoints, scopes and test.", hint)


def _ends(service: Service) -> tuple[str, ...]:
    """What makes a service a service of its own."""
    test = service.test.url if service.test else ""
    asked = (*sorted(scope.name for scope in service.scopes), *(one.key for one in service.parameters))
    urls = (service.authorize_url, service.access_token_url, service.base_url, test)
    return (service.auth_type, service.grant_type, *urls, *asked)


def _check_keys(document: Mapping[str, Any]) -> Iterator[Problem]:
    # Another Isthmus has its home page and documentation where it runs.
    away = document.get("family") == "isthmus"
    for key in ("category", "base_url") if away else ("homepage_url", "category", "base_url"):
        if not document.get(key):
            yield Problem(key, f"A default service needs {key}.", "Add it.")
    if document.get("category") and document["category"] not in CATEGORIES:
        yield Problem("category", "There is no such category.", f"Use one of: {', '.join(sorted(CATEGORIES))}.")
    # Of an entry that is only listed this may be unknown; whoever sets it up is asked.
    driven = (document.get("evidence") or {}).get("level", "listed") != "listed"
    if driven and not away and not document.get("documentation_url"):
        yield Problem("documentation_url", "A driven service needs documentation_url.", "Add it.")
    for key in ("client_id", "client_secret"):
        if document.get(key):
            yield Problem(key, "A definition holds nobody's registration.", "Remove it.")


def _check_scopes(service: Service) -> Iterator[Problem]:
    for number, scope in enumerate(service.scopes):
        if not scope.display_name:
            yield Problem(f"scopes[{number}].display_name", "The scope has no display name.", "Say what it allows.")
        if not is_scope(scope):
            hint = "Give it as the token endpoint takes it, or leave it out."
            yield Problem(f"scopes[{number}].name", "This is no scope.", hint)
    known = {scope.name for scope in service.scopes}
    for number, name in enumerate(service.default_scopes):
        if name not in known:
            yield Problem(f"default_scopes[{number}]", f"{name!r} is not among the scopes.", "Add it to scopes.")


def is_scope(scope: Scope) -> bool:
    """Whether a token endpoint could take it (RFC 6749 §3.3): no remains of the sentence that it was found in.

    A slot may be part of it.
    """
    bare = re.sub(r"\$\{[a-z_]+\}", "slot", scope.name)
    return bool(_SCOPE.fullmatch(bare)) and not _NO_SCOPE.search(bare)
