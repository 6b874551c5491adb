"""The tables of a new installation, made once for a whole test process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from isthmus.settings import Settings
from isthmus.storage import open_storage

FILE = "isthmus.sqlite"
_made: list[bytes] = []


async def lay_tables(data_dir: Path) -> None:
    """Put there what the first start makes of an empty directory: SQLite with the newest schema, and nothing in it.

    Whoever starts on it still migrates, and finds nothing to do. A database that is there already is left alone.
    """
    path = data_dir / FILE
    if path.exists():
        return
    if not _made:
        _made.append(await _new_database())
    _put(path, _made[0])


def _put(path: Path, database: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(database)


async def _new_database() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        storage = await open_storage(Settings(data_dir=Path(directory)))
        await storage.migrate()
        await storage.close()
        return (Path(directory) / FILE).read_bytes()
