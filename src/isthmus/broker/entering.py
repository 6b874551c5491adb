"""What a person enters to connect: read, and refused by name where something is missing or does not belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.catalog.parts import is_asked
from isthmus.errors import InputError
from isthmus.expressions import names
from isthmus.records import BasicCredential, OAuth1Credential, Service

_PAIR = ("token", "token_secret")


def strings(value: Any, field: str) -> dict[str, str]:
    """An object of texts; nothing for null. Raises InputError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise InputError(f"{field} takes an object of texts.", field=field, hint='Send {"name": "value"}.')
    return {str(key): text for key, text in value.items()}


def entered_values(service: Service, document: Mapping[str, Any]) -> dict[str, str]:
    """The values of the service's parameters. A login's `username` and `password` may also stand by themselves.

    Raises InputError (`parameters.<key>`) for a value that is missing, or one that the service does not ask for.
    """
    given = strings(document.get("parameters"), "parameters")
    asked = {parameter.key: parameter for parameter in service.parameters if is_asked(parameter)}
    if service.auth_type == "login":
        beside = {key: document[key] for key in ("username", "password") if key in asked and key in document}
        given = {**strings(beside, "parameters"), **given}
    pair = _PAIR if service.auth_type == "oauth1" and service.oauth1_flow == "token_pair" else ()
    known = [*asked, *pair]
    hint = f"Give: {', '.join(known)}." if known else "Leave parameters out."
    for key in [*(key for key, parameter in asked.items() if parameter.required), *pair]:
        if not given.get(key):
            raise InputError(f"The value of {key!r} is missing.", field=f"parameters.{key}", hint=hint)
    for key in given:
        if key not in known:
            raise InputError(f"The service has no parameter {key!r}.", field=f"parameters.{key}", hint=hint)
    return {key: value for key, value in given.items() if key in asked}


def basic_credential(service: Service, document: Mapping[str, Any], values: Mapping[str, str]) -> BasicCredential:
    """User name and password, of which only those are asked for that the service's templates use. Raises InputError."""
    used = {*names(service.username_template), *names(service.password_template)}
    entered: dict[str, str] = {}
    for key in ("username", "password"):
        value = document.get(key)
        if key not in used and value is None:
            value = ""
        if not isinstance(value, str) or (key == "username" and key in used and not value):
            wanted = ", ".join(f'"{name}": "..."' for name in ("username", "password") if name in used)
            raise InputError(f"Give the {key} as text.", field=key, hint=f"Send {{{wanted}}}.")
        entered[key] = value
    return BasicCredential(entered["username"], entered["password"], values)


def token_pair(service: Service, document: Mapping[str, Any], values: Mapping[str, str]) -> OAuth1Credential:
    """The token and secret that were entered; empty ones where the consumer key alone signs."""
    if service.oauth1_flow == "one_legged":
        return OAuth1Credential("", "", values)
    given = strings(document.get("parameters"), "parameters")
    return OAuth1Credential(given["token"], given["token_secret"], values)
