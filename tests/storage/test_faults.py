"""What bad days bring: a full disk, a held, damaged, dead or frozen database, a caller that goes away."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.postgresql_server import PostgresqlServer
from tests.storage.made import (
    NOTHING,
    actions_in,
    activity,
    authorization,
    connection,
    kinds_in,
    service,
    told,
    with_grant,
)

from isthmus.errors import Conflict, IsthmusError, StorageError
from isthmus.settings import Settings
from isthmus.storage import Journal, SqlStorage, Storage, open_storage

pytestmark = pytest.mark.anyio
SOURCES = str(Path(__file__).parents[2] / "src")
SECRET = b"cnry-7f3a-sealed"
HASH = "cnry-91bc-hash"


def shown(problem: BaseException) -> str:
    """Everything of an error that a log may show: its words, its traceback, whatever travels along."""
    assert problem.__cause__ is None
    assert problem.__context__ is None
    return "".join(traceback.format_exception(problem)) + repr(problem) + repr(vars(problem))


def assert_silent(problem: IsthmusError) -> None:
    text = shown(problem)
    for secret in (SECRET.decode(), SECRET.hex(), HASH, "INSERT INTO", "UPDATE ", "SELECT "):
        assert secret not in text


async def test_errors_hold_no_statement_and_no_value(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    await with_grant(storage)
    taken = authorization(resource_owner="bob", credential_sealed=SECRET, refresh_token_hash=HASH)
    gone = authorization(id=HASH, connection_id=HASH, credential_sealed=SECRET)
    for grant in (taken, gone):
        with pytest.raises(Conflict) as caught:
            await storage.put_authorization(grant, NOTHING)
        assert_silent(caught.value)
    changes = {"credential_sealed": SECRET, "refresh_token_hash": HASH, "failures": 1 << 80}
    with pytest.raises(StorageError) as failed:
        await storage.commit_refresh(
            "auth-1", used_hash="hash-1", version=1, rotated=True, changes=changes, journal=NOTHING
        )
    assert_silent(failed.value)
    assert HASH not in caplog.text
    assert SECRET.decode() not in caplog.text


async def test_a_caller_that_goes_away_leaves_the_database_usable(storage: Storage, settings: Settings) -> None:
    await storage.add_connection(connection(), NOTHING)
    for delay in (0, 0.0005, 0.001, 0.002, 0.004):
        tasks = [asyncio.ensure_future(storage.add_journal(told("told"))) for _ in range(10)]
        await asyncio.sleep(delay)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await storage.add_journal(told("last"))
    await storage.close()
    again = await open_storage(settings)
    entries = await actions_in(again)
    assert "last" in entries
    assert sorted(entries) == sorted(await kinds_in(again)), "the two halves of each journal were written together"
    await again.close()


async def test_closing_lets_writes_finish_and_then_refuses_more(storage: Storage, settings: Settings) -> None:
    await storage.add_connection(connection(), NOTHING)
    tasks = [asyncio.ensure_future(storage.add_journal(told(f"{n}"))) for n in range(10)]
    await asyncio.sleep(0)
    await storage.close()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(StorageError):
        await storage.ping()
    again = await open_storage(settings)
    assert len(await actions_in(again)) == done.count(None)
    await again.close()


# --- SQLite


@pytest.fixture
async def embedded(tmp_path: Path) -> SqlStorage:
    storage = await open_storage(Settings(data_dir=tmp_path))
    await storage.migrate()
    return storage


async def test_a_full_disk_is_reported_and_costs_nothing_that_was_there(embedded: SqlStorage) -> None:
    await embedded.add_service(service(), NOTHING)
    async with embedded._database.engine.connect() as link:
        pages = await link.scalar(sa.text("PRAGMA page_count"))
        await link.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError) as caught:
        await embedded.add_service(service("big", client_secret_sealed=SECRET * 10_000), Journal((activity("a"),)))
    assert caught.value.code == "disk_full"
    assert_silent(caught.value)
    assert await embedded.services() == [service()]
    assert await actions_in(embedded) == []
    async with embedded._database.engine.connect() as link:
        await link.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert await link.scalar(sa.text("PRAGMA integrity_check")) == "ok"
    await embedded.add_service(service("big", client_secret_sealed=SECRET * 10_000), NOTHING)
    await embedded.close()


async def test_a_file_that_may_not_grow_is_reported_and_costs_nothing_that_was_there(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from isthmus.errors import StorageError\n"
        "from isthmus.records import StoredService\n"
        "from isthmus.settings import Settings\n"
        "from isthmus.storage import Journal, open_storage\n"
        "async def main():\n"
        "    storage = await open_storage(Settings(data_dir=Path(sys.argv[1])))\n"
        "    await storage.migrate()\n"
        "    for n in range(10000):\n"
        "        try:\n"
        "            await storage.add_service(StoredService(f's{n}', 'custom', {}, b'x' * 5000), Journal())\n"
        "        except StorageError as problem:\n"
        "            print(problem.code, n, len(await storage.services()))\n"
        "            return\n"
        "asyncio.run(main())\n"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": SOURCES},
        preexec_fn=limit,
        capture_output=True,
        timeout=60,
    )
    code, written, kept = done.stdout.decode().split()
    assert (code, written) == ("disk_full", kept)
    assert int(written) > 10
    with sqlite3.connect(tmp_path / "isthmus.sqlite") as link:
        assert link.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert link.execute("SELECT count(*) FROM services").fetchone() == (int(kept),)


async def test_a_database_held_by_another_process_is_reported_in_time(embedded: SqlStorage, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "isthmus.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(StorageError) as caught:
        await embedded.add_service(service(), NOTHING)
    assert time.monotonic() - started < 20
    assert caught.value.code == "storage_busy"
    holder.close()
    await embedded.add_service(service(), NOTHING)
    await embedded.close()


async def test_a_writer_waits_for_another_process_that_is_about_to_finish(embedded: SqlStorage, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "isthmus.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    writing = asyncio.ensure_future(embedded.add_service(service(), NOTHING))
    await asyncio.sleep(0.3)
    assert not writing.done()
    holder.execute("COMMIT")
    await writing
    holder.close()
    await embedded.close()


async def test_a_file_that_is_no_database_is_reported_and_left_alone(tmp_path: Path) -> None:
    content = b"not a database, but somebody's letters " * 200
    (tmp_path / "isthmus.sqlite").write_bytes(content)
    storage = await open_storage(Settings(data_dir=tmp_path))
    for attempt in (storage.migrate, storage.ping, storage.services):
        with pytest.raises(StorageError) as caught:
            await attempt()
        assert caught.value.code == "storage_damaged"
    await storage.close()
    assert (tmp_path / "isthmus.sqlite").read_bytes() == content


# --- PostgreSQL


@pytest.fixture
def own_server() -> Iterator[PostgresqlServer]:
    """A server that a test may kill."""
    with PostgresqlServer(fast=True) as server:
        yield server


@pytest.mark.postgresql
async def test_a_dead_server_is_reported_in_time_and_its_return_is_noticed(own_server: PostgresqlServer) -> None:
    storage = await open_storage(Settings(database_url=own_server.create_database()))
    await storage.migrate()
    await asyncio.gather(*(storage.ping() for _ in range(10)))
    own_server.kill()
    for attempt in (storage.ping, storage.services):
        started = time.monotonic()
        with pytest.raises(StorageError) as caught:
            await attempt()
        assert caught.value.code == "storage_unavailable"
        assert time.monotonic() - started < 20
        assert_silent(caught.value)
    own_server.start()
    await asyncio.gather(*(storage.ping() for _ in range(10)))
    own_server.stop()
    own_server.start()
    await asyncio.gather(*(storage.services() for _ in range(10)), storage.add_service(service(), NOTHING))
    await storage.close()


@pytest.mark.postgresql
async def test_a_frozen_server_is_reported_in_time_and_its_return_is_noticed(own_server: PostgresqlServer) -> None:
    storage = await open_storage(Settings(database_url=own_server.create_database()))
    await storage.migrate()
    await asyncio.gather(*(storage.ping() for _ in range(4)))
    own_server.freeze()
    started = time.monotonic()
    attempts = [storage.ping(), storage.services(), storage.add_service(service(), NOTHING)]
    for result in await asyncio.gather(*attempts, return_exceptions=True):
        assert isinstance(result, StorageError)
        assert result.code == "storage_unavailable"
        assert_silent(result)
    assert time.monotonic() - started < 20
    own_server.thaw()
    await asyncio.gather(*(storage.ping() for _ in range(10)))
    await storage.close()


@pytest.mark.postgresql
async def test_a_wrong_database_or_account_is_reported_without_the_url(own_server: PostgresqlServer) -> None:
    url = own_server.create_database()
    for wrong in (url + "x", url.replace("postgres@", f"nobody:{HASH}@")):
        storage = await open_storage(Settings(database_url=wrong))
        with pytest.raises(StorageError) as caught:
            await storage.ping()
        assert caught.value.code == "storage_unavailable"
        assert_silent(caught.value)
        await storage.close()


@pytest.mark.postgresql
async def test_transactions_that_wait_for_each_other_are_run_again(postgresql: PostgresqlServer) -> None:
    storage = await open_storage(Settings(database_url=postgresql.create_database()))
    await storage.migrate()
    for name in ("a", "b"):
        await storage.add_service(service(name), NOTHING)
    runs = 0

    async def lock(first: str, second: str) -> None:
        async def work(link: AsyncConnection) -> None:
            nonlocal runs
            runs += 1
            for name in (first, second):
                await link.execute(
                    sa.text("UPDATE services SET version = version + 1 WHERE link_name = :n"), {"n": name}
                )
                await asyncio.sleep(0.2 if name == first else 0)

        await storage._database.write(work)

    await asyncio.gather(lock("a", "b"), lock("b", "a"))
    assert runs == 3
    assert [one.version for one in await storage.services()] == [3, 3]
    await storage.close()
