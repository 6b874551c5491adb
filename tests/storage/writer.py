"""A process that writes and says so after each commit, until it is killed. Run by test_durability.

    python -m tests.storage.writer DATA_DIR DATABASE_URL FIRST_NUMBER

Each line is the number of an item that `storage` acknowledged. An item is a refresh: a credential and a timeline
entry that must be there together, besides an entry of the activity log.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from isthmus.errors import StorageError
from isthmus.records import ActivityEntry, TimelineEntry
from isthmus.settings import Settings
from isthmus.storage import Journal, Storage, open_storage

ROW = "auth-1"


async def write(storage: Storage, number: int) -> None:
    """Replace the credential by the next one; the token that is spent names the one before."""
    now = datetime.now(UTC)
    entry = ActivityEntry(now, "writer", f"{number}", ROW, "done", id=f"item-{number}")
    event = TimelineEntry("connection-1", f"{number}", "It was refreshed.", now)
    committed = await storage.commit_refresh(
        ROW,
        used_hash=f"{number - 1}",
        version=number,
        rotated=True,
        changes={"credential_sealed": b"%d" % number * 500, "refresh_token_hash": f"{number}"},
        journal=Journal((entry,), (event,)),
    )
    if committed is None:
        raise SystemExit(f"{number}: the credential before it is not there")


async def main(data_dir: str, url: str, first: str) -> None:
    storage = await open_storage(Settings(data_dir=Path(data_dir), database_url=url))
    number = int(first)
    while True:
        try:
            await write(storage, number)
        except StorageError:
            raise SystemExit(0) from None  # the server was killed: whether this one is there, nobody said
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
