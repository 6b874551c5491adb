"""A function's document, read: what may be said about it, and what is wrong with what was said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from isthmus.broker.functions.arguments import argument_document, read_arguments
from isthmus.broker.functions.ports import Source
from isthmus.errors import InputError
from isthmus.functions.host import Program
from isthmus.records import Function, Language, Role

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}\.[A-Za-z][A-Za-z0-9_]{0,49}")
LANGUAGES: tuple[Language, ...] = ("deluge", "python")
ROLES: tuple[Role, ...] = ("administrator", "developer", "member")
MOST_CODE_BYTES = 1024 * 1024
_OF_CODE = frozenset({"code", "arguments", "return_type", "note"})
OF_FUNCTION = frozenset({"description", "run_as", "run_roles", "callers"})
KNOWN = _OF_CODE | OF_FUNCTION | {"name", "language", "base_version"}
READ_ONLY = frozenset(
    {"state", "draft_version", "published_version", "version", "owner", "connections", "calls", "problems"}
    | {"created_by", "created_at", "updated_at", "saved_by", "saved_at", "called_by"}
)


def check_keys(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without read-only keys. Raises InputError for an unknown key."""
    for key in document:
        if key not in KNOWN and key not in READ_ONLY:
            raise InputError(
                f"Unknown field {str(key)[:100]!r}.", field=str(key)[:100], hint=f"Known: {', '.join(sorted(KNOWN))}."
            )
    return {key: value for key, value in document.items() if key in KNOWN}


def read_function_name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise InputError(
            "The function's name is malformed.",
            field="name",
            code="function_name_malformed",
            hint="Write two words with a point between, such as standalone.notify: letters, digits and underscores.",
        )
    return value


def read_language(value: Any) -> Language:
    if value not in LANGUAGES:
        raise InputError("The language is unknown.", field="language", hint=f"One of {', '.join(LANGUAGES)}.")
    return cast(Language, value)


def read_source(name: str, language: Language, given: Mapping[str, Any], present: Source | None = None) -> Source:
    """The code and its declaration: what is given, over what there was."""
    source = present or Source(name, language, "")
    if "code" in given or present is None:
        source = replace(source, code=_read_code(given.get("code")))
    if given.get("arguments") is not None:
        source = replace(source, arguments=read_arguments(given["arguments"]))
    elif "code" in given or "arguments" in given:
        source = replace(source, arguments=None)  # as the new code says itself
    if "return_type" in given:
        source = replace(source, return_type=_read_text(given["return_type"] or "", "return_type", 50))
    return source


def with_settings(function: Function, given: Mapping[str, Any]) -> Function:
    """The function with what is said of it besides its code; `run_as` is for the caller to judge."""
    if "description" in given:
        function = replace(function, description=_read_text(given["description"] or "", "description", 2000))
    if "run_as" in given:
        if given["run_as"] not in ("caller", "owner"):
            raise InputError("A function runs as its caller or as its owner.", field="run_as", hint="caller or owner.")
        function = replace(function, run_as=given["run_as"])
    if "run_roles" in given:
        function = replace(function, run_roles=_read_roles(given["run_roles"]))
    if "callers" in given:
        function = replace(function, callers=_read_callers(given["callers"]))
    return function


def stored_arguments(source: Source, program: Program | None) -> tuple[Mapping[str, Any], ...]:
    """The arguments to keep with a version: as code and declaration together say, or as declared."""
    arguments = program.arguments if program is not None else source.arguments or ()
    return tuple(argument_document(argument) for argument in arguments)


def read_note(given: Mapping[str, Any]) -> str:
    return _read_text(given.get("note") or "", "note", 500)


def _read_code(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError("The code is missing.", field="code", hint="Give the function's source as text.")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InputError("The code is not Unicode text.", field="code", hint="Save the file as UTF-8.") from None
    if size > MOST_CODE_BYTES:
        raise InputError("The code is larger than one megabyte.", field="code", hint="Divide it into functions.")
    return value.replace("\r\n", "\n")


def _read_roles(value: Any) -> tuple[Role, ...]:
    if not isinstance(value, list | tuple) or not all(role in ROLES for role in value):
        raise InputError("run_roles is a list of roles.", field="run_roles", hint=f"Known: {', '.join(ROLES)}.")
    return tuple(role for role in ROLES if role in value)


def _read_callers(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    fine = isinstance(value, list | tuple) and len(value) <= 1000
    if not fine or not all(isinstance(one, str) and one.isprintable() and 0 < len(one) <= 200 for one in value):
        raise InputError(
            "callers is a list of ids, or null for everybody whose role may run it.",
            field="callers",
            hint="Such as user:0190..., api_key:0190..., or function:standalone.other.",
        )
    return tuple(dict.fromkeys(value))


def _read_text(value: Any, field: str, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest or not value.replace("\n", "").isprintable():
        raise InputError(f"{field} is malformed.", field=field, hint=f"Give up to {longest} printable characters.")
    return value
