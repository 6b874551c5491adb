"""The JSON forms of clients and grants, and what of them a caller may set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from isthmus.authserver.client_types import GRANT_TYPES, RULES, check_redirect_uris
from isthmus.authserver.documents import ROLES, read_flag, read_role, refuse_unknown, time_text
from isthmus.authserver.jose import read_key_set
from isthmus.authserver.names import read_client_name
from isthmus.authserver.scopes import describe_scope, is_scope
from isthmus.errors import AccessDenied, InputError
from isthmus.records import Actor, Client, ClientSecret, Grant, User

_CHANGEABLE = frozenset(
    {
        "name",
        "domain",
        "redirect_uris",
        "scopes",
        "grant_types",
        "keys",
        "role",
        "require_pushed_authorization",
        "require_dpop",
        "disabled",
    }
)
_AT_BIRTH = frozenset({"client_type", "authentication"})
DEFAULT_SCOPES = ("connections.read", "connections.use", "functions.execute")


def describe_client(client: Client, secrets: Sequence[ClientSecret], type_title: str) -> dict[str, Any]:
    """A client without secrets: of each only the last four characters are told."""
    return {
        "client_id": client.client_id,
        "name": client.name,
        "domain": client.domain,
        "client_type": client.client_type,
        "client_type_name": type_title,
        "redirect_uris": list(client.redirect_uris),
        "scopes": list(client.scopes),
        "grant_types": list(client.grant_types),
        "authentication": client.authentication,
        "keys": client.keys,
        "role": client.role,
        "require_pushed_authorization": client.require_pushed_authorization,
        "require_dpop": client.require_dpop,
        "disabled": client.disabled,
        "secrets": [
            {
                "id": secret.id,
                "hint": secret.hint,
                "created_at": time_text(secret.created_at),
                "expires_at": time_text(secret.expires_at),
            }
            for secret in secrets
        ],
        "created_by": client.created_by,
        "created_at": time_text(client.created_at),
        "updated_at": time_text(client.updated_at),
        "last_used_at": time_text(client.last_used_at),
    }


def describe_grant(grant: Grant, client: Client, person: User | None) -> dict[str, Any]:
    """What a client was granted; `person` where the reader may know who gave it."""
    return {
        "id": grant.id,
        "client_id": client.client_id,
        "client": client.name,
        "domain": client.domain,
        "grant_type": grant.grant_type,
        "scopes": [{"name": scope, "sentence": describe_scope(scope)} for scope in grant.scopes],
        "person": {"id": person.id, "email": person.email, "name": person.name} if person else None,
        "description": grant.description,
        "created_at": time_text(grant.created_at),
        "expires_at": time_text(grant.expires_at),
        "last_used_at": time_text(grant.last_used_at),
    }


def read_new_client(document: Mapping[str, Any], actor: Actor) -> Client:
    """A client from what the caller gave; the type's own grant types and modest scopes where they are left out.

    Raises InputError that names the field, AccessDenied for a role above the actor's own.
    """
    refuse_unknown(document, _CHANGEABLE | _AT_BIRTH)
    kind = document.get("client_type")
    if kind not in RULES:
        raise InputError(
            "There is no such type of client.",
            code="client_type_unknown",
            field="client_type",
            hint=f"One of {', '.join(RULES)}.",
        )
    rules = RULES[kind]
    empty = Client(
        client_id="",
        name="",
        client_type=kind,
        scopes=DEFAULT_SCOPES,
        grant_types=rules.grant_types,
        authentication=_read_authentication(document.get("authentication"), confidential=rules.confidential),
    )
    given = {"name": None, "domain": "", "redirect_uris": [], **document}
    return read_changes({key: value for key, value in given.items() if key in _CHANGEABLE}, empty, actor)


def read_changes(document: Mapping[str, Any], client: Client, actor: Actor) -> Client:
    """The client with the fields of `document` set."""
    refuse_unknown(document, _CHANGEABLE)
    changes: dict[str, Any] = {}
    for field, value in document.items():
        changes[field] = _READERS[field](value, client) if field in _READERS else read_flag(value, field)
    changed = replace(client, **changes)
    if "redirect_uris" in changes:
        check_redirect_uris(client.client_type, changed.redirect_uris)
    if changed.authentication == "private_key_jwt" and not changed.keys:
        raise InputError("This client proves itself by its key; register one.", code="keys_missing", field="keys")
    if ROLES.index(changed.role) < ROLES.index(actor.role):
        raise AccessDenied("A client may not have a role above your own.", code="role_too_high")
    return changed


def _read_authentication(value: object, *, confidential: bool) -> Any:
    allowed = ("client_secret", "private_key_jwt") if confidential else ("none",)
    chosen = allowed[0] if value is None else value
    if chosen not in allowed:
        raise InputError(
            "This type of client cannot prove itself so.",
            code="authentication_wrong",
            field="authentication",
            hint=f"It takes {' or '.join(allowed)}.",
        )
    return chosen


def _read_domain(value: object, _: Client) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text and value in ("", None):
        return ""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        fine = False
    if not fine or len(text) > 500 or not text.isprintable() or " " in text:
        raise InputError(
            "The client's domain is the address of its home page.",
            code="domain_malformed",
            field="domain",
            hint="Write it like https://example.com.",
        )
    return text


def _read_texts(value: object, field: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value) or len(value) > 200:
        raise InputError("This takes a list of texts.", field=field)
    return tuple(dict.fromkeys(value))


def _read_scopes(value: object, _: Client) -> tuple[str, ...]:
    scopes = _read_texts(value, "scopes")
    for scope in scopes:
        if not is_scope(scope):
            raise InputError(
                f"There is no scope {scope[:60]!r}.", code="scope_unknown", field="scopes", hint="See docs/oauth.md."
            )
    return scopes


def _read_grant_types(value: object, client: Client) -> tuple[str, ...]:
    chosen = _read_texts(value, "grant_types")
    allowed = RULES[client.client_type].grant_types
    for grant_type in chosen:
        if grant_type not in allowed:
            known = "is not for this type of client" if grant_type in GRANT_TYPES else "does not exist"
            raise InputError(
                f"The grant type {grant_type[:80]!r} {known}.",
                code="grant_type_wrong",
                field="grant_types",
                hint=f"It takes {', '.join(allowed)}.",
            )
    return chosen


_READERS: dict[str, Any] = {
    "name": lambda value, _: read_client_name(value),
    "domain": _read_domain,
    "redirect_uris": lambda value, _: _read_texts(value, "redirect_uris"),
    "scopes": _read_scopes,
    "grant_types": _read_grant_types,
    "keys": lambda value, _: read_key_set(value),
    "role": lambda value, _: read_role(value),
}
