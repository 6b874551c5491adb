"""`isthmus apply` and `isthmus export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from isthmus.app import Isthmus
from isthmus.cli.operator import ConfigOption, operate
from isthmus.cli.outcome import say, told
from isthmus.errors import InputError, IsthmusError

_PARTS = ("services", "connections", "functions", "triggers")


@told
def apply(
    files: Annotated[
        list[Path], typer.Argument(help="YAML files with `services`, `connections`, `functions` and `triggers`.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    config: ConfigOption = None,
) -> None:
    """Bring services, connections, functions and triggers to what the files say; say what changed. The rest is left alone."""
    whole, places = _read(files)

    async def work(isthmus: Isthmus) -> list[dict[str, Any]]:
        try:
            return await isthmus.blueprint.apply(isthmus.protect.system_actor(), whole, dry_run=dry_run)
        except IsthmusError as problem:
            problem.field = _in_file(problem.field, places)
            raise

    for change in operate(config, work):
        fields = f" ({', '.join(change['fields'])})" if change["fields"] else ""
        url = f"  {change['url']}" if change.get("url") else ""
        print(f"{change['kind']} {change['link_name']}: {change['change']}{fields}{url}")
    if dry_run:
        say("Nothing was changed.")


@told
def export(config: ConfigOption = None) -> None:
    """Print services, connections, functions and triggers as YAML, without secrets."""

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        return await isthmus.blueprint.export(isthmus.protect.system_actor())

    print(dump(operate(config, work)), end="")


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block, so that code can be read."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def dump(document: Any) -> str:
    """YAML as people write it."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _read(files: list[Path]) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """All files as one document, and where each item came from (`services[3]` -> `crm.yaml: services[0]`)."""
    whole: dict[str, list[Any]] = {part: [] for part in _PARTS}
    places: dict[str, str] = {}
    for path in files:
        content = _load(path)
        for part in _PARTS:
            items = content.get(part) or []
            if not isinstance(items, list):
                raise InputError(f"{part} is not a list.", field=f"{path}: {part}", hint="Begin each item with '- '.")
            for number, item in enumerate(items):
                places[f"{part}[{len(whole[part])}]"] = f"{path}: {part}[{number}]"
                whole[part].append(item)
    return whole, places


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(
            f"{path} cannot be read: {problem.strerror}.", field="FILE", hint="Name a file that is there."
        ) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{path}{where}: this is not YAML.", field=str(path), hint="Correct the file.") from problem
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise InputError(f"{path} is not a mapping.", field=str(path), hint="Begin it with `services:`.")
    for key in content:
        if key not in _PARTS:
            raise InputError(f"Unknown part {key!r}.", field=f"{path}: {key}", hint=f"Known: {', '.join(_PARTS)}.")
    return content


def _in_file(field: str | None, places: Mapping[str, str]) -> str | None:
    if not field:
        return field
    head, dot, rest = field.partition(".")
    return f"{places[head]}{dot}{rest}" if head in places else field
