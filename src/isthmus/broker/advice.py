"""The classic mistakes in a service's description: allowed, but likely not meant. Told while it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_OFFLINE_BY_HOST = {"accounts.google.com": ("access_type", "offline")}
_OFFLINE_SCOPES = ("offline_access", "offline.access", "offline")


@dataclass(frozen=True, slots=True)
class Advice:
    field: str
    message: str
    hint: str


def advise(document: Mapping[str, Any]) -> list[Advice]:
    """What a second pair of eyes would ask about; empty where nothing strikes it. Takes an unfinished document too."""
    found = list(_about_addresses(document))
    if document.get("auth_type") == "oauth2":
        found += _about_oauth2(document)
    if document.get("param_type") == "query" and document.get("auth_type") in ("oauth2", "oauth1"):
        found.append(
            Advice("param_type", "The token travels in the address.", "Addresses are logged on the way; prefer Header.")
        )
    return found


def _about_oauth2(document: Mapping[str, Any]) -> Iterator[Advice]:
    grant = document.get("grant_type") or "authorization_code"
    if grant == "client_credentials":
        if document.get("authorize_url"):
            yield Advice(
                "authorize_url",
                "Client credentials need no person, so the Authorize URL is never used.",
                "Leave it empty, or choose Authorization Code.",
            )
        return
    if not document.get("refresh_token_url") and document.get("access_token_url"):
        yield Advice(
            "refresh_token_url",
            "There is no Refresh Token URL.",
            "The Access Token URL is used to refresh. Enter another one only if the service has one.",
        )
    if not _asks_offline(document):
        yield Advice(
            "authorize_parameters",
            "Nothing here asks for access while nobody is present.",
            "Many services give a refresh token only with access_type=offline or the scope offline_access; "
            "without one, somebody must connect again when the token expires.",
        )
    if document.get("pkce") == "none":
        yield Advice(
            "pkce", "PKCE is off.", "Leave it on unless the service refuses it: it keeps stolen codes useless."
        )


def _about_addresses(document: Mapping[str, Any]) -> Iterator[Advice]:
    for field in ("authorize_url", "access_token_url", "refresh_token_url", "request_token_url", "base_url"):
        if str(document.get(field) or "").startswith("http://"):
            yield Advice(field, "This address is not encrypted.", "Only a host in ISTHMUS_EGRESS_ALLOW is reached so.")
    if not document.get("base_url"):
        yield Advice("base_url", "There is no Base URL.", "With one, calls may name a path alone, and the proxy works.")
    test = document.get("test") or {}
    if not test.get("url"):
        yield Advice(
            "test_url", "There is no test request.", "With one, a connection is seen to work before it says so."
        )


def _asks_offline(document: Mapping[str, Any]) -> bool:
    host = urlsplit(str(document.get("authorize_url") or "")).hostname or ""
    parameters = document.get("authorize_parameters") or {}
    if host in _OFFLINE_BY_HOST:
        name, value = _OFFLINE_BY_HOST[host]
        return parameters.get(name) == value
    if parameters.get("access_type") == "offline" or parameters.get("token_access_type") == "offline":
        return True
    scopes = {scope.get("name") if isinstance(scope, Mapping) else scope for scope in document.get("scopes") or []}
    # Services that list their scopes and none for this give a refresh token anyway, as far as anybody can tell.
    return bool(scopes & set(_OFFLINE_SCOPES)) or not document.get("authorize_url")
