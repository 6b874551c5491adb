"""Putting named values into a request: in a header, the query or the form (RFC 6750 §2 for tokens, and its relatives).

A value of the same name that the request already carries is replaced, whatever its case, so that a caller cannot
smuggle in a second one beside the credential.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from isthmus.errors import InputError
from isthmus.protocols.text import check_header, check_plain
from isthmus.protocols.urls import Pairs, add_to_query, encode_pairs, query_octets, without
from isthmus.records import Headers, HttpRequest, Placement

FORM_TYPE = "application/x-www-form-urlencoded"

# Methods whose body has no defined meaning; RFC 6750 §2.2 forbids the form placement for them.
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def place(request: HttpRequest, placement: Placement, pairs: Pairs) -> HttpRequest:
    """The request with the pairs in the given place.

    Raises InputError if a value cannot stand there: a line break or non-ASCII character in a header, a form value in
    a request that has another body or none.
    """
    if placement == "header":
        return replace(request, headers=with_headers(request.headers, pairs))
    names = [name for name, _ in pairs]
    if placement == "query":
        return replace(request, url=add_to_query(request.url, pairs, replacing=names))
    for name, value in pairs:
        check_plain(value, field=name)
    return with_form(request, pairs, replacing=names)


def place_in_json(request: HttpRequest, pairs: Pairs) -> HttpRequest:
    """The request with the pairs as fields of its JSON body, which they begin where there is none.

    Raises InputError if the method has no body, or the body is no JSON object.
    """
    document: Any = {}
    if request.method.upper() in _BODILESS or request.form is not None:
        document = None
    elif request.body:
        try:
            document = json.loads(request.body)
        except (ValueError, RecursionError):
            document = None
    if not isinstance(document, dict):
        raise InputError(
            "This service takes its credential in a JSON body, and the request has none that is an object.",
            field="body",
            hint="Send a JSON object by POST, PUT or PATCH.",
        )
    body = json.dumps({**document, **dict(pairs)}, ensure_ascii=False).encode()
    headers = request.headers
    if not _content_type(headers):
        headers = with_headers(headers, (("Content-Type", "application/json"),))
    return replace(request, headers=headers, body=body)


def place_in_path(request: HttpRequest, key: str, value: str) -> HttpRequest:
    """The request with `$(key)` in its URL replaced by the value, encoded but for the colon.

    Raises InputError if the URL has no such mark: the credential would be left out.
    """
    mark = f"$({key})"
    if mark not in request.url:
        raise InputError(
            "This service takes its credential in the path, and the URL has no place for it.",
            field="url",
            hint="Give a URL that is relative to the service's base URL.",
        )
    return replace(request, url=request.url.replace(mark, quote(value, safe=":")))


def with_headers(headers: Headers, pairs: Pairs) -> Headers:
    """The headers with the pairs at their end and any others of the same names taken out.

    `X_Api_Key` counts as `X-Api-Key`: gateways that speak CGI cannot tell them apart.
    """
    for name, value in pairs:
        check_header(name, value)
    return with_checked_headers(headers, pairs)


def with_checked_headers(headers: Headers, pairs: Pairs) -> Headers:
    """As `with_headers`, for pairs that may stand in a header."""
    if not headers:
        return tuple(pairs)
    ours = {_fold(name) for name, _ in pairs}
    return (*(header for header in headers if _fold(header[0]) not in ours), *pairs)


def form_octets(request: HttpRequest) -> list[tuple[bytes, bytes]] | None:
    """The form parameters of the request as octets, or None if its body is not a form."""
    if request.form is not None:
        return [(_octets(name), _octets(value)) for name, value in request.form]
    if request.body and is_form(request.headers):
        return query_octets(request.body.decode("utf-8", "surrogateescape"))
    return None


def with_form(request: HttpRequest, pairs: Pairs, *, replacing: list[str]) -> HttpRequest:
    """The request with the pairs at the end of its form; the rest of a form that came as bytes stays byte for byte.

    Raises InputError if the method has no body, or the body is not a form.
    """
    if request.form is not None:
        unwanted = {name.lower() for name in replacing}
        kept = tuple(pair for pair in request.form if pair[0].lower() not in unwanted)
        return replace(request, form=(*kept, *pairs))
    if request.method.upper() in _BODILESS:
        raise InputError(
            f"This service takes its credential in a form, and a {request.method.upper()} request has none.",
            field="method",
            hint="Use POST, PUT or PATCH, or set the service's param type to header or query.",
        )
    if not request.body and (is_form(request.headers) or not _content_type(request.headers)):
        return replace(request, form=tuple(pairs))
    if not is_form(request.headers):
        raise InputError(
            "This service takes its credential in a form, and the request has a body of another kind.",
            field="content_type",
            hint=f"Send the body as {FORM_TYPE}, or set the service's param type to header or query.",
        )
    kept_body = without(request.body.decode("utf-8", "surrogateescape"), replacing)
    joined = "&".join(part for part in (kept_body, encode_pairs(pairs)) if part)
    return replace(request, body=joined.encode("utf-8", "surrogateescape"))


def is_form(headers: Headers) -> bool:
    """True if the headers declare a form body."""
    return _content_type(headers) == FORM_TYPE


def _content_type(headers: Headers) -> str:
    value = next((value for name, value in headers if name.lower() == "content-type"), "")
    return value.partition(";")[0].strip().lower()


def _octets(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InputError("A form value holds half a character (a lone surrogate).", field="form") from None


def _fold(name: str) -> str:
    return name.lower().replace("_", "-")
