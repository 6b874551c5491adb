"""From Settings to the product: the database is opened and migrated, the vault unlocked, the parts put together."""

from __future__ import annotations

import os
import secrets
import socket

from isthmus.app.broker import BrokerParts
from isthmus.app.functions import FunctionParts
from isthmus.app.ground import Ground, utc_now
from isthmus.app.people import PeopleParts
from isthmus.app.product import Isthmus
from isthmus.broker.discovery import Discovery
from isthmus.broker.duties import Duties
from isthmus.broker.functions.ports import Languages, Sandbox
from isthmus.broker.idempotency import Idempotency
from isthmus.broker.runs.queue import PACE, Pace
from isthmus.outbound import Outbound
from isthmus.settings import Settings
from isthmus.storage import open_storage
from isthmus.storage.contract import Storage
from isthmus.vault import Vault, key_provider, new_data_key


async def open_vault(settings: Settings, storage: Storage) -> Vault:
    """The vault over the key ring in storage; on a fresh database the first data key is made.

    Raises KeyUnavailable, naming the key id, where the key-encryption key is missing or another one.
    """
    keys = await storage.wrapped_keys()
    provider = key_provider(settings, allow_create=not keys, expected=keys[-1].key_id if keys else None)
    if not keys:
        # Another process may be first; then its key counts, and this one is dropped unused.
        await storage.add_wrapped_key(new_data_key(provider, 1, utc_now()))
        keys = await storage.wrapped_keys()
    return Vault.open_ring(provider, keys)


async def build(settings: Settings) -> Isthmus:
    """The product on the database and key of these settings, migrated to the newest schema.

    Raises StorageError and KeyUnavailable; nothing is changed in the data then.
    """
    storage = await open_storage(settings)
    try:
        await storage.migrate()
        vault = await open_vault(settings, storage)
        isthmus = assemble(settings, storage, vault)
        await isthmus.accounts.bootstrap()
    except BaseException:
        await storage.close()
        raise
    return isthmus


def assemble(
    settings: Settings,
    storage: Storage,
    vault: Vault,
    *,
    outbound: Outbound | None = None,
    sandbox: Sandbox | None = None,
    languages: Languages | None = None,
    pace: Pace = PACE,
) -> Isthmus:
    """Every object, with what it needs; `outbound`, `sandbox`, `languages` and the queue's `pace` may be given by who
    embeds or tests."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    ground = Ground(settings, storage, vault, outbound or Outbound(settings), owner)
    broker = BrokerParts(ground)
    functions = FunctionParts(ground, broker, sandbox=sandbox, languages=languages, pace=pace)
    return _join(ground, broker, functions, PeopleParts(ground))


def _join(ground: Ground, broker: BrokerParts, functions: FunctionParts, people: PeopleParts) -> Isthmus:
    return Isthmus(
        settings=ground.settings,
        directory=broker.directory,
        notices=broker.notices,
        updates=broker.updates,
        connect=broker.connect,
        upkeep=broker.upkeep,
        invoker=broker.invoker,
        functions=functions.functions,
        triggers=functions.triggers,
        blueprint=functions.blueprint,
        discovery=Discovery(outbound=ground.outbound),
        idempotency=Idempotency(storage=ground.storage, vault=ground.vault, clock=utc_now),
        accounts=people.accounts,
        sessions=people.sessions,
        known=people.known,
        passkeys=people.passkeys,
        openid=people.openid,
        clients=people.clients,
        authorize=people.authorize,
        devices=people.devices,
        tokens=people.tokens,
        protect=people.protect,
        setup=people.setup,
        _storage=ground.storage,
        _outbound=ground.outbound,
        _refresher=broker.refresher,
        _observer=broker.observer,
        _alarm=broker.alarm,
        _ledger=broker.ledger,
        _mailing=functions.mailing,
        _plain=functions.plain,
        _duties=_duties(ground, broker, functions),
        _queue=functions.queue,
        _commits=functions.commits,
        _watch=functions.watch,
    )


def _duties(ground: Ground, broker: BrokerParts, functions: FunctionParts) -> Duties:
    return Duties(
        storage=ground.storage,
        refresher=broker.refresher,
        clock=utc_now,
        owner=ground.owner,
        proactive=ground.settings.proactive_refresh,
        tidy=(functions.runner.sweep, functions.recorder.trim, functions.telling.forget, broker.notices.look),
    )
