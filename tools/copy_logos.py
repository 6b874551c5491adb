"""Copies the logos that the catalog names out of an unpacked `simple-icons` package (npm, CC0).

    npm install --prefix /tmp/icons simple-icons
    python tools/copy_logos.py /tmp/icons/node_modules/simple-icons

A logo whose own licence is stated and is not CC0 is left out, and so is one that the package does not have: the entry
then names no logo and gets the letter tile. Prints what is missing; exit 1 if anything is.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

from isthmus.catalog.catalog import Catalog

LOGOS = Path(__file__).parent.parent / "src" / "isthmus" / "web" / "static" / "logos"
_SIGNS = {"+": "plus", ".": "dot", "&": "and"}


def main(package: Path) -> int:
    wanted = {service.logo for service in Catalog.load().services() if service.logo}
    refused = _otherwise_licensed(package)
    missing = []
    LOGOS.mkdir(exist_ok=True)
    for file in LOGOS.glob("*.svg"):
        if file.stem not in wanted:
            file.unlink()
    for name in sorted(wanted):
        icon = package / "icons" / f"{name}.svg"
        if name in refused or not icon.is_file():
            missing.append(name)
            continue
        (LOGOS / f"{name}.svg").write_text(_as_image(icon.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(wanted) - len(missing)} logos copied.")
    for name in missing:
        print(f"{name}: {'licensed otherwise' if name in refused else 'not in the package'}; remove it from the entry.")
    return 1 if missing else 0


def _otherwise_licensed(package: Path) -> set[str]:
    icons: list[dict[str, Any]] = json.loads((package / "data" / "simple-icons.json").read_text(encoding="utf-8"))
    return {
        icon.get("slug") or _slug(icon["title"])
        for icon in icons
        if icon.get("license") and icon["license"].get("type") != "CC0-1.0"
    }


def _slug(title: str) -> str:
    spelt = "".join(_SIGNS.get(sign, sign) for sign in title.lower())
    return re.sub("[^a-z0-9]", "", unicodedata.normalize("NFD", spelt))


def _as_image(svg: str) -> str:
    """A picture only: it takes the colour of nothing, names nothing, and runs nothing."""
    path = re.search(r'<path d="([^"<>]+)"\s*/>', svg)
    if path is None:
        raise SystemExit("An icon is not one path; look at it.")
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#6b7280" d="{path.group(1)}"/></svg>\n'


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
