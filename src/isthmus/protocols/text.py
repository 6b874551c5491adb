"""Text that came from outside: what may be shown, and what may be sent in a header or a form."""

from __future__ import annotations

import re

from isthmus.errors import InputError

SHOWN_CHARACTERS = 300

# C0, DEL, C1, line and paragraph separators, zero-width and bidirectional marks (they reorder what a reader sees),
# and lone surrogates, which no encoder accepts.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")


def clean(text: str, *, limit: int = SHOWN_CHARACTERS) -> str:
    """A third party's words, fit to be shown as text: one line, no control characters, at most `limit` characters."""
    # Cut before the substitution too, so that a huge text costs nothing.
    line = " ".join(_UNSHOWABLE.sub(" ", text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def has_control(text: str) -> bool:
    """True if the text holds a control character or something that UTF-8 cannot carry."""
    return _CONTROL.search(text) is not None


def check_header(name: str, value: str, *, field: str | None = None) -> None:
    """Raise InputError unless name and value can be one header line (RFC 9110 §5.1, §5.5; ASCII only).

    The message names the header (`field`, if given), never the value.
    """
    if not _HEADER_NAME.fullmatch(name):
        raise InputError(
            "A header name holds a character that HTTP does not allow.",
            field=field,
            hint="Use letters, digits and hyphens.",
        )
    if not _HEADER_VALUE.fullmatch(value):
        raise InputError(
            f"The value for the header {name} holds a line break, a control character or a non-ASCII character.",
            field=field or name,
            hint="Enter the value again, without a line break at its end.",
        )


def check_plain(value: str, *, field: str) -> None:
    """Raise InputError if the value holds a control character (line breaks included)."""
    if has_control(value):
        raise InputError(
            f"The value for {field} holds a line break or another control character.",
            field=field,
            hint="Enter the value again, without a line break at its end.",
        )
