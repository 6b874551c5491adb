"""Small charts, drawn on the server as SVG, each with the table it was drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.web.wording import moment_of

WIDTH, HEIGHT, BASE = 720, 98, 96
_GAP = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: where its two parts stand, and what they say."""

    x: float
    width: float
    fine_y: float
    fine_height: float
    failed_y: float
    failed_height: float
    hour: str
    calls: int
    failures: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]
    most: int
    calls: int
    failures: int
    width: int = WIDTH
    height: int = HEIGHT
    base: int = BASE


def hourly(counts: Sequence[Mapping[str, Any]]) -> Chart:
    """Calls by the hour, the failed ones on top in another colour."""
    most = max((count["calls"] for count in counts), default=0)
    step = WIDTH / max(1, len(counts))
    bars = []
    for number, count in enumerate(counts):
        hour = moment_of(count["hour"])
        failed = min(count["failures"], count["calls"])
        fine_height = _height(count["calls"] - failed, most)
        failed_height = _height(failed, most)
        bars.append(
            Bar(
                x=round(number * step + _GAP / 2, 1),
                width=round(step - _GAP, 1),
                fine_y=round(BASE - fine_height, 1),
                fine_height=fine_height,
                failed_y=round(BASE - fine_height - failed_height, 1),
                failed_height=failed_height,
                hour=f"{hour:%d %b, %H:00}",
                calls=count["calls"],
                failures=failed,
                label=f"{hour:%H:00}" if number % 6 == 0 else "",
            )
        )
    return Chart(tuple(bars), most, sum(count["calls"] for count in counts), sum(count["failures"] for count in counts))


def _height(value: int, most: int) -> float:
    """At least two pixels for anything that happened."""
    return round(max(2.0, value / most * (BASE - 12)), 1) if value else 0.0
