"""The path and query parameters that routes share. A malformed name in a path is answered like an unknown one."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Path, Query

from isthmus.errors import NotFound

_LINK_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_ID = re.compile(r"[A-Za-z0-9_:.-]{1,100}")
_TEXT = r"^[^\x00-\x1f\x7f]*$"


async def _link_name(
    link_name: Annotated[str, Path(description="The link name: a small letter, then small letters, digits, _.")],
) -> str:
    if not _LINK_NAME.fullmatch(link_name):
        raise NotFound("There is nothing with this link name.", field="link_name")
    return link_name


def is_identifier(value: str) -> bool:
    """Whether this could be an id of ours."""
    return _ID.fullmatch(value) is not None


async def _identifier(id: Annotated[str, Path(description="The id, as a list gave it.")]) -> str:
    if not is_identifier(id):
        raise NotFound("There is nothing with this id.", field="id")
    return id


LinkName = Annotated[str, Depends(_link_name)]
Identifier = Annotated[str, Depends(_identifier)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, pattern=_TEXT, description="Where to go on: `next_cursor` of the page before.")
]
User = Annotated[
    str | None,
    Query(
        max_length=255,
        pattern=_TEXT,
        description="The resource owner, where the connection uses the login user's credentials.",
    ),
]
Filter = Annotated[str | None, Query(max_length=200, pattern=_TEXT)]
