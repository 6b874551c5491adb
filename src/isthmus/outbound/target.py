"""Where a request goes: one strict reading of a URL, and the host allow-list.

A URL is taken apart once. What was read here is what is checked, resolved, dialled and written on the wire, so
there is no second reader to disagree with. Whatever RFC 3986 leaves open and other readers repair is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

import idna

from isthmus.errors import DestinationDenied

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_PORTS = {"https": 443, "http": 80}
URL_CHARACTERS = 65_536

# Spaces, controls and surrogates are dropped or repaired by other readers; a fragment never travels.
_FORBIDDEN = re.compile("[\x00-\x20\x7f-\x9f\\\\#\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PARTS = re.compile(r"([^/?:]*)://([^/?]*)(.*)", re.DOTALL)
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTS = re.compile("[\u3002\uff0e\uff61]")
# `..;x` and `..%2f` are dot segments to some servers behind a path policy that does not see them.
_DOT_SEGMENT = re.compile(r"(?:/|%2f|%5c)(?:\.|%2e){1,2}(?:(?:;|%3b).*)?(?=/|%2f|%5c|$)", re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSAFE = re.compile(r"[\"<>^`{|}]|[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (ASCII, lower case, no trailing dot; IPv6 without brackets) and port. `authority` is what the Host
    header says: the port only where it is not the scheme's own."""

    scheme: str
    host: str
    port: int
    authority: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"
        object.__setattr__(self, "authority", authority)

    @property
    def address(self) -> IPAddress | None:
        """The address, where the host is one."""
        return literal_address(self.host)


@dataclass(frozen=True, slots=True)
class Target:
    """A checked destination. `path` is the raw path and query as they travel."""

    origin: Origin
    path: str = field(repr=False)

    @property
    def scheme(self) -> str:
        return self.origin.scheme

    @property
    def host(self) -> str:
        return self.origin.host

    @property
    def port(self) -> int:
        return self.origin.port

    @property
    def url(self) -> str:
        """The canonical text."""
        return f"{self.origin.scheme}://{self.origin.authority}{self.path}"


@lru_cache(maxsize=4096)
def literal_address(host: str) -> IPAddress | None:
    """The address written by a canonical host, or None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def split_url(url: str) -> tuple[str, str, str]:
    """(scheme, authority, raw path and query) of an absolute http(s) URL, the authority still unread.

    Path and query travel byte for byte, except that characters no URL may hold are percent-encoded as UTF-8.
    Raises DestinationDenied (`url_malformed`, `scheme_denied`).
    """
    if len(url) > URL_CHARACTERS:
        raise malformed(f"The URL is longer than {URL_CHARACTERS} characters.")
    if _FORBIDDEN.search(url):
        raise malformed("The URL holds a space, a control character, a backslash or a fragment.")
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise _no_scheme(url)
    scheme, authority, path = parts.groups()
    scheme = scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise _no_scheme(url)
    return scheme, authority, check_path(path)


def check_path(raw: str) -> str:
    """The raw path and query, always with a leading slash. Raises DestinationDenied (`url_malformed`)."""
    if not raw.startswith("/"):
        raw = "/" + raw
    path, mark, query = raw.partition("?")
    if ("." in path or "%" in path) and (_DOT_SEGMENT.search(path) or _BROKEN_ESCAPE.search(path)):
        raise malformed("The URL's path holds a dot segment or a broken percent escape.")
    if _UNSAFE.search(raw):
        return _UNSAFE.sub(_escape, path) + mark + _UNSAFE.sub(_escape, query)
    return raw


@lru_cache(maxsize=4096)
def read_authority(scheme: str, authority: str) -> Origin:
    """The origin of a URL's authority. Raises DestinationDenied (`url_malformed`)."""
    if "@" in authority:
        raise malformed("The URL holds a user name or password.")
    if authority.startswith("["):
        inner, _, after = authority[1:].partition("]")
        name, digits = _ipv6(inner), after.removeprefix(":") if after else None
        if after and not after.startswith(":"):
            raise malformed("The URL's host is malformed.")
    else:
        host, separator, rest = authority.partition(":")
        name, digits = normal_host(host), rest if separator else None
    return Origin(scheme, name, DEFAULT_PORTS[scheme] if digits is None else _port(digits))


def normal_host(name: str) -> str:
    """A host name or IPv4 address in its one canonical form. Raises DestinationDenied (`url_malformed`).

    Internationalised names by IDNA 2008 without mapping: a look-alike that would have to be mapped is refused,
    and so is an IPv4 address in any other spelling than four decimal numbers.
    """
    bare = name.removesuffix(".").lower()
    if not bare.isascii():
        bare = _to_ascii(bare)
    labels = bare.split(".")
    if len(bare) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise malformed("The URL's host is malformed.")
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(bare))
        except ValueError:
            raise malformed("The URL's host is an IPv4 address in an unusual spelling.") from None
    if any(label.startswith("xn--") for label in labels):
        _check_punycode(bare)
    return bare


def is_host_allowed(origin: Origin, hosts: Sequence[str]) -> bool:
    """Whether one entry of an allow-list covers the origin: `api.zoom.us`, `*.zoom.us` (any labels below, never
    the apex), each with `:port` where it is not the scheme's own. A malformed entry covers nothing."""
    return any(_matches(origin, entry) for entry in hosts)


def malformed(message: str) -> DestinationDenied:
    """The refusal of a URL that has no single reading."""
    return DestinationDenied(message, code="url_malformed", hint="Give a plain https:// URL, percent-encoded.")


@lru_cache(maxsize=4096)
def _read_entry(entry: str) -> tuple[bool, str, int | None] | None:
    wild = entry.startswith("*.")
    try:
        origin = read_authority("https", entry[2:] if wild else entry)
    except DestinationDenied:
        return None
    if wild and (origin.host.count(".") < 1 or origin.address is not None):
        return None
    has_port = bool(re.search(r":[0-9]+$", entry)) and not entry.endswith("]")
    return wild, origin.host, origin.port if has_port else None


def _matches(origin: Origin, entry: str) -> bool:
    read = _read_entry(entry)
    if read is None:
        return False
    wild, host, port = read
    if origin.port != (DEFAULT_PORTS[origin.scheme] if port is None else port):
        return False
    return origin.host.endswith("." + host) if wild else origin.host == host


def _no_scheme(url: str) -> DestinationDenied:
    scheme = _SCHEME.match(url)
    if scheme is None or scheme.group().lower() in ("http:", "https:"):
        return malformed("The URL is not an absolute https:// URL.")
    return DestinationDenied("Only https URLs are allowed.", code="scheme_denied")


def _port(digits: str) -> int:
    if not _PORT.fullmatch(digits) or int(digits) > 65535:
        raise malformed("The URL's port is malformed.")
    return int(digits)


def _ipv6(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise malformed("The URL's IPv6 address is malformed.") from None


def _to_ascii(name: str) -> str:
    try:
        if _DOTS.search(name):
            raise idna.IDNAError
        return idna.encode(name, uts46=False, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise malformed("The URL's host is not a valid internationalised name.") from None


def _check_punycode(name: str) -> None:
    try:
        same = idna.encode(idna.decode(name)).decode("ascii") == name
    except (idna.IDNAError, UnicodeError):
        same = False
    if not same:
        raise malformed("The URL's host is not a valid internationalised name.")


def _escape(match: re.Match[str]) -> str:
    return quote(match.group(), safe="")
