"""How lists go on: the items of a page, and the request for the next one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from isthmus.errors import ProtocolError
from isthmus.protocols.answers import AnswerParts
from isthmus.protocols.urls import add_to_query, query_octets, split
from isthmus.records import HttpRequest, HttpResponse, Paging

_LINK = re.compile(r"<([^>]*)>([^<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*"?[^";]*\bnext\b', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListPage:
    """The items of one page, and the request for what follows; None on the last one."""

    items: list[Any]
    following: HttpRequest | None


def first_request(paging: Paging, request: HttpRequest) -> HttpRequest:
    """The request with the size of its pages, where the service declares one and the caller gave none."""
    if not paging.size_parameter or paging.size is None or _given(request, paging, paging.size_parameter) is not None:
        return request
    return _with(request, paging, paging.size_parameter, str(paging.size))


def read_page(paging: Paging, request: HttpRequest, response: HttpResponse) -> ListPage:
    """What a page holds and where it goes on. `request` is the one it answers, without its credential.

    Raises ProtocolError where the list is not where the service says.
    """
    parts = AnswerParts(response, _document(response), "")
    items = _items(paging, parts)
    if items is None:
        raise ProtocolError(
            "The answer holds no list where the service says that it stands.",
            status=response.status,
            hint="Correct paging.items of the service, or call without all_pages.",
        )
    if paging.more and parts.value(paging.more) in (None, False, 0, "false"):
        return ListPage(items, None)
    if paging.kind == "link":
        return ListPage(items, _by_link(paging, request, response, parts))
    if paging.kind == "cursor":
        cursor = parts.text(paging.next)
        known = _given(request, paging, paging.parameter)
        return ListPage(items, _with(request, paging, paging.parameter, cursor) if cursor and cursor != known else None)
    return ListPage(items, _counted(paging, request, len(items)))


def _document(response: HttpResponse) -> Any:
    """The page as JSON, however long: the caller bounds what it takes."""
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict | list) else {}


def _items(paging: Paging, parts: AnswerParts) -> list[Any] | None:
    """At its path; without one the answer itself, or the only list in it."""
    if paging.items:
        found = parts.value(paging.items)
        return found if isinstance(found, list) else None
    if isinstance(parts.document, list):
        return parts.document
    lists = [value for value in parts.document.values() if isinstance(value, list)]
    return lists[0] if len(lists) == 1 else None


def _by_link(paging: Paging, request: HttpRequest, response: HttpResponse, parts: AnswerParts) -> HttpRequest | None:
    link = parts.text(paging.next) if paging.next else _header_link(response)
    if not link:
        return None
    url = urljoin(request.url, link)
    return None if url == request.url else replace(request, url=url)


def _header_link(response: HttpResponse) -> str | None:
    for name, value in response.headers:
        if name == "link":
            for url, attributes in _LINK.findall(value):
                if _NEXT.search(attributes):
                    return str(url)
    return None


def _counted(paging: Paging, request: HttpRequest, count: int) -> HttpRequest | None:
    """The next offset or page; a page that is empty, or not full, is the last."""
    if count == 0 or (paging.size is not None and paging.size_parameter and count < _size(paging, request)):
        return None
    given = _given(request, paging, paging.parameter) or ""
    at = int(given) if given.isascii() and given.isdigit() and len(given) < 12 else paging.first
    return _with(request, paging, paging.parameter, str(at + (count if paging.kind == "offset" else 1)))


def _size(paging: Paging, request: HttpRequest) -> int:
    given = _given(request, paging, paging.size_parameter) or ""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 12 else paging.size or 0


def _given(request: HttpRequest, paging: Paging, name: str) -> str | None:
    if paging.placement == "json":
        value = _body(request).get(name)
        return None if value is None else str(value)
    pairs = query_octets(split(request.url)[1] or "")
    return next(
        (value.decode("utf-8", "replace") for key, value in pairs if key.decode("utf-8", "replace") == name), None
    )


def _with(request: HttpRequest, paging: Paging, name: str, value: str) -> HttpRequest:
    if paging.placement == "json":
        number = value.isascii() and value.isdigit() and paging.kind in ("offset", "page")
        body = {**_body(request), name: int(value) if number or name == paging.size_parameter else value}
        return replace(request, body=json.dumps(body, ensure_ascii=False).encode())
    return replace(request, url=add_to_query(request.url, [(name, value)], replacing=[name]))


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
