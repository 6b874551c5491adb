"""A request as it is written on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from isthmus import __version__
from isthmus.errors import InputError
from isthmus.outbound.headers import FRAMING, encode_head, lower_name
from isthmus.outbound.target import Target
from isthmus.records import HttpRequest

_METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")
# CONNECT would open a tunnel, TRACE would read the credential back.
_REFUSED_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_LENGTH = re.compile(r"[0-9]{1,15}")
_USER_AGENT = f"isthmus/{__version__}"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The bytes to send; `length` is the announced length of a body that is still to be streamed."""

    method: str
    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    length: int | None = None


def prepare(request: HttpRequest, target: Target, *, streamed: bool, accept_encoding: str | None) -> Prepared:
    """The request's bytes. Framing and Host are set here and nowhere else.

    Raises InputError (`header_malformed`, `header_not_allowed`, `method_not_allowed`) before anything is sent.
    """
    method = request.method
    if not _METHOD.fullmatch(method) or method in _REFUSED_METHODS:
        raise InputError(
            "The method is not allowed.", code="method_not_allowed", field="method", hint="Use GET, POST and so on."
        )
    headers: list[tuple[str, str]] = []
    given: set[str] = set()
    announced: str | None = None
    for name, value in request.headers:
        lower = lower_name(name)
        given.add(lower)
        if lower not in FRAMING:
            headers.append((name, value))
        elif lower == "content-length" and announced in (None, value):
            announced = value
        else:
            raise _not_allowed(name)
    body = b"" if streamed else _payload(request)
    if "user-agent" not in given:
        headers.append(("User-Agent", _USER_AGENT))
    if accept_encoding is not None and "accept-encoding" not in given:
        headers.append(("Accept-Encoding", accept_encoding))
    if request.form is not None and "content-type" not in given:
        headers.append(("Content-Type", _FORM))
    length = _frame(headers, method, body, announced, streamed=streamed)
    start = f"{method} {target.path} HTTP/1.1\r\nHost: {target.origin.authority}\r\n"
    return Prepared(method, encode_head(start, headers), body, length)


def _frame(
    headers: list[tuple[str, str]], method: str, body: bytes, announced: str | None, *, streamed: bool
) -> int | None:
    """Add the one framing header (RFC 9112 section 6); the length of a streamed body where it is announced."""
    if not streamed:
        if body or method in _WITH_BODY:
            headers.append(("Content-Length", str(len(body))))
        return None
    if announced is None:
        headers.append(("Transfer-Encoding", "chunked"))
        return None
    if not _LENGTH.fullmatch(announced):
        raise _not_allowed("Content-Length")
    headers.append(("Content-Length", str(int(announced))))
    return int(announced)


def _payload(request: HttpRequest) -> bytes:
    if request.form is not None:
        return urlencode(request.form, errors="surrogateescape").encode("ascii")
    return request.body


def _not_allowed(name: str) -> InputError:
    return InputError(
        f"The header {name} cannot be set.",
        code="header_not_allowed",
        field=f"headers.{name}",
        hint="Leave it out: it is set from the URL and the body.",
    )
