"""What a write brings along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.records import ActivityEntry, RunCall, TimelineEntry


@dataclass(frozen=True, slots=True)
class Journal:
    """Activity and timeline entries that are committed together with a write."""

    activity: tuple[ActivityEntry, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class RunChange:
    """What a process that holds a run writes of it: columns as in Run, and calls, in one transaction."""

    run_id: str
    epoch: int
    changes: Mapping[str, Any]
    calls: tuple[RunCall, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether the run goes no further by itself."""
        return self.changes.get("state") in ("finished", "failed", "interrupted")
