"""What was acknowledged is there after `kill -9`, once and whole: 20 rounds on each database."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.forked import ROOT, Forked
from tests.postgresql_server import PostgresqlServer
from tests.storage.made import NOTHING, authorization, connection
from tests.storage.writer import ROW

from isthmus.records import Authorization
from isthmus.settings import Settings
from isthmus.storage import Storage, open_storage

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROUNDS = 20


def started_afresh(words: list[str]) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)


class Writer:
    """The writing process, and the numbers that it says were acknowledged."""

    def __init__(self, settings: Settings, first: int) -> None:
        self.acknowledged: list[int] = []
        self._process: subprocess.Popen[str] | Forked
        words = ["tests.storage.writer", str(settings.data_dir), settings.database_url, str(first)]
        if settings.is_sqlite:
            self._process = started_afresh(words)
        else:
            self._process = Forked(*words, directory=ROOT, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):
                self.acknowledged.append(int(line))

    def wait_for_the_first(self) -> None:
        ends = time.monotonic() + 20
        while not self.acknowledged:
            assert self._process.poll() is None, "the writer ended before it had written anything"
            assert time.monotonic() < ends, "the writer did not begin"
            time.sleep(0.002)

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self.finish()

    def finish(self) -> int:
        code = self._process.wait(timeout=20)
        self._reader.join(timeout=20)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


async def prepare(settings: Settings) -> Storage:
    storage = await open_storage(settings)
    await storage.migrate()
    await storage.add_connection(connection("c", id="connection-1"), NOTHING)
    grant = authorization(id=ROW, connection_id="connection-1", credential_sealed=b"0", refresh_token_hash="0")
    await storage.put_authorization(grant, NOTHING)
    return storage


async def check(storage: Storage, acknowledged: int) -> int:
    """Everything up to `acknowledged` is there, once and in order; at most the one in flight came on top."""
    actions: list[int] = []
    cursor = None
    while True:
        page = await storage.activity(limit=1000, cursor=cursor)
        actions += [int(entry.action) for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    kinds: list[int] = []
    while True:
        events = await storage.timeline("connection-1", limit=1000, cursor=cursor)
        kinds += [int(event.kind) for event in events.items]
        cursor = events.next_cursor
        if cursor is None:
            break
    row = await storage.authorization(ROW)
    assert isinstance(row, Authorization)
    last = int(row.refresh_token_hash or 0)
    assert acknowledged <= last <= acknowledged + 1
    assert sorted(actions) == sorted(kinds) == list(range(1, last + 1))
    assert row.version == last + 1
    assert row.credential_sealed == b"%d" % last * 500
    return last


async def kill_and_check(
    storage: Storage, settings: Settings, end: Callable[[Writer], None], rounds: int, last: int = 0
) -> int:
    draw = random.Random(20260301)
    for _ in range(rounds):
        writer = Writer(settings, last + 1)
        writer.wait_for_the_first()
        await asyncio.sleep(draw.uniform(0, 0.12))
        end(writer)
        assert writer.acknowledged
        last = await check(storage, writer.acknowledged[-1])
    return last


async def test_sqlite_keeps_what_it_acknowledged_when_the_process_is_killed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    storage = await prepare(settings)
    last = await kill_and_check(storage, settings, Writer.kill, ROUNDS)
    await storage.close()
    with sqlite3.connect(tmp_path / "isthmus.sqlite") as link:
        assert link.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert link.execute("PRAGMA foreign_key_check").fetchall() == []
    assert last > ROUNDS


@pytest.fixture
def durable_server() -> Iterator[PostgresqlServer]:
    """A server that syncs its writes, to be killed."""
    with PostgresqlServer() as server:
        yield server


@pytest.mark.postgresql
async def test_postgresql_keeps_what_it_acknowledged_when_process_or_server_is_killed(
    durable_server: PostgresqlServer, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=durable_server.create_database())
    storage = await prepare(settings)
    last = await kill_and_check(storage, settings, Writer.kill, ROUNDS - 5)

    def kill_the_server(writer: Writer) -> None:
        durable_server.kill()
        assert writer.finish() == 0
        durable_server.start()

    last = await kill_and_check(storage, settings, kill_the_server, 5, last)
    await storage.close()
    assert last > ROUNDS
