"""A connection's document, read: what an administrator may say about it, and what is wrong with what was said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isthmus.catalog.slots import REGION
from isthmus.errors import InputError
from isthmus.records import Policy, Service

LINK_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
CREATED = frozenset({"link_name", "name", "service", "scopes", "use_credentials_of_login_user", "variables", "policy"})
READ_ONLY = frozenset(
    {
        "status",
        "status_reason",
        "connected_as",
        "granted_scopes",
        "missing_scopes",
        "expires_at",
        "grant_expires_at",
        "last_used_at",
        "last_test",
        "created_by",
        "created_at",
        "updated_at",
    }
)
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def check_keys(document: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The document without read-only keys. Raises InputError for an unknown key."""
    for key in document:
        if key not in known and key not in READ_ONLY:
            raise InputError(f"Unknown field {key!r}.", field=key, hint=f"Known: {', '.join(sorted(known))}.")
    return {key: value for key, value in document.items() if key in known}


def read_link_name(document: Mapping[str, Any]) -> str:
    """The link name given, or one proposed from the name."""
    given = document.get("link_name")
    if given is None and isinstance(document.get("name"), str):
        given = propose_link_name(document["name"])
    if not isinstance(given, str) or not LINK_NAME.fullmatch(given):
        raise InputError(
            "The link name is malformed.",
            field="link_name",
            code="link_name_malformed",
            hint="Begin with a small letter; go on with small letters, digits and underscores; at most 50 characters.",
        )
    return given


def propose_link_name(name: str) -> str:
    """`My Slack (EU)` -> `my_slack_eu`; empty if the name has nothing to make one of."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return words.lstrip("0123456789_")[:50].rstrip("_")


def read_name(document: Mapping[str, Any], default: str) -> str:
    name = document.get("name", default)
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise InputError("The name is malformed.", field="name", hint="Give 1 to 200 printable characters.")
    return name.strip()


def read_scopes(value: Any, service: Service) -> tuple[str, ...]:
    """Scopes as given; the service's defaults where nothing is given. Any scope may be asked for, listed or not."""
    if value is None:
        return service.default_scopes
    if not isinstance(value, list | tuple):
        raise InputError("Scopes are a list of texts.", field="scopes", hint='Send ["chat:write", "users:read"].')
    scopes: list[str] = []
    for number, scope in enumerate(value):
        if not isinstance(scope, str) or not scope or not scope.isprintable() or " " in scope:
            raise InputError("A scope is a text without blanks.", field=f"scopes[{number}]", hint="One scope per item.")
        if service.scope_delimiter.strip() and service.scope_delimiter in scope:
            raise InputError(
                f"A scope of this service cannot hold {service.scope_delimiter!r}.",
                field=f"scopes[{number}]",
                hint="Give one scope per item; the delimiter is added by itself.",
            )
        if scope not in scopes:
            scopes.append(scope)
    return tuple(scopes)


def read_variables(value: Any, service: Service) -> dict[str, str]:
    """Variables by name. Raises InputError for one that the service does not have; values are checked on resolving."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError("Variables are an object of texts.", field="variables", hint='Send {"workspace": "acme"}.')
    known = [variable.name for variable in service.variables]
    if service.regions:
        known.append(REGION)
    for name, text in value.items():
        if name not in known:
            hint = f"Known: {', '.join(known)}." if known else "This service has none."
            raise InputError(f"The service has no variable {name!r}.", field=f"variables.{name}", hint=hint)
        if not isinstance(text, str):
            raise InputError("A variable takes a text.", field=f"variables.{name}")
    return {str(name): str(text) for name, text in value.items()}


def read_policy(value: Any) -> Policy:
    """The policy. Raises InputError that names the part which is wrong."""
    if value is None:
        return Policy()
    if not isinstance(value, Mapping):
        raise InputError("The policy is an object.", field="policy", hint='Send {"methods": ["GET"]}.')
    for key in value:
        if key not in ("methods", "path_prefixes", "credential_export", "keep_bodies"):
            hint = "Known: methods, path_prefixes, credential_export, keep_bodies."
            raise InputError(f"Unknown field {key!r}.", field=f"policy.{key}", hint=hint)
    methods = _texts(value.get("methods"), "policy.methods")
    prefixes = _texts(value.get("path_prefixes"), "policy.path_prefixes")
    for method in methods:
        if method.upper() not in _METHODS:
            hint = f"Known: {', '.join(sorted(_METHODS))}."
            raise InputError(f"The method {method[:20]!r} is unknown.", field="policy.methods", hint=hint)
    for prefix in prefixes:
        if not prefix.startswith("/") or not prefix.isprintable():
            raise InputError(
                "A path prefix begins with a slash.", field="policy.path_prefixes", hint="Such as /v1/users."
            )
    export = read_flag(value.get("credential_export", False), "policy.credential_export")
    keeps = read_flag(value.get("keep_bodies", False), "policy.keep_bodies")
    return Policy(tuple(method.upper() for method in methods), tuple(prefixes), export, keeps)


def read_flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{field} is true or false.", field=field)
    return value


def _texts(value: Any, field: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{field} is a list of texts.", field=field)
    return list(value)
