"""Search as people expect: by name, alias, category or host, with words missing or letters wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from isthmus.catalog.index import Row

LONGEST_QUERY = 200
_SLOT = re.compile(r"\$\{[^}]*\}")
_WORD = re.compile(r"[^\W_]+")
_GOOD = 60.0
"""From this score on a service was meant: misspellings are looked for only where none was."""


def ranked(rows: Sequence[Row], q: str) -> list[Row]:
    """Those that match, the best first; all without a query.

    Among equals come the recommended way, what is not marked, what more sources know, and then the given order.
    """
    query = " ".join(q.lower().split())[:LONGEST_QUERY]
    if not query:
        return list(rows)
    scored = [(score, row) for row in rows if (score := _score(row, query))]
    if not any(score >= _GOOD for score, _ in scored):
        found = {row.link_name for _, row in scored}
        near = ((_nearness(row, query), row) for row in rows if row.link_name not in found)
        scored += [(score, row) for score, row in near if score]
    scored.sort(key=lambda pair: (-pair[0], not pair[1].recommended, bool(pair[1].marks), -pair[1].sources))
    return [row for _, row in scored]


def _score(row: Row, query: str) -> float:
    """100 for the name itself; less for another name, the category, its beginning, its parts, a host, the description."""
    titles = _titles(row)
    if query in titles:
        return 100.0 if query in titles[:3] else 98.0
    if query == row.category.lower():
        return 92.0
    if any(title.startswith(query) for title in titles):
        return 90.0
    if any(f" {query}" in title for title in titles):
        return 80.0
    if "." in query and (score := _host_score(row, query)):
        return score
    if len(query) > 2 and any(query in title for title in titles):
        return 70.0
    words = _WORD.findall(query)
    if len(words) > 1 and all(any(word in title for title in titles) for word in words):
        return 65.0
    if len(query) > 3 and any(query in host for host in row.hosts):
        return 50.0
    text = f"{row.category} {row.description}".lower()
    return 40.0 if len(query) > 2 and all(word in text for word in words or [query]) else 0.0


def _host_score(row: Row, query: str) -> float:
    """`api.github.com`, a URL of it, or the domain that it belongs to."""
    host = query.partition("://")[2] or query
    host = host.partition("/")[0]
    for pattern in row.hosts:
        bare = pattern.lower().removeprefix("*.")
        if host == bare or (pattern.startswith("*.") and host.endswith(f".{bare}")):
            return 95.0
    if any("${" in pattern and _filled(pattern).fullmatch(host) for pattern in row.hosts):
        return 94.0
    return 75.0 if any(f".{pattern.lower()}".endswith(f".{host}") for pattern in row.hosts) else 0.0


@lru_cache(maxsize=1024)
def _filled(pattern: str) -> re.Pattern[str]:
    """`${shop}.example.com` with anything for the shop, as long as the rest names a domain."""
    fixed = _SLOT.sub("", pattern).strip(".")
    if fixed.count(".") < 1:
        return re.compile(r"(?!)")
    return re.compile("[a-z0-9-]+".join(re.escape(part) for part in _SLOT.split(pattern.lower().removeprefix("*."))))


def _nearness(row: Row, query: str) -> float:
    """30 and less for a title, or words of one, that differ in a letter or two."""
    best = 0.0
    for title in _titles(row):
        if (steps := _within(query, title)) is not None:
            best = max(best, 30.0 - steps)
    if best:
        return best
    words = _WORD.findall(query)
    known = [word for title in _titles(row) for word in _WORD.findall(title)]
    total = 0
    for word in words:
        nearest = min((steps for one in known if (steps := _within(word, one)) is not None), default=None)
        if nearest is None:
            return 0.0
        total += nearest
    return 20.0 - total if words else 0.0


def _within(typed: str, meant: str) -> int | None:
    """How many letters differ, if few enough for the length: one from four letters on, two from seven."""
    allowed = 0 if len(typed) < 4 else 1 if len(typed) < 7 else 2
    if typed == meant:
        return 0
    if not allowed or abs(len(typed) - len(meant)) > allowed:
        return None
    if (_letters(typed) ^ _letters(meant)).bit_count() > 2 * allowed:
        return None
    steps = distance(typed, meant)
    return steps if steps <= allowed else None


@lru_cache(maxsize=8192)
def _letters(word: str) -> int:
    """The letters of a word as bits: one wrong letter changes two of them at most."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


def distance(one: str, other: str) -> int:
    """Letters to add, leave out, replace or swap with their neighbour until one is the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, against in enumerate(other, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]


def _titles(row: Row) -> tuple[str, ...]:
    return _lowered(row.name, row.link_name, row.aliases)


@lru_cache(maxsize=4096)
def _lowered(name: str, link_name: str, aliases: tuple[str, ...]) -> tuple[str, ...]:
    titles = (name, link_name, link_name.replace("_", " "), *aliases)
    return tuple(title.lower() for title in titles)
