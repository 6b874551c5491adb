"""`isthmus catalog add`: a definition file from an issuer, an OpenAPI description, or questions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from isthmus.app import Isthmus, check_catalog, read_description
from isthmus.cli.errors import FAILED
from isthmus.cli.operator import ConfigOption, operate, pairs, settings
from isthmus.cli.outcome import ask, say
from isthmus.errors import InputError

_ASKED = {
    "name": "Name",
    "category": "Category, such as crm",
    "homepage_url": "Home page",
    "auth_type": "Authentication (oauth2, basic, api_key)",
    "base_url": "Base URL of the API",
}
_ASKED_OF = {
    "oauth2": {"authorize_url": "Authorize URL", "access_token_url": "Token URL"},
    "api_key": {"parameters": "Header that takes the key, such as X-Api-Key"},
}
_FIRST = ("link_name", "name", "category", "homepage_url", "documentation_url", "auth_type")


def add(
    link_name: Annotated[str, typer.Argument(help="The new service's link name.")],
    issuer: Annotated[str, typer.Option("--issuer", help="Take what this issuer's metadata tells.")] = "",
    openapi: Annotated[str, typer.Option("--openapi", help="Take what this OpenAPI file or URL tells.")] = "",
    given: Annotated[
        list[str] | None, typer.Option("--set", help="A field, as FIELD=VALUE; what is missing is asked.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="Where to write; ISTHMUS_CATALOG_DIR without it.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write a service definition, after asking its addresses whether they answer."""
    target = _target(link_name, directory or settings(config).catalog_dir)

    async def begin(isthmus: Isthmus) -> dict[str, Any]:
        return await _begin(isthmus, issuer, openapi)

    document = {**operate(config, begin), **pairs(given, "--set"), "link_name": link_name}
    _complete(document)

    async def probe(isthmus: Isthmus) -> dict[str, str]:
        return await isthmus.discovery.probe(isthmus.protect.system_actor(), document)

    for field, words in operate(config, probe).items():
        say(f"{field}: {words}")
    _write(target, document)
    print(target)


def _target(link_name: str, directory: Path | None) -> Path:
    if directory is None:
        raise InputError("It is not said where to write.", field="--directory", hint="Give a directory.")
    target = directory / f"{link_name}.yaml"
    if not link_name.replace("_", "").isalnum() or target.exists():
        hint = "Choose another link name, or edit that file."
        raise InputError(f"{target} exists, or cannot be a name.", field="link_name", hint=hint)
    return target


async def _begin(isthmus: Isthmus, issuer: str, openapi: str) -> dict[str, Any]:
    actor = isthmus.protect.system_actor()
    if issuer:
        found = {"auth_type": "oauth2", **await isthmus.discovery.discover(actor, issuer)}
        scopes = [{**scope, "display_name": scope["display_name"] or scope["name"]} for scope in found["scopes"]]
        return {key: value for key, value in {**found, "scopes": scopes}.items() if value}
    if not openapi:
        return {}
    if openapi.startswith(("https://", "http://")):
        return read_description(await isthmus.discovery.fetch(actor, openapi), openapi)
    return read_description(_read_file(Path(openapi)))


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        hint = "Give a file, or a URL that begins with https."
        raise InputError(f"The file cannot be read: {problem.strerror}.", field="openapi", hint=hint) from problem


def _complete(document: dict[str, Any]) -> None:
    """Ask for what every definition needs and this one has not."""
    for field, label in _ASKED.items():
        if not document.get(field):
            document[field] = ask(label, "--set")
    for field, label in _ASKED_OF.get(document["auth_type"], {}).items():
        if document.get(field) or (field == "authorize_url" and document.get("grant_type")):
            continue
        answer = ask(label, "--set")
        document[field] = [{"key": answer, "display_name": "API key"}] if field == "parameters" else answer


def _write(target: Path, document: Mapping[str, Any]) -> None:
    """The file, if it is a good definition; otherwise its problems, and no file."""
    ordered = {key: document[key] for key in (*_FIRST, *document) if key in document}
    new = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")
        problems = check_catalog([new])
        for problem in problems:
            say(f"{problem.field}: {problem.message} {problem.hint}")
        if problems:
            raise typer.Exit(FAILED)
        new.replace(target)
    except OSError as problem:
        raise InputError(f"The file cannot be written: {problem.strerror}.", field="--directory") from problem
    finally:
        new.unlink(missing_ok=True)
