"""The guide of a service as parts of a page: the Markdown that `catalog docs` writes, read into headings and lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup, escape

_SHOWN_ELSEWHERE = frozenset({"Scopes", "What you are asked for"})
_MARKER = re.compile(r"(?:-|\d+\.) ")
_INLINE = re.compile(
    r"\\(?P<plain>[\\`*_\[\]<>|#])|`(?P<code>[^`]+)`|\*\*(?P<strong>.+?)\*\*|<(?P<url>https?://[^<>\s]+)>"
)


@dataclass(slots=True)
class Part:
    """A heading, its list (`numbered` where the order matters), and what stands there outside of it."""

    title: str
    lines: list[Markup] = field(default_factory=list)
    said: list[Markup] = field(default_factory=list)
    numbered: bool = False


def read_guide(markdown: str, *, without: frozenset[str] = frozenset()) -> list[Part]:
    """The parts that a page of the console does not show anyway. What definitions say in them is text."""
    parts: list[Part] = []
    part: Part | None = None
    for line in markdown.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
            part = None if title in _SHOWN_ELSEWHERE | without else Part(title)
            if part is not None:
                parts.append(part)
        elif part is not None and line:
            marker = _MARKER.match(line)
            if marker is None:
                part.said.append(_inline(line))
            else:
                part.numbered = part.numbered or line[0] != "-"
                part.lines.append(_inline(line[marker.end() :]))
    return parts


def _inline(text: str) -> Markup:
    """Code, emphasis and addresses as elements; everything else escaped."""
    found, at = Markup(), 0
    for match in _INLINE.finditer(text):
        found += escape(text[at : match.start()]) + _element(match)
        at = match.end()
    return found + escape(text[at:])


def _element(match: re.Match[str]) -> Markup:
    kind, words = match.lastgroup, match[match.lastgroup or 0]
    if kind == "code":
        return Markup("<code>{}</code>").format(words)
    if kind == "strong":
        return Markup("<strong>{}</strong>").format(words)
    if kind == "url":
        return Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(words)
    return escape(words)
