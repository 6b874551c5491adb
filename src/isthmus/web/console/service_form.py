"""The form of a custom service: its fields read into a document, and a document written into its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.web.console.forms import Form

AUTH_TYPES = (("oauth2", "OAuth 2"), ("oauth1", "OAuth 1.0a"), ("basic", "Basic"), ("api_key", "API key"))
GRANTS = (("authorization_code", "Authorization Code"), ("client_credentials", "Client Credentials"))
PARAM_TYPES = (("header", "Header"), ("query", "Query"), ("form", "Form"))
PLACEMENTS = (("header", "Header"), ("query", "Query"), ("form", "Form"))
CLIENT_AUTHENTICATION = (
    ("basic", "Header (HTTP Basic)"),
    ("post", "Body"),
    ("basic_raw", "Header, not encoded"),
    ("none", "None (public client)"),
)
SIGNATURES = tuple((name, name) for name in ("HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"))
DELIMITERS = (("space", "Space"), ("comma", "Comma"), ("plus", "Plus"), ("other", "Other"))
PKCE = (("S256", "On (S256)"), ("none", "Off"))

NAMES = {
    "test.url": "test_url",
    "test.identity": "test_identity",
    "scopes": "scope_name",
    "parameters": "param_key",
    "authorize_parameters": "authorize_key",
    "token_parameters": "token_key",
    "service": "link_name",
}
"""The document's names -> the form's, for errors."""

_SIGNS = {"space": " ", "comma": ",", "plus": "+"}
_OAUTH2 = (
    "authorize_url",
    "access_token_url",
    "refresh_token_url",
    "revoke_token_url",
    "grant_type",
    "pkce",
    "client_authentication",
    "param_type",
)
_OAUTH1 = ("request_token_url", "authorize_url", "access_token_url", "signature_method", "param_type")
_SHOWN = (
    "name",
    "link_name",
    "auth_type",
    "client_id",
    "base_url",
    "issuer",
    "signature_method",
    *_OAUTH2,
    "request_token_url",
)


def empty() -> Form:
    """The form as it is first shown."""
    return Form(
        {
            "auth_type": "oauth2",
            "grant_type": "authorization_code",
            "pkce": "S256",
            "client_authentication": "basic",
            "param_type": "header",
            "signature_method": "HMAC-SHA1",
            "delimiter": "space",
        }.items()
    )


def read_document(form: Form, present: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the form says about the chosen type of authentication; what it has no field for stays as in `present`."""
    auth_type = form.text("auth_type") or (present or {}).get("auth_type", "")
    document: dict[str, Any] = {
        "name": form.text("name"),
        "auth_type": auth_type,
        "base_url": form.text("base_url"),
        "hosts": form.text("hosts").split(),
        "test": _read_test(form, (present or {}).get("test")),
    }
    if auth_type in ("oauth2", "oauth1"):
        keys = _OAUTH2 if auth_type == "oauth2" else _OAUTH1
        document |= {key: form.text(key) for key in keys}
        document["client_id"] = form.text("client_id")
        if form.text("client_secret"):
            document["client_secret"] = form.text("client_secret")
    if auth_type == "oauth2":
        document |= {
            "issuer": form.text("issuer"),
            "issuer_in_response": form.text("issuer_in_response") == "yes",
            "authorize_parameters": _pairs(form, "authorize_key", "authorize_value"),
            "token_parameters": _pairs(form, "token_key", "token_value"),
            "scopes": [
                {"name": name, "display_name": shown}
                for name, shown in form.rows("scope_name", "scope_display", spare=0)
            ],
            "scope_delimiter": _SIGNS.get(form.text("delimiter")) or form.value("delimiter_other") or " ",
        }
    if auth_type == "api_key":
        document["parameters"] = _read_parameters(form, present)
    return document


def write_document(document: Mapping[str, Any], form: Form | None = None) -> Form:
    """The form that says what the document says; keys that it lacks stay as they are in `form`."""
    form = form or empty()
    for key in _SHOWN:
        if document.get(key):
            form.set(key, str(document[key]))
    if document.get("hosts"):
        form.set("hosts", "\n".join(document["hosts"]))
    test = document.get("test") or {}
    form.set("test_url", test.get("url") or form.value("test_url"))
    form.set("test_identity", test.get("identity") or form.value("test_identity"))
    if "issuer_in_response" in document:
        form.set("issuer_in_response", "yes" if document["issuer_in_response"] else "")
    if document.get("scopes"):
        form.set("scope_name", *(scope["name"] for scope in document["scopes"]))
        form.set("scope_display", *(scope["display_name"] for scope in document["scopes"]))
    if "scope_delimiter" in document:
        sign = document["scope_delimiter"]
        form.set("delimiter", next((name for name, one in _SIGNS.items() if one == sign), "other"))
        form.set("delimiter_other", sign if sign not in _SIGNS.values() else "")
    for key, field in (("authorize_parameters", "authorize"), ("token_parameters", "token")):
        if document.get(key):
            form.set(f"{field}_key", *document[key])
            form.set(f"{field}_value", *document[key].values())
    if document.get("parameters"):
        form.set("param_key", *(one["key"] for one in document["parameters"]))
        form.set("param_display", *(one["display_name"] for one in document["parameters"]))
        form.set("param_placement", *(one["placement"] for one in document["parameters"]))
    return form


def _read_test(form: Form, present: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not form.text("test_url"):
        return None
    kept = {key: value for key, value in (present or {}).items() if value is not None}
    return {"method": "GET", **kept, "url": form.text("test_url"), "identity": form.text("test_identity")}


def _read_parameters(form: Form, present: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    before = {one["key"]: one for one in (present or {}).get("parameters", [])}
    return [
        {**before.get(key, {}), "key": key, "display_name": shown, "placement": placement or "header"}
        for key, shown, placement in form.rows("param_key", "param_display", "param_placement", spare=0)
        if key or shown
    ]


def _pairs(form: Form, key: str, value: str) -> dict[str, str]:
    return {name: text for name, text in form.rows(key, value, spare=0) if name}
