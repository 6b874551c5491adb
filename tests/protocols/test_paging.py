"""Where a list goes on: by a link, a cursor, an offset or a page number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isthmus.errors import ProtocolError
from isthmus.protocols.paging import first_request, read_page
from isthmus.records import HttpRequest, HttpResponse, Paging

URL = "https://api.acme.example.com/items?kind=a%2Fb"


def answer(document: Any, **headers: str) -> HttpResponse:
    return HttpResponse(200, tuple(headers.items()), json.dumps(document).encode())


@pytest.mark.parametrize(
    ("paging", "document"),
    [
        (Paging("link", items="data"), {"items": []}),
        (Paging("link", items="data"), {"data": {}}),
        (Paging("link"), {"a": [], "b": []}),
        (Paging("link"), "text"),
    ],
)
def test_a_list_that_is_not_there_is_an_error(paging: Paging, document: Any) -> None:
    with pytest.raises(ProtocolError):
        read_page(paging, HttpRequest("GET", URL), answer(document))


@pytest.mark.parametrize(
    ("paging", "document", "headers", "following"),
    [
        (Paging("link"), [1], {"link": f'<{URL}&p=1>; rel="prev", <{URL}&p=3>; rel="next"'}, f"{URL}&p=3"),
        (Paging("link"), [1], {"link": f'<{URL}&p=1>; rel="prev"'}, None),
        (Paging("link"), [1], {}, None),
        (
            Paging("link", next="next"),
            {"items": [1], "next": "/items?p=2"},
            {},
            "https://api.acme.example.com/items?p=2",
        ),
        (Paging("link", next="next"), {"items": [1], "next": None}, {}, None),
        (Paging("link", next="next"), {"items": [1], "next": URL}, {}, None),
        (
            Paging("cursor", "data", "meta.next", "after"),
            {"data": [1], "meta": {"next": "c=2"}},
            {},
            f"{URL}&after=c%3D2",
        ),
        (Paging("cursor", "data", "meta.next", "after"), {"data": [1], "meta": {"next": ""}}, {}, None),
        (
            Paging("cursor", "data", "data.-1.id", "after", more="has_more"),
            {"data": [{"id": "a"}, {"id": "b"}], "has_more": True},
            {},
            f"{URL}&after=b",
        ),
        (
            Paging("cursor", "data", "data.-1.id", "after", more="has_more"),
            {"data": [{"id": "a"}], "has_more": False},
            {},
            None,
        ),
        (Paging("offset", "data", parameter="start"), {"data": [1, 2]}, {}, f"{URL}&start=2"),
        (Paging("offset", "data", parameter="start"), {"data": []}, {}, None),
        (Paging("page", "data", parameter="page", first=1), {"data": [1]}, {}, f"{URL}&page=2"),
        (Paging("page", "data", parameter="page", size=2, size_parameter="n"), {"data": [1]}, {}, None),
    ],
)
def test_where_a_list_goes_on(paging: Paging, document: Any, headers: dict[str, str], following: str | None) -> None:
    page = read_page(paging, HttpRequest("GET", URL), answer(document, **headers))
    assert (page.following.url if page.following else None) == following


def test_a_cursor_that_does_not_move_ends_the_list() -> None:
    request = HttpRequest("GET", f"{URL}&after=c")
    assert (
        read_page(Paging("cursor", next="next", parameter="after"), request, answer({"d": [1], "next": "c"})).following
        is None
    )


def test_a_cursor_may_go_into_the_body() -> None:
    paging = Paging(
        "cursor", "results", "next_cursor", "start_cursor", placement="json", size=50, size_parameter="page_size"
    )
    first = first_request(paging, HttpRequest("POST", URL, body=b'{"filter": {}}'))
    assert json.loads(first.body) == {"filter": {}, "page_size": 50}
    page = read_page(paging, first, answer({"results": [1], "next_cursor": "c2"}))
    assert page.following is not None
    assert json.loads(page.following.body) == {"filter": {}, "page_size": 50, "start_cursor": "c2"}


def test_the_caller_s_own_size_is_left() -> None:
    paging = Paging("offset", parameter="start", size=100, size_parameter="limit")
    assert first_request(paging, HttpRequest("GET", URL)).url == f"{URL}&limit=100"
    own = HttpRequest("GET", f"{URL}&limit=2")
    assert first_request(paging, own) is own
    page = read_page(paging, own, answer([1, 2]))
    assert page.following is not None
    assert page.following.url == f"{URL}&limit=2&start=2"
