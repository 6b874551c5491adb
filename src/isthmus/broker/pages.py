"""A list followed to its end: one call after the other, each checked like the first, gathered into one answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from isthmus.errors import InputError, ResponseTooLarge
from isthmus.protocols.paging import first_request, read_page
from isthmus.records import HttpRequest, HttpResponse, Service

MOST_PAGES = 200


async def gather(
    service: Service,
    request: HttpRequest,
    send: Callable[[HttpRequest], Awaitable[HttpResponse]],
    *,
    most_bytes: int,
) -> tuple[HttpResponse, int]:
    """The answer whose body is the list of all items, and how many pages it took.

    A page that is an error is the answer, so that a part is never taken for the whole. Raises InputError
    (`no_paging`, `too_many_pages`), ResponseTooLarge, ProtocolError for a page without a list.
    """
    if service.paging is None:
        raise InputError(
            f"The service {service.link_name!r} does not say how its lists go on.",
            code="no_paging",
            field="all_pages",
            hint="Set paging on the service, or follow the pages yourself.",
        )
    items: list[Any] = []
    size = 0
    following: HttpRequest | None = first_request(service.paging, request)
    for count in range(1, MOST_PAGES + 1):
        assert following is not None
        response = await send(following)
        if response.status >= 400:
            return response, count
        size += len(response.body)
        if size > most_bytes:
            raise ResponseTooLarge(
                f"The list takes more than {most_bytes} bytes.",
                hint="Narrow the request, or follow the pages yourself.",
            )
        page = read_page(service.paging, following, response)
        items.extend(page.items)
        following = page.following
        if following is None:
            return _whole(response, items), count
    raise InputError(
        f"The list goes on after {MOST_PAGES} pages.",
        code="too_many_pages",
        field="all_pages",
        hint="Narrow the request, or follow the pages yourself.",
    )


def _whole(response: HttpResponse, items: list[Any]) -> HttpResponse:
    dropped = ("content-length", "content-type", "link", "etag")
    headers = tuple(pair for pair in response.headers if pair[0] not in dropped)
    body = json.dumps(items, ensure_ascii=False).encode()
    return HttpResponse(
        response.status, (*headers, ("content-type", "application/json")), body, response.elapsed_ms, response.url
    )
