from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.tables import lay_tables

from isthmus.authserver.accounts import Accounts
from isthmus.authserver.known_browsers import KnownBrowsers
from isthmus.authserver.passwords import Passwords
from isthmus.authserver.proofs import Proofs
from isthmus.authserver.protect import Protect
from isthmus.authserver.sessions import Sessions, Visit
from isthmus.records import Actor
from isthmus.settings import Settings
from isthmus.storage import Storage, open_storage
from isthmus.vault import Vault

ADMIN_EMAIL, ADMIN_PASSWORD = "admin@example.com", "correct horse battery"


def at(address: str, browser: str = "", mark: str = "") -> Visit:
    return Visit(address, browser, mark)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class World(NamedTuple):
    accounts: Accounts
    protect: Protect
    storage: Storage
    clock: Clock
    settings: Settings
    admin: Actor
    proofs: Proofs
    sessions: Sessions

    def another_process(self) -> tuple[Accounts, Protect]:
        """Accounts and Protect as another process has them: only the database is shared."""
        protect = Protect(storage=self.storage, proofs=make_proofs(self.storage, self.clock), clock=self.clock)
        return make_accounts(self.storage, protect, self.clock, self.settings), protect


def make_proofs(storage: Storage, clock: Clock) -> Proofs:
    return Proofs(storage=storage, vault=Vault({1: b"k" * 32}), clock=clock, issuer="http://127.0.0.1:8400")


def make_accounts(storage: Storage, protect: Protect, clock: Clock, settings: Settings) -> Accounts:
    return Accounts(
        storage=storage,
        protect=protect,
        clock=clock,
        settings=settings,
        sessions=Sessions(storage=storage, protect=protect, clock=clock),
        known=KnownBrowsers(key="k" * 64, clock=clock),
        passwords=Passwords(time_cost=1, memory_kib=64, parallelism=1),
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    settings = Settings(data_dir=tmp_path, admin_email=ADMIN_EMAIL, admin_password=ADMIN_PASSWORD)
    await lay_tables(tmp_path)
    storage = await open_storage(settings)
    await storage.migrate()
    protect = Protect(storage=storage, proofs=make_proofs(storage, clock), clock=clock)
    accounts = make_accounts(storage, protect, clock, settings)
    assert await accounts.bootstrap()
    page = await accounts.users(protect.system_actor(), limit=10)
    admin = Actor("user", f"user:{page.items[0]['id']}", "Admin", "administrator", None, "192.0.2.1")
    yield World(accounts, protect, storage, clock, settings, admin, make_proofs(storage, clock), accounts._sessions)
    await storage.close()
