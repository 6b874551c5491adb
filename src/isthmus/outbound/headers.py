"""Header lists: what a caller may set, what travels on, and how a request's head is written.

Refuses anything that could be read as more than one header (CR, LF, NUL, line folding, names that are not tokens)
before a byte is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from isthmus.errors import InputError
from isthmus.outbound.remembered import Remembered
from isthmus.records import Headers

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_HEAD_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# RFC 9110 section 7.6.1 and what frames or routes a message: set by this package only.
FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"}
    | {"keep-alive", "http2-settings", "proxy-connection"}
)
_ONE_HOP = FRAMING - {"content-length"}
# A caller's own way in to us, and what tells a third party about our inside.
_REQUEST_ONLY_OURS = frozenset({"authorization", "cookie", "cookie2", "forwarded", "via", "x-real-ip"})
_OUR_PREFIXES = ("proxy-", "x-forwarded-", "isthmus-", "sec-")
# Headers by which a third party would act on our own origin in a browser.
_RESPONSE_DROPPED = frozenset(
    {"host", "transfer-encoding", "connection", "te", "trailer", "upgrade", "keep-alive", "proxy-connection"}
    | {"set-cookie", "set-cookie2", "www-authenticate", "authorization", "authentication-info"}
    | {"strict-transport-security", "public-key-pins", "public-key-pins-report-only", "alt-svc", "clear-site-data"}
    | {"content-security-policy", "content-security-policy-report-only", "service-worker-allowed", "refresh"}
    | {"report-to", "reporting-endpoints", "nel", "sourcemap", "x-sourcemap", "origin-agent-cluster", "expect-ct"}
)
_RESPONSE_PREFIXES = ("proxy-", "access-control-", "isthmus-", "cross-origin-")


def check_caller_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers a caller gave for one call, in their order, or InputError (`header_malformed`,
    `header_not_allowed`) with the field `headers.<Name>`. Nothing is dropped silently."""
    checked: list[tuple[str, str]] = []
    for name, value in headers:
        lower = lower_name(name)
        if lower in FRAMING or lower.startswith("proxy-") or "_" in lower:
            raise InputError(
                f"The header {name} cannot be set by a caller.",
                code="header_not_allowed",
                field=f"headers.{name}",
                hint="Leave it out: Isthmus sets what frames a message; write names with '-' instead of '_'.",
            )
        checked.append((name, check_value(name, value)))
    return tuple(checked)


def forwardable_request_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """What of a proxied request's headers travels on (RFC 9110 section 7.6.1); the rest is dropped.

    The caller's own credential, cookies and traces of our network go no further. Content-Length stays: it frames
    a streamed body, and is computed anew where the body is at hand.
    """
    return _forwardable(headers, _request_travels)


def forwardable_response_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """What of a third party's answer reaches the caller: no hop-by-hop header, no cookie, nothing that would
    change how a browser treats our own origin. Location and Link stay."""
    return _forwardable(headers, _response_travels)


def lower_name(name: str) -> str:
    """The name in lower case. Raises InputError (`header_malformed`) where it is not a token (RFC 9110, 5.6.2)."""
    return _lower_names[name]


def check_value(name: str, value: str) -> str:
    """The value as it is. Raises InputError (`header_malformed`) where it holds a control character."""
    if _CONTROL.search(value):
        raise _malformed(name, "value")
    return value


def encode_head(start: str, headers: list[tuple[str, str]]) -> bytes:
    """A request's head as bytes, each header on one line.

    Text up to U+00FF travels as ISO 8859-1, so that what came in that way (ASGI) leaves byte for byte; a value
    beyond it travels as UTF-8. Raises InputError (`header_malformed`) that names the header.
    """
    text = start + "".join([f"{name}: {value}\r\n" for name, value in headers]) + "\r\n"
    lines = len(headers) + start.count("\n") + 1
    if _HEAD_CONTROL.search(text) or text.count("\n") != lines or text.count("\r") != lines:
        raise _first_fault(headers)
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return b"\n".join(_encode_line(line, headers) for line in text.split("\n"))


def _encode_line(line: str, headers: list[tuple[str, str]]) -> bytes:
    try:
        return line.encode("latin-1" if max(line, default="") <= "\xff" else "utf-8")
    except UnicodeEncodeError:
        raise _first_fault(headers) from None


def _first_fault(headers: list[tuple[str, str]]) -> InputError:
    wrong = next((name for name, value in headers if _CONTROL.search(value)), "Host")
    return _malformed(wrong, "value")


def _forwardable(headers: Iterable[tuple[str, str]], travels: Remembered[str, bool]) -> Headers:
    """The headers whose names travel and that no Connection header declares to be for one hop."""
    kept: list[tuple[str, str]] = []
    listed: set[str] = set()
    for pair in headers:
        if travels[pair[0]]:
            kept.append(pair)
        elif pair[0].lower() == "connection":
            listed.update(part.strip().lower() for part in pair[1].split(","))
    if listed:
        kept = [pair for pair in kept if pair[0].lower() not in listed]
    return tuple(kept)


def _in_lower_case(name: str) -> str:
    if not _TOKEN.fullmatch(name) or len(name) > 256:
        raise _malformed(repr(name[:50])[1:-1], "name")
    return name.lower()


def _of_a_request(name: str) -> bool:
    lower = name.lower()
    return (
        lower not in _ONE_HOP
        and lower not in _REQUEST_ONLY_OURS
        and "_" not in lower
        and not lower.startswith(_OUR_PREFIXES)
    )


def _of_a_response(name: str) -> bool:
    lower = name.lower()
    return lower not in _RESPONSE_DROPPED and not lower.startswith(_RESPONSE_PREFIXES)


def _malformed(name: str, part: str) -> InputError:
    return InputError(
        f"The {part} of the header {name} is malformed.",
        code="header_malformed",
        field=f"headers.{name}",
        hint="Names are letters, digits and '-'; values hold no line breaks or control characters.",
    )


_lower_names = Remembered(_in_lower_case)
_request_travels = Remembered(_of_a_request)
_response_travels = Remembered(_of_a_response)
