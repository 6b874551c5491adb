"""Calls to the world, and what the language makes of the replies."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.files import kind_of_file
from isthmus.functions.deluge.prelude.host import ask
from isthmus.functions.deluge.prelude.outgoing import incoming, outgoing
from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.values import File, plain

TEXTUAL = (
    "text/",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-www-form-urlencoded",
)


def invoke(given: Any, line: int, column: int, statements: int) -> Any:
    """The task invokeurl."""
    headers = plain(given.get("headers"))
    files = plain(given.get("files"))
    if type(files) is dict:
        files = [named(files[key], key) for key in files]
    elif files is not None and type(files) is not list:
        files = [files]
    asked = {
        "url": text(given.get("url")).strip() if given.get("url") is not None else "",
        "type": text(given.get("type", "GET")),
        "headers": {text(key): text(headers[key]) for key in headers} if type(headers) is dict else None,
        "parameters": outgoing(given.get("parameters")),
        "body": outgoing(given.get("body")),
        "files": outgoing(files),
        "content_type": word(given, "content-type"),
        "connection": word(given, "connection"),
        "detailed": given.get("detailed") is True,
        "response_format": word(given, "response-format"),
        "response_decoding": word(given, "response-decoding"),
    }
    reply = ask("invokeurl", asked, line, column, statements)
    body = shaped(reply, asked["response_format"].upper(), asked["response_decoding"])
    if asked["detailed"]:
        return {"responseCode": reply["status"], "responseText": body, "responseHeader": reply["headers"]}
    return body


def named(value: Any, key: Any) -> Any:
    """A file of a map of files, with its key as the form field."""
    if type(value) is File:
        return File(value.name, value.content, value.content_type, value.charset, text(key))
    return value


def word(given: Any, key: str) -> str:
    """A key of a task that takes a text; empty where it is not given."""
    value = given.get(key)
    return "" if value is None else text(value)


def header(reply: Any, name: str) -> str:
    """A header of a reply, whatever the case of its letters."""
    for key in reply["headers"]:
        if key.lower() == name:
            return text(reply["headers"][key])
    return ""


def shaped(reply: Any, form: str, charset: str) -> Any:
    """A reply as the language has it: JSON as map or list, other text as TEXT, anything else as FILE."""
    content = reply["body"]
    kind = header(reply, "content-type")
    if form == "FILE":
        return reply_file(reply, content, kind)
    declared = charset or charset_of(kind)
    if declared.lower() in ("", "utf-8", "utf8"):
        try:
            written = content.decode("utf-8")
        except ValueError:
            if not kind.startswith(TEXTUAL):
                return reply_file(reply, content, kind)
            written = content.decode("utf-8", "replace")
    else:
        written = ask("decode", content, declared)
    if form == "TEXT":
        return written
    if "\0" in written and not kind.startswith(TEXTUAL):
        return reply_file(reply, content, kind)
    if written.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(written, parse_float=Decimal)
        except (ValueError, RecursionError):
            return written
    return written


def charset_of(kind: str) -> str:
    """The character set that a content type names."""
    _, found, rest = kind.lower().partition("charset=")
    return rest.split(";")[0].strip().strip('"') if found else ""


def reply_file(reply: Any, content: bytes, kind: str) -> File:
    """A reply as a file, named by its header or its URL."""
    _, found, rest = header(reply, "content-disposition").partition("filename=")
    name = rest.split(";")[0].strip().strip('"') if found else reply["url"].split("?")[0].rpartition("/")[2]
    name = name.rpartition("/")[2] or "file"
    return File(name, content, kind.split(";")[0].strip() or kind_of_file(name), "", "file")


def fetched(url: Any, method: str, body: Any, extra: Any, at: tuple[int, int, int]) -> Any:
    """getUrl and its kin: the text, or with false the reply in full."""
    headers = None
    simple = True
    for value in extra:
        if type(value) is bool:
            simple = value
        elif value is not None:
            headers = value
    given = {"url": url, "type": method, "headers": headers, "response-format": "TEXT"}
    if body is not None:
        given["parameters"] = body
    if not simple:
        given["detailed"] = True
    return invoke(given, at[0], at[1], at[2])


def f_geturl(at: Any, url: Any, *extra: Any) -> Any:
    return fetched(url, "GET", None, extra, at)


def f_posturl(at: Any, url: Any, body: Any, *extra: Any) -> Any:
    return fetched(url, "POST", body, extra, at)


def f_invokeurl(at: Any, url: Any, method: Any, *extra: Any) -> Any:
    body = None
    rest = list(extra)
    if rest and type(rest[0]) is not bool:
        body = rest.pop(0)
    return fetched(url, text(method), body, rest, at)


def send_mail(given: Any, line: int, column: int, statements: int) -> None:
    """The task sendmail."""
    attachments = plain(given.get("attachments"))
    if attachments is not None and type(attachments) is not list:
        attachments = [attachments]
    asked = {
        "from": addresses(given.get("from")),
        "to": addresses(given.get("to")),
        "cc": addresses(given.get("cc")),
        "bcc": addresses(given.get("bcc")),
        "reply_to": addresses(given.get("reply to")),
        "subject": word(given, "subject"),
        "message": word(given, "message"),
        "attachments": outgoing(attachments or []),
    }
    ask("sendmail", asked, line, column, statements)


def addresses(value: Any) -> list[str]:
    """Addresses out of a text (with commas) or a list."""
    value = plain(value)
    if value is None:
        return []
    items = value if type(value) is list else text(value).split(",")
    return [text(item).strip() for item in items if text(item).strip()]


def call(name: str, arguments: Any, line: int, column: int, statements: int) -> Any:
    """Another function."""
    asked = {"name": name, "arguments": outgoing(arguments)}
    return incoming(ask("call", asked, line, column, statements))
