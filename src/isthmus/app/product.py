"""The product, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isthmus.authserver.accounts import Accounts
from isthmus.authserver.authorize import Authorize
from isthmus.authserver.clients import Clients
from isthmus.authserver.devices import Devices
from isthmus.authserver.known_browsers import KnownBrowsers
from isthmus.authserver.openid import OpenId
from isthmus.authserver.passkeys import Passkeys
from isthmus.authserver.protect import Protect
from isthmus.authserver.sessions import Sessions
from isthmus.authserver.setup import Setup
from isthmus.authserver.token import TokenEndpoint
from isthmus.broker.alarm import Alarm
from isthmus.broker.blueprint import Blueprint
from isthmus.broker.connect import Connect
from isthmus.broker.directory import Directory
from isthmus.broker.discovery import Discovery
from isthmus.broker.duties import Duties
from isthmus.broker.functions.functions import Functions
from isthmus.broker.idempotency import Idempotency
from isthmus.broker.invoke import Invoker
from isthmus.broker.ledger import Ledger
from isthmus.broker.mailing import Mailing
from isthmus.broker.notices import Notices
from isthmus.broker.observer import Observer
from isthmus.broker.refresh import Refresher
from isthmus.broker.runs.commits import Commits
from isthmus.broker.runs.queue import RunQueue
from isthmus.broker.triggers.triggers import Triggers
from isthmus.broker.triggers.watch import Watch
from isthmus.broker.updates import Updates
from isthmus.broker.upkeep import Upkeep
from isthmus.outbound import Outbound
from isthmus.settings import Settings
from isthmus.storage.contract import Storage


@dataclass(frozen=True)
class Isthmus:
    """The product, put together. The edges use the public attributes; `start` and `stop` frame its life."""

    settings: Settings
    directory: Directory
    notices: Notices
    updates: Updates
    connect: Connect
    upkeep: Upkeep
    invoker: Invoker
    functions: Functions
    triggers: Triggers
    blueprint: Blueprint
    discovery: Discovery
    idempotency: Idempotency
    accounts: Accounts
    sessions: Sessions
    known: KnownBrowsers
    passkeys: Passkeys
    openid: OpenId
    clients: Clients
    authorize: Authorize
    devices: Devices
    tokens: TokenEndpoint
    protect: Protect
    setup: Setup
    _storage: Storage = field(repr=False)
    _outbound: Outbound = field(repr=False)
    _refresher: Refresher = field(repr=False)
    _observer: Observer = field(repr=False)
    _alarm: Alarm = field(repr=False)
    _ledger: Ledger = field(repr=False)
    _mailing: Mailing = field(repr=False)
    _plain: Outbound = field(repr=False)
    _duties: Duties = field(repr=False)
    _queue: RunQueue = field(repr=False)
    _commits: Commits = field(repr=False)
    _watch: Watch = field(repr=False)

    async def start(self) -> None:
        """Begin the background duties."""
        self._ledger.start()
        self._duties.start()
        self.updates.start()
        self._queue.start()
        self._watch.start()

    async def drain(self) -> None:
        """Begin nothing new of our own accord: called when the server is told to end, while calls still finish."""
        await self._duties.stop()
        await self.updates.stop()
        await self._watch.stop()
        await self._queue.drain()

    async def catch_up(self) -> None:
        """Write now what the calls of this process have left to be written, so that who made one sees it."""
        await self._ledger.flush()

    async def stop(self) -> None:
        """Finish what is under way: refreshes commit, notes and recent calls are written, connections close."""
        await self._duties.stop()
        await self.updates.stop()
        await self._watch.stop()
        await self._queue.stop(self.settings.drain_seconds)
        await self._commits.close()
        await self.functions.close()
        await self._refresher.close(self.settings.drain_seconds)
        await self._observer.settle()
        await self._alarm.settle()
        await self._ledger.stop()
        await self._outbound.close()
        await self._plain.close()
        self._mailing.close()
        await self._storage.close()

    async def ready(self) -> Mapping[str, str]:
        """`{"database": "ok", "keys": "ok"}`. Raises StorageError where the database does not take a write."""
        await self._storage.ping()
        return {"database": "ok", "keys": "ok"}
