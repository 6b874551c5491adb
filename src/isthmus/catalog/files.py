"""Definition files: one small YAML file per service, or per family of ways to authenticate with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from isthmus.catalog.reading import Problem

HERE = Path(__file__).parent / "services"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FILE_BYTES = 256 * 1024
FAMILIES = "families"
DEFINITIONS = (".yaml", ".yml")
_BASE = re.compile(r"[a-z0-9_-]{1,60}")


def parse_text(content: bytes) -> Any:
    """What a YAML or JSON text says; None where it is neither."""
    try:
        return yaml.load(content, Loader=_LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None


def definition_files(directory: Path) -> list[Path]:
    """The definition files of a directory, by name."""
    return sorted(path for path in directory.glob("*") if path.name.endswith(DEFINITIONS))


def stamp(directory: Path, kinds: tuple[str, ...] = DEFINITIONS) -> str:
    """Another text whenever a file of these kinds in the directory, or in its families, is another."""
    facts = []
    for place in (directory, directory / FAMILIES):
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.name.endswith(kinds):
                    found = entry.stat()
                    facts.append(f"{entry.name} {found.st_size} {found.st_mtime_ns} {found.st_ino}")
    return "\n".join(sorted(facts))


def read_documents(path: Path) -> Iterator[dict[str, Any] | Problem]:
    """The service documents of one file, or a Problem. `ways` become a document each, which share the rest; with
    `base` all of it stands on what the file of that name in `families/` says."""
    content = _read_file(path)
    if isinstance(content, Problem):
        yield content
        return
    base = content.get("base")
    if base is not None:
        family = _read_base(path, base)
        if isinstance(family, Problem):
            yield family
            return
        own = {key: value for key, value in content.items() if key != "base"}
        content = {"family": str(base), **family, **own}
    yield from _ways(content, path)


def _read_base(path: Path, name: Any) -> Mapping[str, Any] | Problem:
    if not isinstance(name, str) or not _BASE.fullmatch(name):
        return Problem(
            "base", "The name of the base is malformed.", "Name a file of families/, without .yaml.", str(path)
        )
    file = path.parent / FAMILIES / f"{name}.yaml"
    content = _read_file(file)
    if isinstance(content, Problem):
        return content
    for key in ("link_name", "base", "ways"):
        if key in content:
            return Problem(key, f"A base has no {key}.", "Give it in the files that stand on the base.", str(file))
    return content


def _read_file(path: Path) -> Mapping[str, Any] | Problem:
    try:
        if path.stat().st_size > FILE_BYTES:
            return Problem("", "The file is too large.", f"A definition takes at most {FILE_BYTES} bytes.", str(path))
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except OSError as problem:
        return Problem("", f"The file cannot be read: {problem.strerror}.", "Check its name and rights.", str(path))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        hint = "Correct it; see the format of a definition."
        return Problem("", f"The file is not valid YAML{line}.", hint, str(path))
    if not isinstance(content, Mapping):
        return Problem("", "The file holds no service.", "Begin with link_name, name and auth_type.", str(path))
    return content


def _ways(content: Mapping[str, Any], path: Path) -> Iterator[dict[str, Any] | Problem]:
    shared = {str(key): value for key, value in content.items() if key != "ways"}
    ways = content.get("ways")
    if ways is None:
        yield shared
        return
    if not isinstance(ways, list) or not all(isinstance(way, Mapping) for way in ways):
        yield Problem("ways", "The ways are a list of objects.", "Give each way what it differs in.", str(path))
        return
    recommended = sum(1 for way in ways if way.get("recommended"))
    if recommended != 1:
        yield Problem("ways", f"{recommended} ways are recommended.", "Recommend exactly one.", str(path))
    stem = path.stem.replace("-", "_")
    names = {"family": stem, "product": next((way.get("link_name") for way in ways if way.get("recommended")), stem)}
    for way in ways:
        yield {"recommended": False, **names, **shared, **{str(key): value for key, value in way.items()}}
