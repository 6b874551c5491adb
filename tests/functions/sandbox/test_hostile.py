"""What wants everything ends at a limit that is named, in time, and harms neither this process nor a neighbour."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.functions.sandbox.hostile import LIMITS, PATTERNS, PROGRAMS, SECONDS, Hostile

SLACK_SECONDS = 5.0
"""For a busy machine. What is not ended runs for an hour, or to the end of its patient limit of a minute."""
MOST_MIB = 64


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What every program came to, in one process that was new."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.functions.sandbox.hostile"],
        capture_output=True, text=True, timeout=240, check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("hostile", PROGRAMS, ids=lambda hostile: hostile.name)
def test_it_ends_at_a_limit_that_is_named_with_its_line(found: dict[str, Any], hostile: Hostile) -> None:
    ended = found["programs"][hostile.name]
    assert ended["code"] == hostile.code
    assert ended["line"] in hostile.lines
    if hostile.code.startswith("limit_"):
        assert "limit" in ended["message"] or "longer than" in ended["message"]


@pytest.mark.parametrize("hostile", [*PROGRAMS, *PATTERNS], ids=lambda hostile: hostile.name)
def test_it_ends_in_time_and_its_neighbour_is_served(found: dict[str, Any], hostile: Hostile) -> None:
    ended = found["programs"][hostile.name]
    assert ended["seconds"] < (SECONDS if hostile.limits is LIMITS else 10) + 1 + SLACK_SECONDS
    assert ended["neighbour"] < SLACK_SECONDS


@pytest.mark.parametrize("hostile", PATTERNS, ids=lambda hostile: hostile.name)
def test_a_pattern_that_would_backtrack_for_hours_is_answered(found: dict[str, Any], hostile: Hostile) -> None:
    assert found["programs"][hostile.name]["code"] == ""


def test_the_memory_of_the_process_that_starts_them_stays(found: dict[str, Any]) -> None:
    assert found["grown_mib"] < MOST_MIB
