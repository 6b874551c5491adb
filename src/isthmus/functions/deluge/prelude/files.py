"""FILE."""

from __future__ import annotations

import csv
from typing import Any

from isthmus.functions.deluge.prelude.host import ask
from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.texts import part_of
from isthmus.functions.deluge.prelude.values import File, plain, unfit

MAX_CONTENT = 2 * 1024 * 1024
KINDS = {
    "txt": "text/plain",
    "csv": "text/csv",
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
    "htm": "text/html",
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "svg": "image/svg+xml",
    "zip": "application/zip",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ics": "text/calendar",
    "md": "text/markdown",
}


def file(value: Any, name: str) -> Any:
    """The file that a function works on."""
    return value if type(value) is File else unfit(name, value)


def kind_of_file(name: str) -> str:
    """The content type that a file's name tells."""
    return KINDS.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def f_tofile(x: Any, name: Any) -> File:
    called = part_of(name, "toFile")
    if type(x) is File:
        return File(called, x.content, kind_of_file(called), x.charset, x.param_name)
    if x is None:
        unfit("toFile", x)
    content = text(x).encode("utf-8")
    if len(content) > MAX_CONTENT:
        raise ValueError("'toFile' function: the text is over the limit of 2 MB.")
    return File(called, content, kind_of_file(called), "UTF-8", "file")


def f_getfilename(x: Any) -> str:
    return str(file(x, "getFileName").name)


def f_getfilesize(x: Any) -> int:
    return len(file(x, "getFileSize").content)


def f_getfiletype(x: Any) -> str:
    return str(file(x, "getFileType").content_type)


def f_getfilecontent(x: Any) -> str:
    owner = file(x, "getFileContent")
    if len(owner.content) > MAX_CONTENT:
        raise ValueError("'getFileContent' function: the file is over the limit of 2 MB.")
    return content_text(owner)


def content_text(owner: File) -> str:
    """A file's content as text, by its character set."""
    charset = owner.charset.lower()
    if charset in ("", "utf-8", "utf8"):
        return owner.content.decode("utf-8", "replace")
    return str(ask("decode", owner.content, owner.charset))


def f_setfilename(x: Any, name: Any) -> Any:
    file(x, "setFileName").name = part_of(name, "setFileName")
    return x


def f_setfiletype(x: Any, name: Any) -> Any:
    file(x, "setFileType").content_type = part_of(name, "setFileType")
    return x


def f_setcharset(x: Any, name: Any) -> Any:
    file(x, "setCharset").charset = part_of(name, "setCharset")
    return x


def f_setparamname(x: Any, name: Any) -> Any:
    file(x, "setParamName").param_name = part_of(name, "setParamName")
    return x


def f_compress(x: Any, name: Any) -> File:
    owners = plain(x) if type(plain(x)) is list else [x]
    content = ask("compress", [[file(owner, "compress").name, owner.content] for owner in owners])
    called = part_of(name, "compress")
    return File(called if "." in called else called + ".zip", content, "application/zip", "", "file")


def f_extract(x: Any) -> list[File]:
    return [
        File(name, content, kind_of_file(name), "", "file")
        for name, content in ask("extract", file(x, "extract").content)
    ]


def csv_rows(owner: File) -> list[Any]:
    """The rows of a CSV file, each a list of texts."""
    if len(owner.content) > MAX_CONTENT:
        raise ValueError("for each takes a CSV file of at most 2 MB.")
    return [row for row in csv.reader(content_text(owner).splitlines())]
