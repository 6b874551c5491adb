"""What matters of a definition to those who use it, and in what two states of it differ, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from isthmus.records import Service

_LABELS: dict[str, str] = {
    "auth_type": "Authentication Type",
    "grant_type": "Grant Type",
    "base_url": "Base URL",
    "authorize_url": "Authorize URL",
    "access_token_url": "Access Token URL",
    "refresh_token_url": "Refresh Token URL",
    "revoke_token_url": "Revoke Token URL",
    "request_token_url": "Request Token URL",
    "issuer": "Issuer",
    "hosts": "Hosts",
    "scopes": "Scopes",
    "default_scopes": "Scopes chosen beforehand",
    "scope_delimiter": "Scope Delimiter",
    "scope_parameter": "Scope parameter",
    "pkce": "PKCE",
    "client_authentication": "Client authentication",
    "refresh_client_authentication": "Client authentication of the refresh",
    "client_jwt": "The JWT that stands for the client secret",
    "client_id_parameter": "Name of the client id",
    "client_secret_parameter": "Name of the client secret",
    "redirect_uri_parameter": "Name of the redirect URL",
    "callback_code": "Name of the code in the callback",
    "callback_copy": "What is taken from the callback",
    "callback_signature": "Signature of the callback",
    "code_parameter": "Name of the code in the token request",
    "token_request_method": "Method of the token request",
    "token_request_format": "Format of the token request",
    "token_request_headers": "Headers of the token request",
    "request_token_parameters": "Parameters of the first request",
    "authorize_parameters": "Parameters of the authorize URL",
    "token_parameters": "Parameters of the token request",
    "refresh_parameters": "Parameters of the refresh",
    "token_response": "How the token answer is read",
    "after_connect": "The requests after connecting",
    "refresh_request": "The refresh request",
    "revoke_request": "The revoke request",
    "login": "The login",
    "oauth1_flow": "OAuth 1 flow",
    "signature_method": "Signature Method",
    "signature_body_hash": "Signing of bodies",
    "realm": "Realm",
    "username_template": "User name as it is sent",
    "password_template": "Password as it is sent",
    "param_type": "Param Type",
    "param_name": "Param Name",
    "param_prefix": "Prefix of the credential",
    "headers": "Headers of every call",
    "parameters": "Parameters",
    "variables": "Variables",
    "regions": "Regions",
}
"""What matters, by field, with the words for it: endpoints, hosts, scopes, and how one authenticates."""

_UNSEEN = {"display_name", "description", "example", "labels", "title"}
_NAMED = {"scopes": "name", "parameters": "key", "variables": "name", "regions": "name"}
_LONGEST = 200


def matter(service: Service) -> dict[str, Any]:
    """What matters of a definition, as JSON: only what is not the default, so that a new field changes nothing."""
    told: dict[str, Any] = _told(service)
    return {field: told[field] for field in _LABELS if field in told}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What became different, a sentence each; both are `matter` of a definition, `now` empty where it is gone."""
    if before and not now:
        return ("The service is no longer in the catalog: its connections cannot be used.",)
    return tuple(
        _difference(field, before.get(field), now.get(field))
        for field in _LABELS
        if before.get(field) != now.get(field)
    )


def _difference(field: str, before: Any, now: Any) -> str:
    label = _LABELS[field]
    if field in _NAMED or isinstance(before or now, list):
        return f"{label}: {_of_lists(_NAMED.get(field, ''), before or [], now or [])}."
    if field.endswith(("_parameters", "_copy", "headers")):
        return f"{label}: {_of_mappings(before or {}, now or {})}."
    if isinstance(before or now, dict):
        return f"{label} changed."
    return f"{label}: was {_shown(field, before)}, is {_shown(field, now)}."


def _of_lists(key: str, before: list[Any], now: list[Any]) -> str:
    old, new = ({_name(key, item): item for item in items} for items in (before, now))
    parts = [
        _listed("added", [name for name in new if name not in old]),
        _listed("removed", [name for name in old if name not in new]),
        _listed("changed", [name for name in new if name in old and old[name] != new[name]]),
    ]
    return "; ".join(part for part in parts if part) or "another order"


def _of_mappings(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    parts = [
        _listed("added", [f"{name}={now[name]}" for name in now if name not in before]),
        _listed("removed", [name for name in before if name not in now]),
        *(f"{name} was {before[name]}, is {now[name]}" for name in now if name in before and before[name] != now[name]),
    ]
    return "; ".join(part for part in parts if part)


def _listed(word: str, names: list[str]) -> str:
    return f"{word} {', '.join(names[:12])}{' and others' if len(names) > 12 else ''}" if names else ""


def _name(key: str, item: Any) -> str:
    if isinstance(item, str):
        return item
    return str(item.get(key) or item.get("url") or "one") if isinstance(item, dict) else str(item)


def _shown(field: str, value: Any) -> str:
    if value is None:
        default = next((_default(f) for f in fields(Service) if f.name == field), "")
        value = default if default not in ("", None) else "not set"
    if value == " ":
        return "a blank"
    return str(value)[:_LONGEST]


def _told(value: Any) -> Any:
    if is_dataclass(value):
        given = {f.name: (getattr(value, f.name), f) for f in fields(value) if f.name not in _UNSEEN}
        return {name: _told(item) for name, (item, f) in given.items() if item != _default(f)}
    if isinstance(value, Mapping):
        return {str(key): _told(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    return value


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default
