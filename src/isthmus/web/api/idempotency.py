"""`Idempotency-Key`: the same request under the same key gets the stored answer, and is carried out once.

What is kept is any answer after which something may have been done: success, and failures on the way to or at a
third party. An answer which says that nothing was done (4xx, 503) is not kept, so that the request can be mended or
repeated under its key. A request whose fate is unknown (the caller went away, the process ended) stays under way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from fastapi import Request, Response

from isthmus.errors import InputError
from isthmus.records import Actor
from isthmus.web.edge import Edge

_KEPT_HEADERS = ("content-type", "location", "retry-after")


async def answer_once(
    edge: Edge,
    actor: Actor,
    request: Request,
    handle: Callable[[Request], Awaitable[Response]],
    tell: Callable[[Exception], Awaitable[Response]],
) -> Response:
    """The stored answer, or the answer of `handle`, stored.

    Raises InputError (`idempotency_key_malformed`, `idempotency_key_reused`), Conflict (`idempotency_in_progress`).
    """
    key = _read_key(request.headers.getlist("idempotency-key"))
    query = request.url.query
    route = f"POST {request.scope['path']}{'?' if query else ''}{query}"
    begun = await edge.app.idempotency.begin(actor, route, key, await request.body())
    if begun.stored is not None:
        return _unpack(begun.stored.status, begun.stored.body)
    try:
        response = await handle(request)
    except Exception as error:
        response = await tell(error)
    if 400 <= response.status_code < 500 or response.status_code == 503:
        await edge.app.idempotency.abandon(begun.handle)
    else:
        await edge.app.idempotency.finish(begun.handle, response.status_code, _pack(response))
    return response


def _read_key(values: list[str]) -> str:
    if len(values) != 1 or not 1 <= len(values[0]) <= 255 or not (values[0].isascii() and values[0].isprintable()):
        raise InputError(
            "The Idempotency-Key is malformed.",
            code="idempotency_key_malformed",
            field="Idempotency-Key",
            hint="Send one key of 1 to 255 printable characters, a fresh one for each request.",
        )
    return values[0]


def _pack(response: Response) -> bytes:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return orjson.dumps(headers) + b"\n" + bytes(response.body)


def _unpack(status: int, stored: bytes) -> Response:
    head, _, body = stored.partition(b"\n")
    return Response(body, status, {**orjson.loads(head), "Idempotent-Replay": "true"})
