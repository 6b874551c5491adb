"""What a run asks of the world, taken apart and checked: a `HostCall`, or words for what is wrong with it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from isthmus.functions.host import File, HostCall
from isthmus.functions.sandbox.values import Unfit, outward

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_MAIL_LISTS = ("from", "to", "cc", "bcc", "reply_to")
MAX_URL = 16_000


def host_call(asked: tuple[Any, ...], zone: ZoneInfo) -> tuple[HostCall, int]:
    """The call behind `ask(name, arguments, line, column, statements)`, and the statements executed so far.

    Raises Unfit.
    """
    name = asked[0] if asked else None
    if name not in ("invokeurl", "sendmail", "call") or len(asked) not in (2, 5) or not isinstance(asked[1], dict):
        raise Unfit("The function asked for something that there is not.")
    line, column, statements = asked[2:] if len(asked) == 5 else (0, 0, 0)
    if not all(isinstance(number, int) and 0 <= number < 1 << 40 for number in (line, column, statements)):
        raise Unfit("The function asked for something that there is not.")
    given = outward(asked[1], zone)
    arguments = {"invokeurl": _invokeurl, "sendmail": _sendmail, "call": _call}[name](given)
    return HostCall(name, arguments, line, column), statements


def _invokeurl(given: dict[str, Any]) -> dict[str, Any]:
    url = given.get("url")
    if not isinstance(url, str) or not url:
        raise Unfit("invokeurl needs a url.")
    if len(url) > MAX_URL:
        raise Unfit(f"The url of invokeurl has more than {MAX_URL} characters.")
    kind = given.get("type") or "GET"
    if not isinstance(kind, str) or kind.upper() not in METHODS:
        raise Unfit(f"The type of invokeurl is one of {', '.join(METHODS)}.")
    headers = given.get("headers")
    if headers is not None and not isinstance(headers, dict):
        raise Unfit("The headers of invokeurl are a map.")
    files = given.get("files") or []
    if not isinstance(files, list) or not all(isinstance(file, File) for file in files):
        raise Unfit("The files of invokeurl are files.")
    return {
        "url": url,
        "type": kind.upper(),
        "headers": headers,
        "parameters": given.get("parameters"),
        "body": given.get("body"),
        "files": files,
        "content_type": _words(given, "content_type"),
        "connection": _words(given, "connection") or None,
        "detailed": given.get("detailed") is True,
        "response_format": _words(given, "response_format"),
        "response_decoding": _words(given, "response_decoding"),
        "timeout_seconds": _seconds(given.get("timeout_seconds")),
    }


def _sendmail(given: dict[str, Any]) -> dict[str, Any]:
    lists = {}
    for key in _MAIL_LISTS:
        value = given.get(key) or []
        if not isinstance(value, list) or not all(isinstance(address, str) for address in value):
            raise Unfit(f"`{key.replace('_', ' ')}` of sendmail takes a text or a list of texts.")
        lists[key] = value
    if not lists["to"]:
        raise Unfit("sendmail needs `to`.")
    attachments = given.get("attachments") or []
    if not isinstance(attachments, list) or not all(isinstance(file, File) for file in attachments):
        raise Unfit("The attachments of sendmail are files.")
    mail = {"subject": _words(given, "subject"), "message": _words(given, "message")}
    return {**lists, **mail, "attachments": attachments}


def _call(given: dict[str, Any]) -> dict[str, Any]:
    name, arguments = given.get("name"), given.get("arguments")
    if not isinstance(name, str) or not name or len(name) > 200 or not isinstance(arguments, list):
        raise Unfit("A call needs the name of a function and its arguments.")
    return {"name": name, "arguments": arguments}


def _words(given: dict[str, Any], key: str) -> str:
    value = given.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unfit(f"`{key.replace('_', '-')}` takes a text.")
    return value


def _seconds(value: Any) -> float:
    if value is None:
        return 40.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 40:
        raise Unfit("`timeout_seconds` takes a number of seconds up to 40.")
    return float(value)
