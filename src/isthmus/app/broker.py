"""The parts that connect, keep a grant and call with it. Each is built once, when it is first asked for."""

from __future__ import annotations

from functools import cached_property, partial

from isthmus.app.ground import Ground, utc_now
from isthmus.broker.alarm import Alarm
from isthmus.broker.backoff import Circuits
from isthmus.broker.call_record import Recorder
from isthmus.broker.clocks import Clocks
from isthmus.broker.connect import Connect
from isthmus.broker.consent import Consent
from isthmus.broker.directory import Directory
from isthmus.broker.exchange import Exchange
from isthmus.broker.invoke import Invoker
from isthmus.broker.keeping import Keeper
from isthmus.broker.layers import CatalogFiles, Layers
from isthmus.broker.ledger import Ledger
from isthmus.broker.lookup import Lookup
from isthmus.broker.notices import Notices
from isthmus.broker.observer import Observer
from isthmus.broker.refresh import Refresher
from isthmus.broker.renewal import Renewal
from isthmus.broker.revocation import Revoker
from isthmus.broker.services import Services
from isthmus.broker.steps import Steps
from isthmus.broker.tokens import draw_fraction
from isthmus.broker.updates import Updates
from isthmus.broker.upkeep import Upkeep
from isthmus.broker.whoami import WhoAmI
from isthmus.catalog.catalog import Catalog
from isthmus.catalog.causes import Causes


class BrokerParts:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._settings = ground.settings
        self._storage = ground.storage
        self._vault = ground.vault
        self._outbound = ground.outbound

    @cached_property
    def alarm(self) -> Alarm:
        alarm = Alarm(storage=self._storage, clock=utc_now)
        self._vault.watch(alarm.broken)
        return alarm

    @cached_property
    def files(self) -> CatalogFiles:
        return CatalogFiles(self._settings)

    @cached_property
    def layers(self) -> Layers:
        return self.files.read()

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(self.layers.index)

    @cached_property
    def services(self) -> Services:
        check_url = partial(self._outbound.check, hosts=None)
        return Services(catalog=self.catalog, storage=self._storage, vault=self._vault, check_url=check_url)

    @cached_property
    def clocks(self) -> Clocks:
        return Clocks(utc_now)

    @cached_property
    def exchange(self) -> Exchange:
        return Exchange(
            outbound=self._outbound,
            causes=Causes.load(),
            settings=self._settings,
            clocks=self.clocks,
            clock=utc_now,
        )

    @cached_property
    def steps(self) -> Steps:
        return Steps(exchange=self.exchange, services=self.services, clock=utc_now)

    @cached_property
    def lookup(self) -> Lookup:
        return Lookup(storage=self._storage, services=self.services, vault=self._vault)

    @cached_property
    def refresher(self) -> Refresher:
        renewal = Renewal(
            storage=self._storage,
            vault=self._vault,
            services=self.services,
            exchange=self.exchange,
            steps=self.steps,
            redirect_url=self._settings.redirect_url,
            clock=utc_now,
            forget=self.lookup.forget,
        )
        circuits = Circuits(clock=utc_now, fraction=draw_fraction)
        return Refresher(
            storage=self._storage, renewal=renewal, circuits=circuits, clock=utc_now, owner=self._ground.owner
        )

    @cached_property
    def observer(self) -> Observer:
        return Observer(storage=self._storage, lookup=self.lookup, exchange=self.exchange, clock=utc_now)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(storage=self._storage, clock=utc_now)

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(ledger=self.ledger, vault=self._vault, clock=utc_now)

    @cached_property
    def whoami(self) -> WhoAmI:
        return WhoAmI(outbound=self._outbound, exchange=self.exchange, clocks=self.clocks, clock=utc_now)

    @cached_property
    def revoker(self) -> Revoker:
        return Revoker(
            storage=self._storage,
            services=self.services,
            exchange=self.exchange,
            steps=self.steps,
            vault=self._vault,
            clock=utc_now,
        )

    @cached_property
    def keeper(self) -> Keeper:
        return Keeper(
            storage=self._storage,
            vault=self._vault,
            services=self.services,
            steps=self.steps,
            whoami=self.whoami,
            lookup=self.lookup,
            clock=utc_now,
        )

    @cached_property
    def consent(self) -> Consent:
        return Consent(
            settings=self._settings,
            storage=self._storage,
            vault=self._vault,
            services=self.services,
            exchange=self.exchange,
            clock=utc_now,
        )

    @cached_property
    def connect(self) -> Connect:
        return Connect(
            storage=self._storage,
            services=self.services,
            consent=self.consent,
            exchange=self.exchange,
            steps=self.steps,
            keeper=self.keeper,
            clock=utc_now,
        )

    @cached_property
    def directory(self) -> Directory:
        return Directory(
            settings=self._settings,
            storage=self._storage,
            services=self.services,
            lookup=self.lookup,
            revoker=self.revoker,
            clock=utc_now,
            seal_secret=self._seal_secret,
            recorder=self.recorder,
        )

    def _seal_secret(self, link_name: str, secret: str) -> bytes:
        return self._vault.seal(secret.encode(), table="services", row=link_name, field="client_secret")

    @cached_property
    def invoker(self) -> Invoker:
        return Invoker(
            settings=self._settings,
            storage=self._storage,
            outbound=self._outbound,
            lookup=self.lookup,
            refresher=self.refresher,
            observer=self.observer,
            recorder=self.recorder,
            clocks=self.clocks,
            clock=utc_now,
        )

    @cached_property
    def upkeep(self) -> Upkeep:
        return Upkeep(
            storage=self._storage,
            vault=self._vault,
            services=self.services,
            directory=self.directory,
            refresher=self.refresher,
            revoker=self.revoker,
            whoami=self.whoami,
            lookup=self.lookup,
            clock=utc_now,
        )

    @cached_property
    def notices(self) -> Notices:
        alerting = bool(self._settings.alert_mail or self._settings.alert_webhook)
        return Notices(storage=self._storage, services=self.services, clock=utc_now, alerting=alerting)

    @cached_property
    def updates(self) -> Updates:
        return Updates(
            settings=self._settings,
            files=self.files,
            layers=self.layers,
            catalog=self.catalog,
            storage=self._storage,
            outbound=self._outbound,
            clock=utc_now,
            owner=self._ground.owner,
            forget_all=self.lookup.forget_all,
        )
