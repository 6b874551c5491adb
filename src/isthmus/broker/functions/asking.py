"""What a function asks of the world, in the words of a call: `invokeurl` as a `Call`, `sendmail` as a `Mail`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from isthmus.broker.call import Call
from isthmus.broker.call import File as Part
from isthmus.broker.functions.values import write_json
from isthmus.errors import InputError
from isthmus.functions.host import File
from isthmus.records import Headers, Mail, MailFile

_FORM = "application/x-www-form-urlencoded"


def call_of(asked: Mapping[str, Any], *, user: str | None, request_id: str) -> Call:
    """The call that `invokeurl` describes. Raises InputError that names the key.

    A Content-Type among the headers counts as `content-type`. A file as parameters or body is sent as it is.
    """
    headers, content_type = _headers(asked.get("headers") or {}, asked.get("content_type") or None)
    parameters, body = asked.get("parameters"), asked.get("body")
    files = [_part(file) for file in asked.get("files") or ()]
    if files and body is not None and parameters is None:
        parameters, body = body, None
    if isinstance(parameters, File) and body is None:
        parameters, body = None, parameters
    body, content_type = _body(body, content_type)
    parameters, content_type = _parameters(parameters, content_type, bodiless=body is None and not files)
    return Call(
        url=str(asked["url"]),
        method=str(asked.get("type") or "GET").upper(),
        parameters=parameters,
        headers=headers,
        body=body,
        content_type=content_type,
        files=files,
        user=user,
        request_id=request_id,
    )


def mail_of(asked: Mapping[str, Any]) -> Mail:
    """The mail that `sendmail` describes. It is sent from the installation's address; `from` is where answers go."""
    message = str(asked.get("message") or "")
    return Mail(
        to=tuple(asked.get("to") or ()),
        cc=tuple(asked.get("cc") or ()),
        bcc=tuple(asked.get("bcc") or ()),
        reply_to=tuple(asked.get("reply_to") or asked.get("from") or ()),
        subject=str(asked.get("subject") or ""),
        text=message,
        html="<" in message and ">" in message,
        files=tuple(MailFile(file.name, file.content, file.content_type) for file in asked.get("attachments") or ()),
    )


def _headers(given: Mapping[str, Any], content_type: str | None) -> tuple[Headers, str | None]:
    """The headers as text, and the content type that they give: it wins over the key."""
    if not isinstance(given, Mapping):
        raise InputError("The headers are a map.", field="headers", hint='Such as {"Accept": "application/json"}.')
    headers: list[tuple[str, str]] = []
    for name, value in given.items():
        if value is None:
            continue
        if str(name).lower() == "content-type":
            content_type = _text(value)
        else:
            headers.append((str(name), _text(value)))
    return tuple(headers), content_type


def _body(body: Any, content_type: str | None) -> tuple[Any, str | None]:
    if isinstance(body, File):
        return body.content, content_type or body.content_type
    if body is None or isinstance(body, str | bytes):
        return body, content_type
    if isinstance(body, Mapping) and content_type and _FORM in content_type.lower():
        return _plain(body), content_type
    return write_json(body), content_type or "application/json"


def _parameters(parameters: Any, content_type: str | None, *, bodiless: bool) -> tuple[Any, str | None]:
    if isinstance(parameters, File):
        raise InputError("A file as parameters cannot go together with a body.", field="parameters", hint="Use files.")
    if parameters is None or isinstance(parameters, str):
        return parameters, content_type
    if isinstance(parameters, Mapping):
        if bodiless and content_type and "json" in content_type.lower():
            return write_json(parameters), content_type
        return _plain(parameters), content_type
    if isinstance(parameters, Sequence):
        return write_json(parameters), content_type or "application/json"
    return _text(parameters), content_type


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as text for a query, a form or the parts of a multipart body; a list repeats its key."""
    return {
        str(key): [_text(item) for item in value] if isinstance(value, list | tuple) else _text(value)
        for key, value in values.items()
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date | time) else write_json(value)


def _part(file: File) -> Part:
    kind = file.content_type
    if file.charset and "charset" not in kind.lower():
        kind = f"{kind}; charset={file.charset}"
    return Part(file.param_name or "file", file.name, file.content, kind)
