"""The fixed files of the pages, each with a fingerprint, so that a browser keeps it until it changes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"


@cache
def fingerprint_of(name: str) -> str:
    """Twelve hex digits of the file's content; empty for a file that does not exist."""
    file = STATIC / name
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else ""


@cache
def asset_path(name: str) -> str:
    """The path of a fixed file, fingerprint included."""
    return f"/static/{name}?v={fingerprint_of(name)}"


@cache
def logo_of(link_name: str, logo: str = "", family: str = "") -> str:
    """The name of the shipped logo of a service; empty where there is none and a letter stands in."""
    words = link_name.split("_")
    guesses = [logo, "".join(words), *("".join(words[:count]) for count in range(len(words) - 1, 0, -1)), family]
    return next((guess for guess in guesses if guess.isalnum() and guess in _logos()), "")


@cache
def _logos() -> frozenset[str]:
    return frozenset(file.stem for file in (STATIC / "logos").glob("*.svg"))
