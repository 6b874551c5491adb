"""The parts that edit and run functions, queue their runs and start them by triggers. Each is built once."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from isthmus.app.broker import BrokerParts
from isthmus.app.ground import Ground, utc_now
from isthmus.broker.alerts.telling import Telling
from isthmus.broker.blueprint import Blueprint
from isthmus.broker.functions.actors import Actors
from isthmus.broker.functions.declaring import Declared
from isthmus.broker.functions.editing import Editor
from isthmus.broker.functions.engine import Engine
from isthmus.broker.functions.functions import Functions
from isthmus.broker.functions.host import Host
from isthmus.broker.functions.languages import LanguageSet
from isthmus.broker.functions.ports import Languages, Sandbox
from isthmus.broker.functions.reading import Reader
from isthmus.broker.functions.recorder import Recorder
from isthmus.broker.functions.runner import Runner
from isthmus.broker.functions.scene import Scene
from isthmus.broker.functions.sealing import RunSeal
from isthmus.broker.functions.shelf import Shelf
from isthmus.broker.mailing import Mailing
from isthmus.broker.runs.commits import Commits
from isthmus.broker.runs.journey import Journey
from isthmus.broker.runs.mending import Mending
from isthmus.broker.runs.queue import Pace, RunQueue
from isthmus.broker.triggers.declaring import Declared as DeclaredTriggers
from isthmus.broker.triggers.dispatch import Dispatch
from isthmus.broker.triggers.firing import Firing
from isthmus.broker.triggers.hooks import Hooks
from isthmus.broker.triggers.schedule import Schedule
from isthmus.broker.triggers.triggers import Triggers
from isthmus.broker.triggers.watch import Watch
from isthmus.functions import sandbox as sandboxes
from isthmus.outbound import MailDoor, Outbound, read_mail_server
from isthmus.settings import Settings


class FunctionParts:
    """`sandbox` and `languages` may be given by who embeds or tests."""

    def __init__(
        self, ground: Ground, broker: BrokerParts, *, sandbox: Sandbox | None, languages: Languages | None, pace: Pace
    ) -> None:
        self._settings = ground.settings
        self._storage = ground.storage
        self._vault = ground.vault
        self._outbound = ground.outbound
        self._owner = ground.owner
        self._broker = broker
        self._pace = pace
        if sandbox is None or languages is None:
            own = sandboxes.Sandbox(ground.settings.function_workers)
            sandbox, languages = sandbox or own, languages or LanguageSet(checker=own)
        self.sandbox, self.languages = sandbox, languages

    @cached_property
    def mailing(self) -> Mailing:
        settings = self._settings
        door = MailDoor(settings, read_mail_server(settings.smtp_url)) if settings.smtp_url else None
        return Mailing(door=door, sender=settings.mail_from, clock=utc_now)

    @cached_property
    def plain(self) -> Outbound:
        return Outbound(_without_connection(self._settings))

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(storage=self._storage, vault=self._vault, languages=self.languages)

    @cached_property
    def scene(self) -> Scene:
        return Scene(settings=self._settings, storage=self._storage, clock=utc_now)

    @cached_property
    def actors(self) -> Actors:
        return Actors(storage=self._storage, clock=utc_now)

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(storage=self._storage, keep=self._settings.function_runs_kept, clock=utc_now)

    @cached_property
    def seal(self) -> RunSeal:
        return RunSeal(self._vault)

    @cached_property
    def engine(self) -> Engine:
        return Engine(sandbox=self.sandbox, shelf=self.shelf, actors=self.actors, scene=self.scene)

    @cached_property
    def host(self) -> Host:
        return Host(
            settings=self._settings,
            storage=self._storage,
            invoker=self._broker.invoker,
            plain=self.plain,
            mailing=self.mailing,
            clock=utc_now,
        )

    @cached_property
    def runner(self) -> Runner:
        runner = Runner(
            storage=self._storage,
            shelf=self.shelf,
            engine=self.engine,
            host=self.host,
            scene=self.scene,
            seal=self.seal,
            recorder=self.recorder,
            clock=utc_now,
            owner=self._owner,
        )
        runner.attach(self.queue)
        return runner

    @cached_property
    def commits(self) -> Commits:
        return Commits(storage=self._storage)

    @cached_property
    def journey(self) -> Journey:
        return Journey(
            storage=self._storage,
            vault=self._vault,
            services=self._broker.services,
            shelf=self.shelf,
            engine=self.engine,
            host=self.host,
            scene=self.scene,
            actors=self.actors,
            seal=self.seal,
            commits=self.commits,
            clock=utc_now,
            parked_seconds=self._pace.parked_seconds,
        )

    @cached_property
    def queue(self) -> RunQueue:
        return RunQueue(
            storage=self._storage,
            travel=self.journey.travel,
            settle=self.commits.close,
            clock=utc_now,
            owner=self._owner,
            pace=self._pace,
        )

    @cached_property
    def editor(self) -> Editor:
        return Editor(storage=self._storage, shelf=self.shelf, languages=self.languages, clock=utc_now)

    @cached_property
    def reader(self) -> Reader:
        return Reader(storage=self._storage, shelf=self.shelf, seal=self.seal)

    @cached_property
    def functions(self) -> Functions:
        mending = Mending(storage=self._storage, vault=self._vault, wake=self.queue.wake, clock=utc_now)
        return Functions(
            edit=self.editor,
            read=self.reader,
            runner=self.runner,
            _mending=mending,
            _recorder=self.recorder,
            _sandbox=self.sandbox,
        )

    @cached_property
    def firing(self) -> Firing:
        return Firing(storage=self._storage, runner=self.runner, actors=self.actors, seal=self.seal, clock=utc_now)

    @cached_property
    def triggers(self) -> Triggers:
        hooks = Hooks(storage=self._storage, vault=self._vault, firing=self.firing, wake=self.queue.wake, clock=utc_now)
        return Triggers(settings=self._settings, storage=self._storage, vault=self._vault, hooks=hooks, clock=utc_now)

    @cached_property
    def telling(self) -> Telling:
        return Telling(
            settings=self._settings,
            storage=self._storage,
            outbound=self._outbound,
            mailing=self.mailing,
            clock=utc_now,
        )

    @cached_property
    def watch(self) -> Watch:
        wake = self.queue.wake
        schedule = Schedule(storage=self._storage, firing=self.firing, wake=wake, clock=utc_now)
        dispatch = Dispatch(storage=self._storage, firing=self.firing, telling=self.telling, wake=wake)
        rounds = (schedule.round, dispatch.round)
        return Watch(storage=self._storage, rounds=rounds, slow=self.telling.round, clock=utc_now, owner=self._owner)

    @cached_property
    def blueprint(self) -> Blueprint:
        return Blueprint(
            directory=self._broker.directory,
            functions=Declared(editor=self.editor, reader=self.reader),
            triggers=DeclaredTriggers(triggers=self.triggers, languages=self.languages),
        )


def _without_connection(settings: Settings) -> Settings:
    """The settings of the way out for functions' calls that carry no credential: exceptions and limits of its own."""
    limit = settings.function_response_bytes
    return replace(settings, egress_allow=settings.function_egress_allow, response_bytes=limit, wire_bytes=limit)
