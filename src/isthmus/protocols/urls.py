"""URLs changed without touching what stands beside the change: every other byte stays as it was.

Parsing and joining again would turn `%2F` into `/`, `+` into `%20` or drop an empty parameter; a signature or a
careful server notices. So the query is cut at `&` and only whole pieces are removed or added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote_to_bytes

from isthmus.protocols.text import check_plain

Pairs = Sequence[tuple[str, str]]


def encode(value: str | bytes) -> str:
    """Percent-encoding with only ALPHA DIGIT - . _ ~ left bare, UTF-8, upper-case hex (RFC 3986 §2.3, RFC 5849 §3.6)."""
    return quote(value, safe="~")


def decode(piece: str) -> bytes:
    """The octets of a name or value of a query or form: `+` is a space. Octets, since they need not be UTF-8."""
    return unquote_to_bytes(piece.replace("+", " ").encode("utf-8", "surrogateescape"))


def split(url: str) -> tuple[str, str | None, str]:
    """(everything before `?`, the raw query or None, the fragment with its `#` or "")."""
    rest, hash_sign, fragment = url.partition("#")
    address, question, query = rest.partition("?")
    return address, query if question else None, hash_sign + fragment


def query_octets(query: str) -> list[tuple[bytes, bytes]]:
    """The parameters of a raw query or form body, in order, duplicates and empty values kept."""
    pairs = []
    for piece in query.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            pairs.append((decode(name), decode(value)))
    return pairs


def add_to_query(url: str, pairs: Pairs, *, replacing: Iterable[str] = ()) -> str:
    """The URL with the pairs at the end of its query, before a fragment, everything encoded with `%20` for a space.

    Parameters whose decoded name is in `replacing` (any case) are taken out first; the rest stays byte for byte.
    Raises InputError for a control character in the URL or a value.
    """
    check_plain(url, field="url")
    for name, value in pairs:
        check_plain(value, field=name)
    address, query, fragment = split(url)
    kept = without(query or "", replacing)
    added = encode_pairs(pairs)
    joined = "&".join(part for part in (kept, added) if part)
    if not joined:
        return address + fragment
    return f"{address}?{joined}{fragment}"


def encode_pairs(pairs: Pairs) -> str:
    """`a=b&c=d`, each name and value percent-encoded."""
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


def without(query: str, names: Iterable[str]) -> str:
    """The raw query or form body without the parameters of these names (any case, encoded in whatever way)."""
    unwanted = {name.lower() for name in names}
    if not unwanted or not query:
        return query
    return "&".join(piece for piece in query.split("&") if _name(piece) not in unwanted)


def _name(piece: str) -> str:
    return decode(piece.partition("=")[0]).decode("utf-8", "replace").lower()
