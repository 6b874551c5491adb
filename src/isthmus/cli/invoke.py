"""`isthmus invoke`: one call with a connection's credential, like curl."""

from __future__ import annotations

import json
import secrets
import sys
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from isthmus.app import Isthmus
from isthmus.broker.call import Answer, Call
from isthmus.cli.errors import FAILED
from isthmus.cli.operator import ConfigOption, LinkName, UserOption, operate, write
from isthmus.cli.outcome import told
from isthmus.errors import InputError
from isthmus.records import Headers


@told
def invoke(
    link: LinkName,
    method: Annotated[str, typer.Argument(help="GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.")],
    url: Annotated[str, typer.Argument(help="Absolute, or relative to the service's base URL.")],
    data: Annotated[
        str | None, typer.Option("-d", "--data", help="The body; @FILE reads a file, @- standard input.")
    ] = None,
    header: Annotated[list[str] | None, typer.Option("-H", "--header", help="'Name: value'; repeatable.")] = None,
    user: UserOption = None,
    include: Annotated[bool, typer.Option("-i", "--include", help="Print status and headers first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")] = False,
    all_pages: Annotated[
        bool, typer.Option("--all-pages", help="Follow a list to its end; prints one list of all items.")
    ] = False,
    fail: Annotated[bool, typer.Option("--fail", help="Exit 1 where the third party answers 400 or above.")] = False,
    config: ConfigOption = None,
) -> None:
    """Make one call with a connection's credential, like curl. The third party's body goes to standard output.

    A body without a Content-Type header is sent as JSON if it is JSON, otherwise as a form.
    """
    call = _call(method, url, tuple(_header(text) for text in header or ()), _data(data), user)
    call = replace(call, all_pages=all_pages)

    async def work(isthmus: Isthmus) -> Answer:
        return await isthmus.invoker.invoke(isthmus.protect.system_actor(), link, call)

    answer = operate(config, work)
    if as_json:
        print(json.dumps(document(answer), indent=2, ensure_ascii=False))
    else:
        if include:
            lines = [f"HTTP {answer.status}", *(f"{name}: {value}" for name, value in answer.headers), "", ""]
            write("\r\n".join(lines).encode())
        write(answer.body)
    if fail and answer.status >= 400:
        raise typer.Exit(FAILED)


def document(answer: Answer) -> dict[str, Any]:
    """The answer as the REST API gives it: the body as decoded JSON, else as text, else as `body_base64`."""
    headers: dict[str, str] = {}
    for name, value in answer.headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    shown: dict[str, Any] = {"status": answer.status, "headers": headers}
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        shown["body_base64"] = b64encode(answer.body).decode()
    else:
        shown["body"] = _json_or_text(text, headers.get("content-type", ""))
    pages = {"pages": answer.pages} if answer.pages else {}
    return {**shown, "elapsed_ms": round(answer.elapsed_ms, 1), "request_id": answer.request_id, **pages}


def _json_or_text(text: str, content_type: str) -> Any:
    if "json" not in content_type.lower():
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _call(method: str, url: str, headers: Headers, body: bytes | None, user: str | None) -> Call:
    media_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    if body is not None and media_type is None:
        media_type = _guess(body)
    return Call(
        url=url,
        method=method.upper(),
        headers=headers,
        body=body,
        content_type=media_type,
        user=user,
        request_id=f"cli-{secrets.token_hex(8)}",
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise InputError("-H takes 'Name: value'.", field="-H", hint="Such as -H 'Accept: application/json'.")
    return name.strip(), value.strip()


def _data(data: str | None) -> bytes | None:
    if data is None:
        return None
    if data == "@-":
        return sys.stdin.buffer.read()
    if data.startswith("@"):
        try:
            return Path(data[1:]).read_bytes()
        except OSError as problem:
            raise InputError(
                f"{data[1:]} cannot be read: {problem.strerror}.", field="-d", hint="Name a file that is there."
            ) from problem
    return data.encode()


def _guess(body: bytes) -> str:
    """JSON if it is, otherwise a form, as curl would have it."""
    try:
        json.loads(body)
    except ValueError:
        return "application/x-www-form-urlencoded"
    return "application/json"
