"""The server's side of the ASGI specification, as types, and the few things every edge reads from a scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

REQUEST_ID = "isthmus.request_id"
"""Where the request's id stands in the scope."""
ERROR_CODE = "isthmus.error_code"
"""Where the code of the problem that was answered stands in the scope, for the log."""


def peer_address(scope: Scope) -> str:
    """The address of the connected peer. `X-Forwarded-For` and its kin have no say: anybody can send them."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def all_values(scope: Scope, name: bytes) -> list[str]:
    """Every value of a request header, in order."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def one_value(scope: Scope, name: bytes) -> str | None:
    """The value of a request header that was sent exactly once; None if it is missing or ambiguous."""
    values = all_values(scope, name)
    return values[0] if len(values) == 1 else None


def accepts_gzip(scope: Scope) -> bool:
    """Whether the client takes gzip. A quality of zero is a no (RFC 9110 §12.5.3)."""
    for value in all_values(scope, b"accept-encoding"):
        for part in value.lower().split(","):
            coding, _, quality = part.strip().partition(";")
            if coding.strip() == "gzip" and quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
                return True
    return False


class ClientGone(Exception):
    """The client closed the connection; nobody waits for an answer."""


class AnswerCutOff(Exception):
    """An answer broke off after its head was sent. Raised to the server, which then aborts the connection, so that
    the client cannot mistake the part for the whole."""


_HOST_CHARACTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"


def is_sane_host(value: bytes) -> bool:
    """Whether a Host header could be one. Nothing is ever built from it; odd ones are refused all the same."""
    return 0 < len(value) <= 260 and not value.translate(None, _HOST_CHARACTERS)


async def send_answer(send: Send, status: int, headers: RawHeaders, body: bytes, *, head_only: bool = False) -> None:
    """A whole answer at once. `headers` get the content length."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": b"" if head_only else body})
