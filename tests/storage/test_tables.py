"""What other tests begin with is what a first start makes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.tables import FILE, lay_tables

from isthmus.settings import Settings
from isthmus.storage import open_storage

pytestmark = pytest.mark.anyio


def dump(directory: Path) -> list[str]:
    with closing(sqlite3.connect(directory / FILE)) as database:
        return list(database.iterdump())


async def test_the_tables_that_are_laid_are_those_of_a_first_start(tmp_path: Path) -> None:
    started, laid = tmp_path / "started", tmp_path / "laid"
    storage = await open_storage(Settings(data_dir=started))
    await storage.migrate()
    await storage.close()
    await lay_tables(laid)
    assert len(dump(laid)) > 30
    assert dump(laid) == dump(started)
    assert [oct(path.stat().st_mode) for path in (laid, laid / FILE)] == [
        oct(path.stat().st_mode) for path in (started, started / FILE)
    ]


async def test_a_database_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"mine")
    await lay_tables(tmp_path)
    assert (tmp_path / FILE).read_bytes() == b"mine"
