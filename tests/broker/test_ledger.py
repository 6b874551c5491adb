"""Recent calls are written in batches, and none is lost where a process ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from isthmus.broker import ledger as module
from isthmus.broker.ledger import Ledger
from isthmus.records import CallRecord

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Slow:
    """A storage that keeps a batch waiting until it is let go."""

    def __init__(self) -> None:
        self.counted = 0
        self.urls: list[str] = []
        self.writing, self.let_go = asyncio.Event(), asyncio.Event()

    async def count_calls(self, counts: list[Any]) -> None:
        self.counted += sum(count.calls for count in counts)

    async def add_calls(self, calls: list[CallRecord]) -> None:
        self.writing.set()
        await self.let_go.wait()
        self.urls += [call.url for call in calls]

    async def touch_authorizations(self, used: dict[str, datetime]) -> None:
        assert used == {"auth-1": NOW}


def making(url: str) -> Callable[[], CallRecord]:
    return lambda: CallRecord("id-crm", NOW, "user:ada", "GET", url, 200, 1.0, "r")


async def test_a_batch_that_is_being_written_is_not_lost_when_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0)
    storage = Slow()
    ledger = Ledger(storage=storage, clock=lambda: NOW)  # type: ignore[arg-type]
    ledger.record("id-crm", "auth-1", making("/first"))
    ledger.start()
    await storage.writing.wait()
    ledger.record("id-crm", "auth-1", making("/second"))
    ending = asyncio.create_task(ledger.stop())
    await asyncio.sleep(0)  # so that it has begun
    storage.let_go.set()
    await ending
    assert storage.urls == ["/first", "/second"]
    assert storage.counted == 2
