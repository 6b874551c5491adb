"""Puts the compiled index of the catalog into the wheel, built from the very definitions that the wheel holds."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogIndex(BuildHookInterface):  # type: ignore[type-arg]
    """An editable installation gets none: there it is built on first use, beside definitions that may change."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "src"))
        from isthmus.catalog import compiled  # noqa: PLC0415 - found only now

        self._directory = tempfile.TemporaryDirectory()
        built = Path(self._directory.name) / compiled.KEPT.name
        compiled.build(kept=built, stamped=False)
        build_data["force_include"][str(built)] = "isthmus/catalog/index.json"
