"""Composition root: builds everything once from Settings; nothing else constructs."""

from __future__ import annotations

from isthmus.app.building import assemble, build, open_vault
from isthmus.app.definitions import build_catalog, catalog_stats, check_catalog, read_description
from isthmus.app.ground import utc_now
from isthmus.app.product import Isthmus

__all__ = [
    "Isthmus",
    "assemble",
    "build",
    "build_catalog",
    "catalog_stats",
    "check_catalog",
    "open_vault",
    "read_description",
    "utc_now",
]
