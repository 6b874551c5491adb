"""The table of what a service definition can say names, for every need, a field that there is and a test that there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from isthmus.records import Service

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"\| (?P<need>[^|`]+) \| (?P<field>[^|]+) \| `(?P<file>[\w/.]+)::(?P<test>\w+)` \|")
WORDS = {"grant_type", "ways", "base", "auth_type"}


def lines() -> list[re.Match[str]]:
    text = (ROOT / "docs" / "service-definition.md").read_text(encoding="utf-8")
    table = text.split("| need | field | test |")[1].split("\n\n")[0]
    rows = table.strip().splitlines()[1:]
    found = [LINE.fullmatch(row) for row in rows]
    assert None not in found, [row for row, match in zip(rows, found, strict=True) if match is None]
    return [match for match in found if match is not None]


def test_every_need_names_a_test_that_there_is() -> None:
    found = lines()
    assert len(found) >= 50
    for line in found:
        source = (ROOT / "tests" / line["file"]).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {line['test']}\(", source, re.M), line["need"]


def test_every_need_names_a_field_that_there_is() -> None:
    known = {field.name for field in fields(Service)} | WORDS
    for line in lines():
        named = re.findall(r"`([a-z_0-9]+)", line["field"])
        assert named or "${" in line["field"], line["need"]
        assert set(named) <= known, line["need"]


def test_no_need_stands_twice() -> None:
    needs = [line["need"] for line in lines()]
    assert len(needs) == len(set(needs))
