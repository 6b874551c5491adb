"""The catalog in figures: how many services there are, and how well they are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from isthmus.records import Evidence, Service

LEVELS: tuple[Literal["verified", "modelled", "listed"], ...] = ("verified", "modelled", "listed")


def count(services: Iterable[Service]) -> dict[str, Mapping[str, int]]:
    """Counts by heading: services in all and with two or more sources, evidence levels, types, marks, categories.

    Several ways to authenticate with one thing are one service, as well known as the best known of them, and counted
    under each of their types; `evidence of ways` counts the ways themselves.
    """
    ways: dict[str, list[Service]] = {}
    for service in services:
        ways.setdefault(service.product or service.link_name, []).append(service)
    main = [next((way for way in group if way.recommended), group[0]) for group in ways.values()]
    known = [[way.evidence or Evidence() for way in group] for group in ways.values()]
    best = Counter(min((one.level for one in group), key=LEVELS.index) for group in known)
    levels = Counter(one.level for group in known for one in group)
    return {
        "services": {
            "all": len(ways),
            "with two or more sources": sum(any(one.sources >= 2 for one in group) for group in known),
            "ways to authenticate": sum(map(len, known)),
        },
        "evidence": {level: best[level] for level in LEVELS},
        "evidence of ways": {level: levels[level] for level in LEVELS},
        "authentication": _counted(kind for group in ways.values() for kind in {way.auth_type for way in group}),
        "marks": _counted(mark for service in main for mark in service.marks),
        "categories": _counted(service.category for service in main),
    }


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())
