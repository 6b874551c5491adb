"""Readers for the parts of a definition: each takes a value as it came and gives it back typed, or notes a problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

R = TypeVar("R")
Read = Callable[["Reader", Any, str], Any]

SLOT = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")
ANY_SLOT = re.compile(r"\$\{[^{}]*\}")
STRUCTURE_DEPTH = 8
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a definition: the field (dotted, with indexes), the message, and the remedy."""

    field: str
    message: str
    hint: str
    path: str = ""


@dataclass(slots=True)
class Reader:
    """Collects problems instead of stopping at the first."""

    allow_http: bool = False
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, where: str, message: str, hint: str) -> None:
        self.problems.append(Problem(where, message, hint))

    def text(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            self.wrong(where, "This is not a text.", "Give a text.")
            return ""
        if _CONTROL.search(value):
            self.wrong(where, "Control characters are not allowed here.", "Remove line breaks and other controls.")
            return ""
        if len(value) > 4000:
            self.wrong(where, "This is too long.", "Give at most 4,000 characters.")
            return ""
        return value

    def lines(self, value: Any, where: str) -> str:
        """A text that may hold line breaks and tabs."""
        if isinstance(value, str):
            self.text(value.replace("\n", " ").replace("\t", " ").replace("\r", " "), where)
            return value
        return self.text(value, where)

    def structure(self, value: Any, where: str, depth: int = 0) -> Any:
        """Objects, lists, texts, numbers and flags, nested a little, as JSON has them."""
        if depth > STRUCTURE_DEPTH:
            self.wrong(where, "This is nested too deeply.", f"Nest at most {STRUCTURE_DEPTH} deep.")
            return None
        if isinstance(value, Mapping):
            return {
                self.text(key, where): self.structure(item, f"{where}.{key}", depth + 1) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.structure(item, f"{where}[{number}]", depth + 1) for number, item in enumerate(value)]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.lines(value, where)

    def expression(self, value: Any, where: str) -> str:
        """A regular expression."""
        text = self.text(value, where)
        try:
            re.compile(text)
        except re.error:
            self.wrong(where, "This is not a regular expression.", "Correct it, or leave it out.")
        return text

    def flag(self, value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            self.wrong(where, "This is neither true nor false.", "Give true or false.")
            return False
        return value

    def number(self, value: Any, where: str) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.wrong(where, "This is not a whole number from 0.", "Give a whole number, or leave it out.")
            return None
        return value

    def choice(self, value: Any, where: str, choices: tuple[str, ...]) -> str:
        if value not in choices:
            self.wrong(where, f"{str(value)[:40]!r} is not one of the choices.", f"Use one of: {', '.join(choices)}.")
            return choices[0]
        return str(value)

    def url(self, value: Any, where: str) -> str:
        """A URL that may hold slots; https, or http where `allow_http`."""
        text = self.text(value, where).strip()
        if not text or text.startswith("${"):
            return text
        try:
            parts = urlsplit(ANY_SLOT.sub("slot", text))
            port_is_sane = parts.port is None or parts.port > 0
        except ValueError:
            parts, port_is_sane = None, False
        bare = ANY_SLOT.sub("slot", text)
        if parts is None or not port_is_sane or not parts.hostname or " " in bare or "\\" in bare:
            self.wrong(where, "This is not an absolute URL.", "Give a URL such as https://api.example.com/v1.")
            return ""
        if "@" in parts.netloc:
            self.wrong(where, "A URL must not hold a user name or password.", "Remove what stands before the @.")
            return ""
        if parts.scheme != "https" and not (self.allow_http and parts.scheme == "http"):
            self.wrong(where, "This URL is not https.", "Use https; plain http needs an egress exception.")
            return ""
        return text

    def texts(self, value: Any, where: str) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            self.wrong(where, "This is not a list.", "Give a list of texts.")
            return ()
        return tuple(self.text(item, f"{where}[{number}]") for number, item in enumerate(value))

    def mapping(self, value: Any, where: str) -> dict[str, str]:
        """Names to texts; numbers and flags are taken as their text, as YAML writes them."""
        if not isinstance(value, Mapping):
            self.wrong(where, "This is not an object.", 'Give {"name": "value"}.')
            return {}
        read: dict[str, str] = {}
        for key, item in value.items():
            name = self.text(key, where)
            if isinstance(item, bool):
                item = "true" if item else "false"
            elif isinstance(item, int | float):
                item = str(item)
            read[name] = self.text(item, f"{where}.{name}")
        return read

    def headers(self, value: Any, where: str) -> dict[str, str]:
        read = self.mapping(value, where)
        for name in read:
            if not HEADER_NAME.fullmatch(name):
                self.wrong(f"{where}.{name}", "This is not a header name.", "Use letters, digits and hyphens.")
        return read

    def known(self, value: Any, where: str, kind: type[Any]) -> Mapping[str, Any]:
        """An object with no keys but those of the record `kind`."""
        if not isinstance(value, Mapping):
            self.wrong(where, "This is not an object.", "Give an object.")
            return {}
        names = [f.name for f in fields(kind)]
        for key in value:
            if key not in names:
                self.wrong(f"{where}.{key}", f"Unknown field {str(key)[:40]!r}.", f"Known: {', '.join(names)}.")
        return {key: item for key, item in value.items() if key in names}

    def record(self, value: Any, where: str, kind: type[Any], table: Mapping[str, Read]) -> dict[str, Any]:
        """The keys of an object read by the table; null means the default."""
        given = self.known(value, where, kind)
        return {key: table[key](self, item, f"{where}.{key}") for key, item in given.items() if item is not None}

    def items(self, value: Any, where: str, read: Callable[[Any, str], R | None]) -> tuple[R, ...]:
        if not isinstance(value, list | tuple):
            self.wrong(where, "This is not a list.", "Give a list.")
            return ()
        found = (read(item, f"{where}[{number}]") for number, item in enumerate(value))
        return tuple(item for item in found if item is not None)
