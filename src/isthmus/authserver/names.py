"""Names and hosts that strangers choose, shown so that one cannot pass for another."""

from __future__ import annotations

import unicodedata

from isthmus.errors import InputError

_COMMON = frozenset({"DIGIT", "SPACE"})


def read_client_name(value: object) -> str:
    """A name of 1 to 100 visible characters, NFKC: no control, direction or zero-width characters.

    Raises InputError (field `name`).
    """
    text = unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else ""
    hidden = any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for letter in text)
    if not 1 <= len(text) <= 100 or hidden:
        raise InputError(
            "A name has 1 to 100 visible characters.",
            code="name_malformed",
            field="name",
            hint="Leave out control characters and those that change the direction of text.",
        )
    return text


def is_mixed(name: str) -> bool:
    """Whether letters of several scripts stand in it, as in a name that imitates another."""
    return len({script for script in map(_script, name) if script}) > 1


def describe_host(host: str) -> str:
    """The host as DNS has it: a look-alike shows its `xn--` form."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode()


def _script(letter: str) -> str:
    if not letter.isalpha():
        return ""
    first = unicodedata.name(letter, "").split(" ")[0]
    return "" if first in _COMMON else first
