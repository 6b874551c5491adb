"""`invokeurl`, `connection`, `sendmail`, `call`, `info`, `File`, and what the sandbox itself calls: `finish`."""

from __future__ import annotations

import json as _json
from typing import Any

from isthmus.functions.python_prelude.host import ask, output_limit

_HEX = "0123456789ABCDEF"
_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_LINE = 60_000
_write = print
_printed = [0]


class File:
    """A file to send or receive: a name, bytes, a content type and the form field that it is sent as."""

    def __init__(
        self,
        name: str,
        content: bytes,
        content_type: str = "application/octet-stream",
        charset: str = "",
        param_name: str = "file",
    ) -> None:
        self.name = name
        self.content = content if isinstance(content, bytes) else str(content).encode()
        self.content_type = content_type
        self.charset = charset
        self.param_name = param_name


class Response:
    """What came back: `status`, `headers`, `body` in bytes; `text`, and `json()` for what it says it is."""

    def __init__(self, status: int, headers: dict[str, str], content: bytes, url: str) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self.url = url
        self.ok = 200 <= status < 300
        self.text = content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; raises ValueError where it is none."""
        return _json.loads(self.text)

    def raise_for_status(self) -> Response:
        """This response, where its status is below 400; raises RuntimeError otherwise."""
        if self.status >= 400:
            raise RuntimeError("HTTP " + str(self.status) + " from " + self.url + ": " + self.text[:200])
        return self


class Connection:
    """Calls through one connection; a URL without a host is below the service's base URL."""

    def __init__(self, link_name: str) -> None:
        self.link_name = link_name

    def get(self, url: str, **options: Any) -> Response:
        """GET a URL."""
        return invokeurl(url, "GET", connection=self.link_name, **options)

    def post(self, url: str, **options: Any) -> Response:
        """POST to a URL."""
        return invokeurl(url, "POST", connection=self.link_name, **options)

    def put(self, url: str, **options: Any) -> Response:
        """PUT to a URL."""
        return invokeurl(url, "PUT", connection=self.link_name, **options)

    def patch(self, url: str, **options: Any) -> Response:
        """PATCH a URL."""
        return invokeurl(url, "PATCH", connection=self.link_name, **options)

    def delete(self, url: str, **options: Any) -> Response:
        """DELETE a URL."""
        return invokeurl(url, "DELETE", connection=self.link_name, **options)


def connection(link_name: str) -> Connection:
    """The connection with this link name."""
    return Connection(link_name)


def invokeurl(
    url: str,
    method: str = "GET",
    *,
    parameters: Any = None,
    headers: Any = None,
    json: Any = None,
    form: Any = None,
    body: Any = None,
    files: Any = None,
    connection: str = "",
    timeout: float = 40,
) -> Response:
    """Call a URL. `parameters` go to the query; one of `json`, `form`, `body` (text, bytes, File) is sent."""
    if parameters:
        url = url + ("&" if "?" in url else "?") + _query(parameters)
    kind = ""
    if json is not None:
        body = _json.dumps(json)
        kind = "application/json"
    elif isinstance(body, bytes):
        body = File("body", body)
    given = {
        "url": url,
        "type": method,
        "headers": headers,
        "parameters": form,
        "body": body,
        "files": [files] if isinstance(files, File) else files,
        "content_type": kind,
        "connection": connection,
        "timeout_seconds": timeout,
    }
    reply = ask("invokeurl", _plain(given))
    return Response(reply["status"], reply["headers"], reply["body"], reply["url"])


def sendmail(
    *,
    to: Any,
    subject: str,
    message: str,
    cc: Any = None,
    bcc: Any = None,
    reply_to: Any = None,
    sender: Any = None,
    attachments: Any = None,
) -> None:
    """Send a mail; addresses are a text or a list of texts."""
    given = {
        "from": _addresses(sender),
        "to": _addresses(to),
        "cc": _addresses(cc),
        "bcc": _addresses(bcc),
        "reply_to": _addresses(reply_to),
        "subject": subject,
        "message": message,
        "attachments": attachments or [],
    }
    ask("sendmail", _plain(given))


def call(name: str, *arguments: Any) -> Any:
    """The value of another function, `standalone.notify`."""
    return _object(ask("call", {"name": name, "arguments": _plain(list(arguments))}))


def info(*values: Any) -> None:
    """Print one line into the run's output."""
    _print(" ".join([str(value)[:_LINE] for value in values]))


def print(*values: Any, sep: str = " ", end: str = "", file: Any = None, flush: bool = False) -> None:
    """The same as `info`, for those who are used to it."""
    _print(sep.join([str(value)[:_LINE] for value in values]))


def _print(line: str) -> None:
    _printed[0] += len(line) + 1
    if _printed[0] > output_limit:
        raise SystemExit("limit_output")
    _write(line, end="\x1e")


def finish(value: Any) -> Any:
    """What the sandbox takes out as the run's value."""
    return (_plain(value), 0)


def start(arguments: Any) -> Any:
    """The arguments of `main`, as this language has them."""
    return _object(arguments)


def _plain(value: Any) -> Any:
    if isinstance(value, File):
        return ("file", value.name, value.content, value.content_type, value.charset, value.param_name)
    if isinstance(value, Response):
        return {"status": value.status, "headers": value.headers, "body": value.text}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(value[key]) for key in value}
    return value


def _object(value: Any) -> Any:
    if isinstance(value, tuple):
        return File(value[1], value[2], value[3], value[4], value[5])
    if isinstance(value, list):
        return [_object(item) for item in value]
    if isinstance(value, dict):
        return {key: _object(value[key]) for key in value}
    return value


def _addresses(value: Any) -> list[str]:
    if not value:
        return []
    return [value] if isinstance(value, str) else list(value)


def _query(parameters: Any) -> str:
    return "&".join([_escaped(str(key)) + "=" + _escaped(str(parameters[key])) for key in parameters])


def _escaped(text: str) -> str:
    parts = []
    for byte in text.encode():
        character = chr(byte)
        if character in _SAFE:
            parts.append(character)
        else:
            parts.append("%" + _HEX[byte >> 4] + _HEX[byte & 15])
    return "".join(parts)
