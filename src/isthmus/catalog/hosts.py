"""Hosts of a definition: where its API may be called, and where its authorization endpoints are."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from isthmus.records import Service, Step

ENDPOINTS = ("authorize_url", "access_token_url", "refresh_token_url", "revoke_token_url", "request_token_url")
# Second-level labels under country domains below which names are registered (`example.co.uk`).
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "nom", "or", "org"})
_DEFAULT_PORTS = {"https": 443, "http": 80}


def host_of(url: str) -> str:
    """Host as the allow-list writes it, with the port where it is not the scheme's own; "" if there is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    if not host or "$" in host or "{" in host:
        return ""
    if ":" in host:
        host = f"[{host}]"
    return host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"


def covers(pattern: str, host: str) -> bool:
    """Whether an allow-list entry lets this host (with port, as `host_of` gives it) through."""
    pattern, host = pattern.lower(), host.lower()
    if not pattern.startswith("*."):
        return pattern == host
    return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1


def endpoint_hosts(service: Service) -> tuple[str, ...]:
    """The exact hosts of the authorization endpoints and of all steps; a host with an unfilled slot is left out."""
    steps = [*service.after_connect, service.refresh_request, service.revoke_request]
    if service.login is not None:
        steps += [*service.login.requests, service.login.logout]
    urls = [getattr(service, name) for name in ENDPOINTS] + [step.url for step in steps if step is not None]
    return tuple(dict.fromkeys(host for host in map(host_of, urls) if host))


def urls_of(service: Service) -> Iterator[tuple[str, str]]:
    """(field, URL) of everything in a definition that requests are sent to, or people."""
    named = {name: getattr(service, name) for name in (*ENDPOINTS, "base_url")}
    named["test.url"] = service.test.url if service.test else ""
    named.update({f"{field}.url": step.url for field, step in _steps(service)})
    yield from ((field, url) for field, url in named.items() if url)


def _steps(service: Service) -> Iterator[tuple[str, Step]]:
    yield from ((f"after_connect[{number}]", step) for number, step in enumerate(service.after_connect))
    alone = {"refresh_request": service.refresh_request, "revoke_request": service.revoke_request}
    if service.login is not None:
        yield from ((f"login.requests[{number}]", step) for number, step in enumerate(service.login.requests))
        alone["login.logout"] = service.login.logout
    yield from ((field, step) for field, step in alone.items() if step is not None)


def implied_hosts(read: Mapping[str, Any]) -> tuple[str, ...]:
    """What the API's hosts are where a definition does not say: the base URL's host; else the test's; else, since
    many people describe a service by its endpoints alone, the registrable domain of the token endpoint."""
    test = read.get("test")
    for url in (read.get("base_url", ""), test.url if test is not None else ""):
        if url and host_of(url):
            return (host_of(url),)
    host = host_of(read.get("access_token_url", "") or read.get("authorize_url", ""))
    if not host:
        return ()
    domain = registrable(host)
    return (host,) if domain is None else tuple(dict.fromkeys((host, domain, f"*.{domain}")))


def registrable(host: str) -> str | None:
    """The domain that somebody registered, by a rule of thumb; None for an address, a bare name or a host with port."""
    if ":" in host:
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
    else:
        return None
    if len(labels) < 2:
        return None
    wide = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if wide else labels[-2:])
