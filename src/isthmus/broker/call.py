"""A call as the edges hand it in, and as it goes to the third party before its credential is attached."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from isthmus.broker.tokens import draw_moment
from isthmus.errors import AccessDenied, InputError
from isthmus.expressions import fill
from isthmus.outbound import check_caller_headers
from isthmus.records import Connection, Headers, HttpRequest, Service

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class File:
    """One part of a multipart body."""

    name: str
    filename: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Call:
    """One invokeurl. `url` may be relative to the service's base URL.

    `parameters`: a mapping goes into the query, or into a form body for POST, PUT and PATCH without another body;
    text goes as it is. `body`: text or bytes as they are, anything else as JSON. `user` names the resource owner.
    `all_pages` follows a list to its end.
    """

    url: str = field(repr=False)
    method: str = "GET"
    parameters: Mapping[str, Any] | str | None = field(default=None, repr=False)
    headers: Headers = field(default=(), repr=False)
    body: Any = field(default=None, repr=False)
    content_type: str | None = None
    files: Sequence[File] = ()
    user: str | None = None
    request_id: str = ""
    all_pages: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The third party's answer, whatever its status; header names in lower case, duplicates kept. `pages` is how many
    were gathered, 0 for an answer as it came."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    elapsed_ms: float
    request_id: str
    pages: int = 0


@dataclass(frozen=True, slots=True)
class StreamCall:
    """One call through the proxy. `target` is the raw path and query below the service's base URL."""

    method: str
    target: str = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    body: AsyncIterator[bytes] | None = None
    content_length: int | None = None
    user: str | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """The head of the answer, fit for forwarding, and its body as it comes."""

    status: int
    headers: Headers = field(repr=False)
    chunks: AsyncIterator[bytes]


def build_request(service: Service, call: Call) -> HttpRequest:
    """The request without credential. Raises InputError that names the field."""
    method = call.method.upper()
    if method not in _METHODS:
        hint = f"Use one of {', '.join(sorted(_METHODS))}."
        raise InputError(f"The method {call.method[:20]!r} is not supported.", field="type", hint=hint)
    headers = check_caller_headers(call.headers)
    url = absolute_url(service, call.url)
    content = _content(method, call)
    if content.in_query:
        url = _with_query(url, call.parameters)
    if content.media_type:
        headers = _with_header(headers, "Content-Type", content.media_type)
    return HttpRequest(method, url, with_service_headers(service, headers), content.body, content.form)


@dataclass(frozen=True, slots=True)
class _Content:
    """What the body holds, and whether the parameters go into the query instead."""

    media_type: str = ""
    body: bytes = b""
    form: tuple[tuple[str, str], ...] | None = None
    in_query: bool = False


def _content(method: str, call: Call) -> _Content:
    if call.files:
        body, media_type = _multipart(call)
        return _Content(media_type, body)
    if call.body is not None:
        body, media_type = _encode_body(call)
        return _Content(media_type, body, in_query=True)
    if method not in _BODY_METHODS or call.parameters is None:
        return _Content(in_query=True)
    if isinstance(call.parameters, str):
        # The plain name where it says everything: that is what scripts count on.
        plain = "text/plain" if call.parameters.isascii() else "text/plain; charset=utf-8"
        return _Content(call.content_type or plain, call.parameters.encode())
    if call.content_type is not None and "json" in call.content_type.lower():
        return _Content(call.content_type, json.dumps(call.parameters, ensure_ascii=False).encode())
    return _Content(call.content_type or _FORM, form=tuple(_pairs(call.parameters)))


def absolute_url(service: Service, url: str) -> str:
    """`url`, or what it is relative to the service's base URL (below it, also when it begins with a slash)."""
    if "://" in url[:12]:
        return url
    if not service.base_url:
        raise InputError(
            "A relative URL needs a service with a base URL.", field="url", hint="Give the whole URL, or set base_url."
        )
    if url.startswith("//") or ":" in url.split("/", 1)[0].split("?", 1)[0]:
        raise InputError(
            "The URL is neither absolute nor a path.",
            field="url",
            code="url_malformed",
            hint="Begin it with https:// or /.",
        )
    if url.startswith("?") or not url:
        return service.base_url + url
    return service.base_url.rstrip("/") + "/" + url.lstrip("/")


def stream_url(service: Service, target: str) -> str:
    """The absolute URL of a proxied target, byte for byte below the base URL."""
    if not service.base_url:
        raise InputError(
            f"The service {service.link_name!r} has no base URL, which the proxy needs.",
            field="base_url",
            hint="Set base_url on the service, or use invoke with the whole URL.",
        )
    return service.base_url.rstrip("/") + target


def check_policy(connection: Connection, service: Service, method: str, path: str) -> None:
    """Raise AccessDenied (`policy_denied`) where the connection's policy forbids the method or path.

    A prefix is a whole number of path segments; one that does not begin with the base URL's path is taken below it.
    """
    policy = connection.policy
    if policy.methods and method.upper() not in policy.methods:
        raise AccessDenied(
            f"The policy of {connection.link_name!r} does not allow {method.upper()}.",
            code="policy_denied",
            hint="An administrator can change the connection's policy.",
        )
    if not policy.path_prefixes:
        return
    bare = path.split("?", 1)[0]
    base = urlsplit(service.base_url).path.rstrip("/")
    for prefix in policy.path_prefixes:
        whole = (prefix if prefix.startswith(base) else base + prefix).rstrip("/")
        if bare == whole or bare.startswith(whole + "/"):
            return
    raise AccessDenied(
        f"The policy of {connection.link_name!r} does not allow this path.",
        code="policy_denied",
        hint="An administrator can change the connection's policy.",
    )


def with_service_headers(service: Service, headers: Headers) -> Headers:
    """The headers that every call of the service carries, where the caller gave none of that name."""
    if not service.headers:
        return headers
    given = {name.lower() for name, _ in headers}
    own = [(name, value) for name, value in service.headers.items() if name.lower() not in given]
    if any("${" in value for _, value in own):
        moment = draw_moment(datetime.now(UTC))
        own = [(name, fill(value, {}, moment=moment)) for name, value in own]
    return (*headers, *own)


def _with_header(headers: Headers, name: str, value: str) -> Headers:
    if any(key.lower() == name.lower() for key, _ in headers):
        return headers
    return (*headers, (name, value))


def _with_query(url: str, parameters: Mapping[str, Any] | str | None) -> str:
    if not parameters:
        return url
    added = parameters.lstrip("?") if isinstance(parameters, str) else urlencode(_pairs(parameters), quote_via=quote)
    if "?" not in url:
        return f"{url}?{added}"
    return url + added if url.endswith(("?", "&")) else f"{url}&{added}"


def _pairs(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in parameters.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs.extend((key, _text(item)) for item in values)
    return pairs


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _encode_body(call: Call) -> tuple[bytes, str]:
    if isinstance(call.body, bytes):
        return call.body, call.content_type or "application/octet-stream"
    if isinstance(call.body, str):
        return call.body.encode(), call.content_type or "text/plain; charset=utf-8"
    if call.content_type and _FORM in call.content_type.lower() and isinstance(call.body, Mapping):
        return urlencode(_pairs(call.body)).encode(), call.content_type
    return json.dumps(call.body, ensure_ascii=False).encode(), call.content_type or "application/json"


def _multipart(call: Call) -> tuple[bytes, str]:
    boundary = f"isthmus-{secrets.token_hex(16)}"
    parts: list[bytes] = []
    fields = call.parameters if isinstance(call.parameters, Mapping) else {}
    for name, value in _pairs(fields):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'
        parts.append(head.encode() + value.encode() + b"\r\n")
    for file in call.files:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(file.name)}"; '
            f'filename="{_quoted(file.filename)}"\r\nContent-Type: {_media_type(file.content_type)}\r\n\r\n'
        )
        parts.append(head.encode() + file.content + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _quoted(text: str) -> str:
    """As HTML's form submission escapes names (quote, CR and LF)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _media_type(text: str) -> str:
    if any(ord(character) < 32 or ord(character) > 126 for character in text):
        raise InputError(
            "A file's content type is malformed.", field="files", hint="Give a media type such as text/csv."
        )
    return text
