"""What an OpenAPI description (2 or 3) says about how to authorize: the beginning of a definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from isthmus.errors import InputError

_MOST_SCOPES = 500


def read_openapi(description: Any, address: str = "") -> dict[str, Any]:
    """The keys of a definition that the description tells; `address` is where it was read, for relative URLs.

    Of several schemes OAuth 2 comes first, then keys, then Basic. Raises InputError where it describes none that
    a definition can say.
    """
    if not isinstance(description, Mapping) or not (description.get("openapi") or description.get("swagger")):
        raise _wrong("This is no OpenAPI description.", "It begins with openapi: or swagger:.")
    info = _mapping(description.get("info"))
    document: dict[str, Any] = {}
    if title := _line(info.get("title")):
        document["name"] = title
    if url := _server(description, address):
        document["base_url"] = url
    if explained := _mapping(description.get("externalDocs")).get("url"):
        document["documentation_url"] = str(explained)
    schemes = _mapping(_mapping(description.get("components")).get("securitySchemes"))
    schemes = schemes or _mapping(description.get("securityDefinitions"))
    found = [read for scheme in schemes.values() if (read := _read_scheme(_mapping(scheme), address))]
    if not found:
        hint = "Leave it out, and answer the questions with the pages of its documentation."
        raise _wrong("It describes no way to authorize that a definition can say.", hint)
    order = ("oauth2", "api_key", "basic")
    return {**document, **min(found, key=lambda read: order.index(read["auth_type"]))}


def _read_scheme(scheme: Mapping[str, Any], address: str) -> dict[str, Any] | None:
    kind, carried = scheme.get("type"), str(scheme.get("scheme", "")).lower()
    if kind == "oauth2":
        return _read_oauth2(scheme, address)
    if kind == "basic" or (kind == "http" and carried == "basic"):
        return {"auth_type": "basic"}
    if kind == "http" and carried == "bearer":
        return _key("Authorization", "header", "Bearer ")
    if kind == "apiKey" and scheme.get("in") in ("header", "query") and scheme.get("name"):
        return _key(str(scheme["name"]), str(scheme["in"]), "")
    return None


def _key(name: str, placement: str, prefix: str) -> dict[str, Any]:
    parameter = {"key": name, "display_name": "API key", "placement": placement}
    return {"auth_type": "api_key", "parameters": [{**parameter, "prefix": prefix} if prefix else parameter]}


def _read_oauth2(scheme: Mapping[str, Any], address: str) -> dict[str, Any] | None:
    flows = _mapping(scheme.get("flows"))
    code = _mapping(flows.get("authorizationCode") or (scheme if scheme.get("flow") == "accessCode" else None))
    alone = _mapping(flows.get("clientCredentials") or (scheme if scheme.get("flow") == "application" else None))
    flow = code or alone
    if not flow.get("tokenUrl"):
        return None
    document: dict[str, Any] = {"auth_type": "oauth2"}
    if code:
        document["authorize_url"] = urljoin(address, str(code.get("authorizationUrl", "")))
    else:
        document["grant_type"] = "client_credentials"
    document["access_token_url"] = urljoin(address, str(flow["tokenUrl"]))
    if flow.get("refreshUrl") and flow["refreshUrl"] != flow["tokenUrl"]:
        document["refresh_token_url"] = urljoin(address, str(flow["refreshUrl"]))
    scopes = list(_mapping(flow.get("scopes")).items())[:_MOST_SCOPES]
    if scopes:
        document["scopes"] = [{"name": str(name), "display_name": _line(said) or str(name)} for name, said in scopes]
    return document


def _server(description: Mapping[str, Any], address: str) -> str:
    """The address of the API, with slots as we write them; empty where it is not told."""
    servers = description.get("servers")
    if isinstance(servers, list) and servers:
        url = urljoin(address, str(_mapping(servers[0]).get("url", "")))
        return re.sub(r"\$?\{([a-z][a-z0-9_]*)\}", r"${\1}", url).rstrip("/")
    if description.get("host"):
        return f"https://{description['host']}{description.get('basePath', '')}".rstrip("/")
    return ""


def _line(value: Any) -> str:
    """The first sentence of a text, on one line, not too long."""
    text = " ".join(str(value or "").split())
    return text.partition(". ")[0].rstrip(".:")[:80]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _wrong(message: str, hint: str) -> InputError:
    return InputError(message, field="openapi", hint=hint)
