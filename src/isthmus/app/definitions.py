"""Service definitions as files: what the command line does with them without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import isthmus
from isthmus.catalog import check as catalog_check
from isthmus.catalog import compiled as catalog_compiled
from isthmus.catalog.catalog import Catalog
from isthmus.catalog.definition import Problem
from isthmus.catalog.files import parse_text
from isthmus.catalog.openapi import read_openapi
from isthmus.catalog.stats import count

LOGOS = Path(isthmus.__file__).parent / "web" / "static" / "logos"
"""The logos of services; a definition names one without its ending."""


def check_catalog(paths: Sequence[Path] | None = None) -> list[Problem]:
    """What is wrong with service definition files; the catalog's own where no paths are given."""
    return catalog_check.check(paths, logos={file.stem for file in LOGOS.glob("*.svg")})


def read_description(content: bytes, address: str = "") -> dict[str, Any]:
    """What an OpenAPI description, as JSON or YAML, says of a service. Raises InputError (`openapi`)."""
    return read_openapi(parse_text(content), address)


def build_catalog() -> int:
    """Build the index of the product's services anew; how many there are. Raises OSError where it cannot be written."""
    return len(catalog_compiled.build().rows)


def catalog_stats() -> dict[str, Mapping[str, int]]:
    """The product's default services in figures."""
    return count(Catalog.load().services())
