"""The services that ship, read once for all tests that look at every one of them."""

from __future__ import annotations

from functools import cache

from isthmus.catalog.catalog import Catalog
from isthmus.records import Service


@cache
def services() -> tuple[Service, ...]:
    return tuple(Catalog.load().services())
