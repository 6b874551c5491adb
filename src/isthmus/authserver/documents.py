"""The JSON forms of people and API keys, and what of them a caller may set."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from isthmus.errors import InputError
from isthmus.records import Actor, ApiKey, Role, User

ROLES: tuple[Role, ...] = ("administrator", "developer", "member")
_LINK_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_FUNCTION = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,49}\.[a-zA-Z][a-zA-Z0-9_]{0,49}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")


def describe_user(user: User) -> dict[str, Any]:
    """A person, without the password's hash."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "disabled": user.disabled,
        "created_at": time_text(user.created_at),
        "updated_at": time_text(user.updated_at),
    }


def describe_api_key(key: ApiKey) -> dict[str, Any]:
    """An API key, of which only the last four characters can be told."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "connections": None if key.connections is None else list(key.connections),
        "functions": None if key.functions is None else list(key.functions),
        "hint": key.hint,
        "created_by": key.created_by,
        "created_at": time_text(key.created_at),
        "expires_at": time_text(key.expires_at),
        "revoked_at": time_text(key.revoked_at),
        "last_used_at": time_text(key.last_used_at),
    }


def describe_actor(actor: Actor) -> dict[str, Any]:
    """Who a request was made by."""
    return {
        "kind": actor.kind,
        "id": actor.id,
        "name": actor.name,
        "role": actor.role,
        "connections": None if actor.connections is None else list(actor.connections),
        "functions": None if actor.functions is None else list(actor.functions),
    }


def refuse_unknown(document: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise InputError that names the first key which may not be set."""
    for key in document:
        if key not in known:
            raise InputError(f"The field {key!r} cannot be set.", code="field_unknown", field=key)


def read_email(value: object) -> str:
    """An e-mail address in the form it is kept in: NFKC, lower case."""
    text = unicodedata.normalize("NFKC", value).strip().lower() if isinstance(value, str) else ""
    if not _EMAIL.fullmatch(text) or not _can_be_stored(text):
        raise InputError(
            "This is not an e-mail address.",
            code="email_malformed",
            field="email",
            hint="Write it like ann@example.com.",
        )
    return text


def read_name(value: object) -> str:
    """A name of 1 to 100 characters without control characters."""
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= 100 or not _can_be_stored(text):
        raise InputError("A name has 1 to 100 printable characters.", code="name_malformed", field="name")
    return text


def read_role(value: object) -> Role:
    if value not in ROLES:
        raise InputError(
            "There is no such role.", code="role_unknown", field="role", hint=f"One of {', '.join(ROLES)}."
        )
    return value


def read_flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise InputError("This takes true or false.", field=field)
    return value


def read_whole(value: object, field: str, *, least: int, most: int) -> int:
    """A whole number within these limits. Raises InputError that names the field."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"This takes a whole number from {least} to {most}.", code="number_malformed", field=field)
    return value


def read_connections(value: object) -> tuple[str, ...] | None:
    """The link names that a key is limited to; None means all, an empty list none."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) > 1000:
        raise InputError("This takes a list of at most 1000 link names, or null for all.", field="connections")
    for name in value:
        if not isinstance(name, str) or not _LINK_NAME.fullmatch(name):
            raise InputError(
                "A link name is a small letter, then up to 49 small letters, digits and underscores.",
                code="link_name_malformed",
                field="connections",
            )
    return tuple(dict.fromkeys(value))


def read_functions(value: object) -> tuple[str, ...] | None:
    """The functions that a key may run; None means all that its role may run, an empty list none."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) > 1000:
        raise InputError("This takes a list of at most 1000 names of functions, or null for all.", field="functions")
    for name in value:
        if not isinstance(name, str) or not _FUNCTION.fullmatch(name):
            raise InputError(
                "A function's name is two words with a point between, such as standalone.notify.",
                code="function_name_malformed",
                field="functions",
                hint="Write it as the list of functions does.",
            )
    return tuple(dict.fromkeys(value))


def read_expiry(value: object, now: datetime) -> datetime | None:
    """A time to come, as ISO 8601 with an offset; None for never."""
    if value is None:
        return None
    hint = "Give a time to come, like 2030-01-31T00:00:00Z, or null for never."
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InputError("This is not a time with an offset.", code="expiry_malformed", field="expires_at", hint=hint)
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise InputError("This time is out of range.", code="expiry_malformed", field="expires_at", hint=hint) from None
    if at <= now:
        raise InputError("This time has passed.", code="expiry_past", field="expires_at", hint=hint)
    return at


def _can_be_stored(text: str) -> bool:
    return all(unicodedata.category(letter) not in ("Cc", "Cs") for letter in text)


def time_text(at: datetime | None) -> str | None:
    """A time in UTC to the millisecond, as every document tells it."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
