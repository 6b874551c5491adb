"""`invoke` and `credential`: using a connection through the JSON API."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from email.message import Message
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from isthmus.broker.call import Answer, Call, File
from isthmus.errors import InputError
from isthmus.web.api import answers
from isthmus.web.api.parameters import LinkName, User
from isthmus.web.api.requests import FileIn, InvokeIn
from isthmus.web.api.route import CallRoute, actor_of, answer, edge_of
from isthmus.web.asgi import REQUEST_ID

router = APIRouter(prefix="/api/v1/connections", tags=["Calls"], route_class=CallRoute)

_WITHHELD = frozenset({"set-cookie", "set-cookie2"})
_CHARSETS = (
    "utf",
    "us-ascii",
    "ascii",
    "iso-8859",
    "latin",
    "windows-125",
    "cp125",
    "koi8",
    "gb",
    "big5",
    "euc",
    "shift",
)
_ODD_CHARSETS = frozenset({"utf-7", "utf7", "utf_7"})


@router.post("/{link_name}/invoke", response_model=answers.InvokeAnswer)
async def invoke(request: Request, link_name: LinkName, body: InvokeIn) -> Response:
    """Call the service's REST API with the connection's credential. Any status of the third party is an answer."""
    call = Call(
        url=body.url,
        method=body.type,
        parameters=body.parameters,
        headers=tuple(body.headers.items()),
        body=body.body,
        content_type=body.content_type,
        files=tuple(_file(file, number) for number, file in enumerate(body.files)),
        user=body.user,
        request_id=request.scope[REQUEST_ID],
        all_pages=body.all_pages,
    )
    third_party = await edge_of(request).app.invoker.invoke(actor_of(request), link_name, call)
    return Response(render_answer(third_party), media_type="application/json")


@router.get("/{link_name}/credential", response_model=answers.Lease)
async def credential(
    request: Request,
    link_name: LinkName,
    minimum_seconds: Annotated[int, Query(ge=0, le=86400, description="How long it must still live.")] = 60,
    user: User = None,
) -> Response:
    """A lease of ready-made headers, where the connection's policy allows it."""
    lease = await edge_of(request).app.invoker.lease(
        actor_of(request), link_name, minimum_seconds=minimum_seconds, user=user
    )
    return answer(lease)


def render_answer(third_party: Answer) -> bytes:
    """The JSON of an answer. A JSON body is put in as it came, so that no number loses a digit."""
    headers: dict[str, str] = {}
    for name, value in third_party.headers:
        lower = name.lower()
        if lower not in _WITHHELD:
            headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    document: dict[str, Any] = {"status": third_party.status, "headers": headers}
    document.update(_body(third_party.body, headers.get("content-type", "")))
    document["elapsed_ms"] = round(third_party.elapsed_ms, 1)
    document["request_id"] = third_party.request_id
    if third_party.pages:
        document["pages"] = third_party.pages
    return orjson.dumps(document)


def _body(body: bytes, content_type: str) -> dict[str, Any]:
    message = Message()
    message["content-type"] = content_type or "application/octet-stream"
    subtype = message.get_content_subtype()
    text = _text(body, message.get_content_charset() or "utf-8")
    if text is None:
        return {"body_base64": b64encode(body).decode()}
    if subtype == "json" or subtype.endswith("+json"):
        raw = text.removeprefix("\ufeff").strip().encode()
        try:
            orjson.loads(raw)
        except orjson.JSONDecodeError:
            return {"body": text}
        return {"body": orjson.Fragment(raw)}
    return {"body": text}


def _text(body: bytes, charset: str) -> str | None:
    """The text, or None. Only character sets are tried: Python knows other codecs, some of them costly."""
    if not charset.startswith(_CHARSETS) or charset in _ODD_CHARSETS:
        return None
    try:
        return body.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return None


def _file(file: FileIn, number: int) -> File:
    try:
        content = b64decode(file.content_base64, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(
            "The content of a file is not base64.", code="base64_malformed", field=f"files.{number}.content_base64"
        ) from None
    return File(file.name, file.filename, content, file.content_type)
