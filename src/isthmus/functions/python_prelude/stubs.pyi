# What the type checker is told of the names that a Python function finds; `calls` has their meaning.
from typing import Any

def begin_check() -> None: ...

class File:
    name: str
    content: bytes
    content_type: str
    charset: str
    param_name: str
    def __init__(
        self, name: str, content: bytes | str, content_type: str = ..., charset: str = ..., param_name: str = ...
    ) -> None: ...

class Response:
    status: int
    headers: dict[str, str]
    content: bytes
    url: str
    ok: bool
    text: str
    def json(self) -> Any: ...
    def raise_for_status(self) -> Response: ...

class Connection:
    link_name: str
    def get(
        self,
        url: str,
        *,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 40,
    ) -> Response: ...
    def post(
        self,
        url: str,
        *,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        json: Any = None,
        form: dict[str, Any] | None = None,
        body: str | bytes | File | None = None,
        files: File | list[File] | None = None,
        timeout: float = 40,
    ) -> Response: ...
    def put(
        self,
        url: str,
        *,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        json: Any = None,
        form: dict[str, Any] | None = None,
        body: str | bytes | File | None = None,
        files: File | list[File] | None = None,
        timeout: float = 40,
    ) -> Response: ...
    def patch(
        self,
        url: str,
        *,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        json: Any = None,
        form: dict[str, Any] | None = None,
        body: str | bytes | File | None = None,
        files: File | list[File] | None = None,
        timeout: float = 40,
    ) -> Response: ...
    def delete(
        self,
        url: str,
        *,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        json: Any = None,
        body: str | bytes | File | None = None,
        timeout: float = 40,
    ) -> Response: ...

def connection(link_name: str) -> Connection: ...
def invokeurl(
    url: str,
    method: str = "GET",
    *,
    parameters: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    json: Any = None,
    form: dict[str, Any] | None = None,
    body: str | bytes | File | None = None,
    files: File | list[File] | None = None,
    connection: str = "",
    timeout: float = 40,
) -> Response: ...
def sendmail(
    *,
    to: str | list[str],
    subject: str,
    message: str,
    cc: str | list[str] | None = None,
    bcc: str | list[str] | None = None,
    reply_to: str | list[str] | None = None,
    sender: str | None = None,
    attachments: list[File] | None = None,
) -> None: ...
def call(name: str, *arguments: Any) -> Any: ...
def info(*values: object) -> None: ...
