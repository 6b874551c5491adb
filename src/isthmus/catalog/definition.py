"""A service definition: its JSON form read into a Service, checked, and written again.

The keys are the fields of `records.Service`; docs/service-definition.md tells what each means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from isthmus.catalog.hosts import endpoint_hosts, implied_hosts
from isthmus.catalog.parts import (
    list_of,
    one_of,
    plain,
    read_bare_request,
    read_callback_signature,
    read_evidence,
    read_jwt,
    read_lifetimes,
    read_login,
    read_paging,
    read_parameter,
    read_region,
    read_repeat,
    read_retry,
    read_scope,
    read_step,
    read_test,
    read_token_response,
    read_variable,
)
from isthmus.catalog.reading import Problem, Read, Reader
from isthmus.catalog.rules import check_service
from isthmus.errors import InputError
from isthmus.records import Service

__all__ = ["Problem", "document", "endpoint_hosts", "parse", "problems", "split_secret"]

AUTH_TYPES = ("oauth2", "oauth1", "basic", "api_key", "login")
CLIENT_AUTHENTICATION = ("basic", "basic_raw", "post", "none", "declared", "private_key_jwt", "tls")
SIGNATURE_METHODS = ("HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT")
READ_ONLY = frozenset(
    {"kind", "redirect_url", "has_client_secret", "created_at", "updated_at", "connections", "changed"}
)
_FIELDS = tuple(f.name for f in fields(Service) if f.name != "kind")
_TEXTS = (
    "link_name name category description logo family product client_id grant_type issuer scope_parameter param_name "
    "param_prefix client_id_parameter client_secret_parameter redirect_uri_parameter callback_code code_parameter "
    "token_request_root realm username_template password_template username_display_name password_display_name"
).split()
_URLS = (
    "homepage_url documentation_url registration_url authorize_url access_token_url refresh_token_url "
    "revoke_token_url request_token_url base_url"
).split()
_FLAGS = ("issuer_in_response", "recommended", "signature_body_hash")
_LISTS = ("aliases", "default_scopes", "hosts", "registration_notes", "notes")
_MAPPINGS = "authorize_parameters token_parameters refresh_parameters request_token_parameters callback_copy".split()
_HEADERS = ("token_request_headers", "headers")
_CHOICES: dict[str, tuple[str, ...]] = {
    "auth_type": AUTH_TYPES,
    "param_type": ("header", "query", "form"),
    "pkce": ("S256", "none"),
    "client_authentication": CLIENT_AUTHENTICATION,
    "refresh_client_authentication": CLIENT_AUTHENTICATION,
    "token_request_method": ("POST", "GET"),
    "token_request_format": ("form", "json", "query", "xml"),
    "oauth1_flow": ("three_legged", "token_pair", "one_legged"),
    "signature_method": SIGNATURE_METHODS,
}
_READERS: dict[str, Read] = {
    **dict.fromkeys(_TEXTS, Reader.text),
    **dict.fromkeys(_URLS, Reader.url),
    **dict.fromkeys(_FLAGS, Reader.flag),
    **dict.fromkeys(_LISTS, Reader.texts),
    **dict.fromkeys(_MAPPINGS, Reader.mapping),
    **dict.fromkeys(_HEADERS, Reader.headers),
    **{key: one_of(*choices) for key, choices in _CHOICES.items()},
    "marks": list_of(one_of("retired", "sandbox", "legacy")),
    "evidence": read_evidence,
    "token_response": read_token_response,
    "test": read_test,
    "lifetimes": read_lifetimes,
    "retry": read_retry,
    "repeat": read_repeat,
    "paging": read_paging,
    "login": read_login,
    "client_jwt": read_jwt,
    "callback_signature": read_callback_signature,
    "refresh_request": read_bare_request,
    "revoke_request": read_bare_request,
    "scopes": list_of(read_scope),
    "parameters": list_of(read_parameter),
    "variables": list_of(read_variable),
    "regions": list_of(read_region),
    "after_connect": list_of(read_step),
}


def parse(given: Mapping[str, Any], *, kind: Literal["default", "custom"], allow_http: bool = False) -> Service:
    """The Service that this JSON form describes. Read-only keys are passed over; null means the default.

    Raises InputError for the first problem, with all of them in `details["problems"]`.
    """
    service, found = _read(given, kind, allow_http)
    if found or service is None:
        first = found[0]
        listed = [{"field": p.field, "message": p.message, "hint": p.hint} for p in found]
        raise InputError(
            first.message, code="service_malformed", field=first.field, hint=first.hint, details={"problems": listed}
        )
    return service


def problems(
    given: Mapping[str, Any], *, kind: Literal["default", "custom"] = "default", allow_http: bool = False
) -> list[Problem]:
    """Everything that is wrong with this JSON form; empty if nothing is."""
    return _read(given, kind, allow_http)[1]


def document(service: Service) -> dict[str, Any]:
    """The JSON form, complete: `parse(document(service))` is the service again."""
    written: dict[str, Any] = plain(service)
    return written


def split_secret(given: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The document without the client secret, which is write-only, and the secret.

    Raises InputError if the secret is not a text.
    """
    rest = {key: value for key, value in given.items() if key != "client_secret"}
    secret = given.get("client_secret")
    if secret is not None and not isinstance(secret, str):
        raise InputError(
            "The client secret is a text.", field="client_secret", hint="Give a text, or null to remove it."
        )
    return rest, secret or None


def _read(
    given: Mapping[str, Any], kind: Literal["default", "custom"], allow_http: bool
) -> tuple[Service | None, list[Problem]]:
    reader = Reader(allow_http=allow_http)
    if not isinstance(given, Mapping):
        reader.wrong("", "A service is an object.", "Give an object with link_name, name and auth_type.")
        return None, reader.problems
    read: dict[str, Any] = {}
    for key, value in given.items():
        if key in _FIELDS and value is not None:
            read[key] = _READERS[key](reader, value, key)
        elif key not in _FIELDS and key not in READ_ONLY and key != "client_secret":
            hint = "See the format of a service definition for the fields there are."
            reader.wrong(str(key)[:60], f"Unknown field {str(key)[:60]!r}.", hint)
    for key in ("name", "link_name", "auth_type"):
        if not read.get(key) and not any(p.field == key for p in reader.problems):
            words = key.replace("_", " ")
            reader.wrong(key, f"The {words} is missing.", f"Give the {words}.")
    if reader.problems:
        return None, reader.problems
    service = Service(kind=kind, **_with_defaults(read))
    return service, check_service(service, allow_http=allow_http)


def _read_delimiter(reader: Reader, value: Any, where: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 3 or value.isalnum():
        reader.wrong(where, "The delimiter is one to three signs.", "Such as a space, a comma or a plus.")
        return " "
    return value


_READERS["scope_delimiter"] = _read_delimiter


def _with_defaults(read: dict[str, Any]) -> dict[str, Any]:
    if not read.get("hosts"):
        read["hosts"] = implied_hosts(read)
    if read.get("grant_type") == "":
        del read["grant_type"]
    return read
