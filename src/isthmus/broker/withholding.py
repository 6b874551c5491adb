"""What of a call may be written down: which header values are shown, and what is taken out of a body.

Made for what strangers wrote: nothing here raises.
"""

from __future__ import annotations

import base64
import codecs
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote_plus

from isthmus.outbound import redact_url
from isthmus.records import Headers, KeptHeader

WITHHELD = "***"
KEPT_BYTES = 4096
MOST_HEADERS = 64
_MOST_NAME, _MOST_VALUE = 100, 300
_LONG = 8
"""From this length on a value is looked for in other spellings too, and by its beginning where a text is cut."""

# Headers that say how a message is built, never who sent it. Everything else is named and withheld.
_SHOWN = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "cache-control"}
    | {"connection", "content-encoding", "content-language", "content-length", "content-type", "date", "deprecation"}
    | {
        "expires",
        "host",
        "if-modified-since",
        "keep-alive",
        "last-modified",
        "location",
        "prefer",
        "range",
        "request-id",
    }
    | {"retry-after", "server", "sunset", "transfer-encoding", "user-agent", "vary", "x-correlation-id", "x-request-id"}
)
_SHOWN_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")

_SECRET_WORDS = (
    "password|passwd|passphrase|passcode|pwd|secret|token|authorization|api[-_. ]?key|access[-_. ]?key|private[-_. ]?key"
    "|credential|cookie|session|signature|assertion|verifier|bearer|jwt|otp"
)
_SECRET_NAME = re.compile(f"{_SECRET_WORDS}|^(?:auth|pin|pass|key|sid|sig)$", re.IGNORECASE)
# What stands in every text that one of these finds something in: looking for it first is quick, and often enough.
_TELLING = (
    *("pass", "pwd", "secret", "token", "auth", "key", "credential", "cookie", "session", "signature", "assertion"),
    *("verifier", "bearer", "jwt", "otp", '"pin"', '"sid"', '"sig"'),
)
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_FIELD = re.compile(r"(?:^|(?<=&))([^&=]*)=([^&]*)")
# `password: x`, `token=x`, `"secret": "x"` and the same within a JSON string.
_NAMED = re.compile(
    rf"""((?<![\w.-])[\w.-]{{0,64}}(?:{_SECRET_WORDS})[\w.-]{{0,64}}\\?["']?\s{{0,8}}[=:]\s{{0,8}})"""
    r"""(\\?"(?:[^"\\]|\\[^"])*\\?"?|'[^']*'?|(?:(?:Bearer|Basic|Token)\s+)?[^\s"'&<>,;}\]]+)""",
    re.IGNORECASE,
)
_ELEMENT = re.compile(
    rf"(<(?:[\w.-]{{1,64}}:)?[\w.-]{{0,64}}(?:{_SECRET_WORDS})[\w.-]{{0,64}}(?:\s[^<>]*)?>)[^<]+", re.IGNORECASE
)
# Where a name and its value are members of one object: `{"name": "password", "value": "x"}`.
_NAMES, _VALUES = frozenset({"name", "key", "field", "header"}), frozenset({"value", "val", "content"})
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?$")
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;\"]+)")
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-15", "windows-1252"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Hidden:
    """Values that must stand in no text, in the spellings in which they may appear there."""

    __slots__ = ("_spellings", "_values")

    def __init__(self, values: Iterable[str], *, more_than: Hidden | None = None) -> None:
        given = {value for value in values if value}
        known: frozenset[str] = more_than._values if more_than is not None else frozenset()
        found = {spelling for value in given - known for spelling in _spellings(value)}
        if more_than is not None:
            found.update(more_than._spellings)
        self._values: frozenset[str] = known | given
        self._spellings: list[str] = sorted(found, key=len, reverse=True)

    def and_also(self, values: Iterable[str]) -> Hidden:
        """These values, and more."""
        return Hidden(values, more_than=self)

    def stand_in(self, text: str) -> bool:
        """Whether one of them is there to be covered."""
        return any(spelling in text for spelling in self._spellings)

    def cover(self, text: str, *, cut: bool = False) -> str:
        """The text with each of them replaced; `cut` says that its end is missing, and a value may have begun there."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, WITHHELD)
        return self._without_beginning(text) if cut else text

    def _without_beginning(self, text: str) -> str:
        for spelling in self._spellings:
            for length in range(min(len(spelling) - 1, len(text)), 3, -1):
                if text.endswith(spelling[:length]):
                    return text[:-length] + WITHHELD
        return text

    def __repr__(self) -> str:
        return f"Hidden({len(self._spellings)} spellings)"


def kept_headers(
    headers: Iterable[tuple[str, str]], attached: frozenset[str], hidden: Hidden
) -> tuple[KeptHeader, ...]:
    """Every name, and the value where it is harmless. What Isthmus attached (names in lower case) is always withheld."""
    kept = []
    for name, value in headers:
        lower = name.lower()
        is_ours = lower in attached
        shown = None
        if not is_ours and (lower in _SHOWN or lower.startswith(_SHOWN_PREFIXES)):
            text = redact_url(value).partition("?")[0] if lower == "location" else value
            shown = _CONTROL.sub("\ufffd", hidden.cover(text)[:_MOST_VALUE])
        kept.append(KeptHeader(name[:_MOST_NAME], shown, is_ours))
        if len(kept) == MOST_HEADERS:
            break
    return tuple(kept)


def withheld_values(headers: Headers, kept: tuple[KeptHeader, ...]) -> Iterator[str]:
    """The values that were withheld, and the parts of each: what is withheld from a head is withheld from a body."""
    for (_, value), header in zip(headers, kept, strict=False):
        if header.value is None:
            yield from (part.strip('",') for part in (value, *value.split()) if len(part) >= _LONG)


def media_type_of(headers: Iterable[tuple[str, str]]) -> str:
    """`application/json; charset=utf-8` -> `application/json`; empty where none is told."""
    told = next((value for name, value in headers if name.lower() == "content-type"), "")
    return _CONTROL.sub("", told).partition(";")[0].strip().lower()[:_MOST_NAME]


def kept_body(body: bytes, headers: Headers, hidden: Hidden, *, cut: bool) -> str | None:
    """A body, or its beginning (`cut`), as text without secrets; None where it is empty or no text that can be
    looked through, such as one that is still compressed."""
    media_type = media_type_of(headers)
    if not body or not is_text(media_type) or _is_encoded(headers):
        return None
    text = _decoded(body[:KEPT_BYTES], cut=cut)
    if "\0" in text:
        return None
    text = hidden.cover(text, cut=cut)
    if media_type == "application/x-www-form-urlencoded":
        return _FIELD.sub(_without_field, text)
    plain = _ESCAPE.sub(_unescaped, _HALF_ESCAPE.sub("", text)) if "\\" in text else text
    escaped = plain is not text and (hidden.stand_in(plain) or (cut and hidden.cover(plain, cut=True) != plain))
    lower = plain.lower()
    telling = any(word in lower for word in _TELLING)
    if (telling or escaped) and ("json" in media_type or text.lstrip()[:1] in ("{", "[")):
        text = _without_members(text, hidden if escaped else None)
    if not telling:
        return text
    return _ELEMENT.sub(rf"\1{WITHHELD}", _NAMED.sub(_without_value, text))


def _is_encoded(headers: Headers) -> bool:
    """Whether the body is compressed, or in letters that are not those of ASCII."""
    for name, value in headers:
        lower, told = name.lower(), value.lower()
        if lower == "content-encoding" and told.strip() not in ("", "identity"):
            return True
        charset = _CHARSET.search(told) if lower == "content-type" else None
        if charset is not None and charset[1] not in _CHARSETS:
            return True
    return False


def _decoded(body: bytes, *, cut: bool) -> str:
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body, not cut)
    except UnicodeDecodeError:
        return body.decode("latin-1")


def is_text(media_type: str) -> bool:
    """Whether a body of this kind is text that can be looked through."""
    kind = media_type.partition("/")[2]
    return media_type.startswith("text/") or bool(re.search(r"(?:^|[+-])(?:json|xml|x-www-form-urlencoded)$", kind))


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Whether a field of this name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


def _without_members(text: str, hidden: Hidden | None) -> str:
    """JSON, whole or cut off, without the values of members whose names look secret, at any depth; also where name
    and value stand in two members. `hidden` values are found in strings however they are escaped."""
    pieces: list[str] = []
    start, depth, name, key, hiding, armed = 0, 0, "", "", False, False
    for token in _JSON.finditer(text):
        word = token[0]
        if depth:
            depth += (word in "{[") - (word in "}]")
            start = token.end()
        elif hiding:
            pieces += (text[start : token.start()], f'"{WITHHELD}"')
            depth = int(word in "{[")
            start, hiding, armed = token.end(), False, False
        elif word == ":":
            key = _plain(name)
            hiding = looks_secret(key) or (armed and key.lower() in _VALUES)
        elif hidden is not None and "\\" in word:
            pieces += (text[start : token.start()], _covered(word, hidden))
            start = token.end()
        armed = word != "}" and (armed or (name == ":" and key.lower() in _NAMES and looks_secret(_plain(word))))
        name = word
    pieces.append(text[start:])
    return "".join(pieces)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else found[2]


def _covered(word: str, hidden: Hidden) -> str:
    """A JSON string that has escapes: as it is, unless a hidden value stands in it."""
    cut = len(word) < 2 or not word.endswith('"')
    plain = _plain(_HALF_ESCAPE.sub("", word) + '"' if cut else word)
    covered = hidden.cover(plain, cut=cut)
    return word if covered == plain else json.dumps(covered)


def _plain(word: str) -> str:
    """What a JSON string says; another token as it is."""
    if "\\" not in word:
        return word.strip('"') if word.startswith('"') else ""
    try:
        return str(json.loads(word, strict=False))
    except ValueError:
        return word


def _without_field(found: re.Match[str]) -> str:
    return f"{found[1]}={WITHHELD}" if looks_secret(unquote_plus(found[1])) else found[0]


def _without_value(found: re.Match[str]) -> str:
    value = found[2]
    mark = value[:2] if value.startswith("\\") else value[0] if value[0] in "\"'" else ""
    return found[1] + mark + WITHHELD + mark


def _spellings(value: str) -> set[str]:
    found = {value}
    if len(value) < _LONG:
        return found
    loose = "surrogatepass"
    encoded = {quote(value, safe="", errors=loose), quote(value, errors=loose), quote_plus(value, errors=loose)}
    found |= encoded | {re.sub(r"%..", lambda match: match[0].lower(), one) for one in encoded}
    found |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value)}
    raw = value.encode("utf-8", loose)
    found.add(raw.hex())
    for shift in range(3):
        # The first characters mix with what stands before, the last with what stands behind.
        spelt = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        spelt = spelt[2 if shift == 1 else 3 if shift == 2 else 0 : -2]
        found |= {spelt, spelt.replace("+", "-").replace("/", "_")}
    return found
