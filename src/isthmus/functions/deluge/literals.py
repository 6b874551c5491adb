"""What literals mean: escapes of texts, whole and decimal numbers."""

from __future__ import annotations

import re

_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r", "/": "/"}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")

LARGEST_NUMBER = 2**63 - 1
MAX_DIGITS = 60


def unescape(written: str) -> str:
    """The text that stands between double quotes. An escape that is not known keeps its backslash."""
    inner = written[1:-1]
    if "\\" not in inner:
        return inner
    text = _ESCAPE.sub(_replace, inner)
    if _SURROGATE.search(text):
        # Two \u escapes may be the halves of one character.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def has_surrogate(text: str) -> bool:
    """Whether half a character is in it, which no answer and no file can carry."""
    return _SURROGATE.search(text) is not None


def _replace(found: re.Match[str]) -> str:
    code, character = found.groups()
    if code is not None:
        return chr(int(code, 16))
    return _ESCAPES.get(character, "\\" + character)
