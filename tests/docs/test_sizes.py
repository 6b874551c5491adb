"""What CONTRIBUTING.md says of sizes holds."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("place", ["src/isthmus", "bench", "tools"])
def test_a_file_has_at_most_four_hundred_lines(place: str) -> None:
    files = list((ROOT / place).rglob("*.py"))
    assert files
    long = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}
