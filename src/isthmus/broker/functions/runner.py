"""Runs functions for whoever asks: now and to the end, or later from the queue; and again, after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.broker.functions.actors import require_lasting
from isthmus.broker.functions.arguments import bind
from isthmus.broker.functions.engine import Asked, Ended, Engine
from isthmus.broker.functions.host import Host
from isthmus.broker.functions.mapping import fill, read_mapping
from isthmus.broker.functions.ports import Queue
from isthmus.broker.functions.recorder import Recorder
from isthmus.broker.functions.rights import require_edit, runnable
from isthmus.broker.functions.running import Running
from isthmus.broker.functions.scene import Scene
from isthmus.broker.functions.sealing import RunSeal
from isthmus.broker.functions.shelf import Ready, Shelf
from isthmus.broker.tokens import draw_id
from isthmus.errors import Conflict, FunctionError, InputError, IsthmusError
from isthmus.functions.host import Fault, Usage
from isthmus.records import Actor, Function, Run, TriggerKind
from isthmus.storage.contract import Storage

_HELD_BEYOND = timedelta(seconds=60)
_SWEPT_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Asking:
    """What a caller wants run. `arguments` as JSON has them, or `record` and `mapping`.

    `code` is run in place of the draft, saved or not, and only at once. `user` names the resource owner where the function uses a personal connection and a program asks. `run_id` is the
    id that the run is to have, where it must be told by what asks for it.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    record: Mapping[str, Any] | None = field(default=None, repr=False)
    mapping: Mapping[str, Any] | None = None
    draft: bool = False
    code: str | None = field(default=None, repr=False)
    user: str | None = None
    trigger: TriggerKind = "rest"
    trigger_id: str = ""
    retry_of: str | None = None
    attempt: int = 1
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run and what came of it; `value` as the function returned it."""

    run: Run
    value: Any = field(default=None, repr=False)
    info: tuple[str, ...] = field(default=(), repr=False)
    error: Fault | None = None


class Runner:
    """Every run is written down before anybody is told of it."""

    def __init__(
        self,
        *,
        storage: Storage,
        shelf: Shelf,
        engine: Engine,
        host: Host,
        scene: Scene,
        seal: RunSeal,
        recorder: Recorder,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        """`owner` names this process, as the holder of its runs."""
        self._storage = storage
        self._shelf = shelf
        self._engine = engine
        self._host = host
        self._scene = scene
        self._seal = seal
        self._recorder = recorder
        self._clock = clock
        self._owner = owner
        self._queue: Queue | None = None

    def attach(self, queue: Queue) -> None:
        """From now on the queue is woken when a run is stored for it."""
        self._queue = queue

    async def execute(self, actor: Actor, name: str, asking: Asking) -> Outcome:
        """Run to the end. A function's own failure is an outcome, not an exception.

        Raises NotFound, AccessDenied, InputError that names the argument (nothing was run then), and StorageError:
        the run could not be written down, though it was made.
        """
        ready, given, acting = await self._prepare(actor, name, asking)
        return await self._run(self._new_run(actor, acting, ready, asking, given), ready, acting, given, asking.user)

    async def enqueue(self, actor: Actor, name: str, asking: Asking) -> Run:
        """The run, stored as queued and due now. Raises as `execute`, and AccessDenied (`run_now_only`)."""
        run = await self.queued(actor, name, asking)
        await self._recorder.put(run)
        if self._queue is not None:
            self._queue.wake(run)
        return run

    async def queued(self, actor: Actor, name: str, asking: Asking) -> Run:
        """The run that `enqueue` would store, for who stores it together with something else. Raises as it does."""
        ready, given, acting = await self._prepare(actor, name, replace(asking, code=None))
        require_lasting(acting)
        run = self._new_run(actor, acting, ready, asking, given)
        return replace(run, state="queued", started_at=None, due_at=run.created_at)

    async def retry(
        self, actor: Actor, run: Run, arguments: Mapping[str, Any] | None, *, later: bool = False
    ) -> Outcome | Run:
        """Run again what failed or was interrupted, with the same arguments or others, on the version that is live
        now (a test of a draft: on the draft). Raises Conflict (`run_not_failed`)."""
        if run.state not in ("failed", "interrupted"):
            raise Conflict(
                f"The run is {run.state}; only a failed or interrupted run is tried again.",
                code="run_not_failed",
                hint="Execute the function instead.",
            )
        before = self._seal.open_arguments(run)
        asking = Asking(
            arguments=before.given if arguments is None else arguments,
            draft=run.trigger == "test",
            user=before.user,
            trigger=run.trigger,
            trigger_id=run.trigger_id,
            retry_of=run.id,
            attempt=run.attempt + 1,
        )
        return await (self.enqueue if later else self.execute)(actor, run.function, asking)

    async def sweep(self) -> int:
        """Mark as interrupted what processes that ended have left under way; how many."""
        found = await self._storage.abandoned_runs(now=self._clock(), limit=_SWEPT_AT_ONCE)
        for run in found:
            message = "The process that ran it ended; whether its last call arrived cannot be told."
            fault = Fault("run_interrupted", message, hint="Look at its calls, then try it again.")
            ended = self._ended(replace(run, state="interrupted"), None, (), fault)
            kept = ("state", "outcome_sealed", "error_code", "error_line", "lease_owner", "lease_until", "ended_at")
            calls = [
                replace(call, state="unknown")
                for call in await self._storage.run_calls(run.id)
                if call.state == "asked"
            ]
            changes = {name: getattr(ended, name) for name in kept}
            await self._storage.change_run(run.id, epoch=run.epoch, changes=changes, calls=calls)
        return len(found)

    async def _prepare(self, actor: Actor, name: str, asking: Asking) -> tuple[Ready, dict[str, Any], Actor]:
        """The version to run, the arguments as given, and whose rights it has."""
        function = runnable(actor, await self._shelf.function(name), name)
        number = self._number(actor, function, asking)
        if asking.draft and asking.code is not None:
            ready = await self._shelf.unsaved(function, asking.code)
        else:
            ready = await self._shelf.ready(function, number)
        given = _given(asking, ready)
        bind(ready.arguments, given, language=function.language)
        if asking.draft:
            return ready, given, actor  # a draft has the rights of whoever tries it, and never the owner's
        return ready, given, await self._engine.acting(actor, function)

    def _number(self, actor: Actor, function: Function, asking: Asking) -> int:
        if asking.draft:
            require_edit(actor)
            return function.draft_version
        if function.published_version is None:
            raise Conflict(
                f"The function {function.name!r} has not been published.",
                code="not_published",
                hint="Publish it, or run its draft with ?version=draft.",
            )
        return function.published_version

    def _new_run(self, actor: Actor, acting: Actor, ready: Ready, asking: Asking, given: Mapping[str, Any]) -> Run:
        now = self._clock()
        run = Run(
            asking.run_id or draw_id(),
            ready.function.id,
            ready.function.name,
            ready.number,
            ready.function.language,
            "test" if asking.draft else asking.trigger,
            actor.id,
            acting.id,
            "running",
            now,
            asking.trigger_id,
            address=actor.address,
            retry_of=asking.retry_of,
            attempt=asking.attempt,
            started_at=now,
        )
        return self._seal.with_arguments(run, given, asking.user)

    async def _run(self, run: Run, ready: Ready, acting: Actor, given: Mapping[str, Any], user: str | None) -> Outcome:
        limits = self._scene.limits(run.function, run.trigger)
        started = self._clock()
        running = Running(run.id, limits, started.timestamp() + limits.wall_seconds, user)
        written: asyncio.Task[None] | None = None
        try:
            bound = bind(ready.arguments, given, language=ready.function.language)
            step = await self._engine.begin(running, ready, acting, bound)
            while isinstance(step, Asked):
                note = self._host.note(running, step.call)
                if written is None:  # from its first call on, a run leaves a trace whatever happens to this process
                    written = asyncio.create_task(self._recorder.put(self._held(run, running), [note]))
                reply, _ = await self._host.answer(running, step.call, note)
                await written
                step = await self._engine.resume(running, reply)
        except asyncio.CancelledError:
            await self._give_up(run, running)
            raise
        except IsthmusError as problem:
            step = Ended(fault=_fault_of(problem))
        run = _with_usage(run, running, (self._clock() - started).total_seconds() * 1000)
        info = tuple(running.info)
        run = self._ended(run, step.value, info, step.fault)
        await self._recorder.put(run, running.calls)
        return Outcome(run, step.value, info, step.fault)

    def _held(self, run: Run, running: Running) -> Run:
        until = datetime.fromtimestamp(running.deadline, tz=run.created_at.tzinfo) + _HELD_BEYOND
        return replace(run, lease_owner=self._owner, lease_until=until)

    def _ended(self, run: Run, value: Any, info: tuple[str, ...], fault: Fault | None) -> Run:
        state = run.state if run.state == "interrupted" else ("failed" if fault is not None else "finished")
        run = replace(
            run,
            state=state,
            error_code=fault.code if fault is not None else "",
            error_line=fault.line if fault is not None else 0,
            lease_owner=None,
            lease_until=None,
            due_at=None,
            ended_at=self._clock(),
        )
        return self._seal.with_outcome(run, value, info, fault)

    async def _give_up(self, run: Run, running: Running) -> None:
        """This process is ending: the run is written down as what became of it."""
        calls = [replace(call, state="unknown") if call.state == "asked" else call for call in running.calls]
        fault = Fault("run_interrupted", "The server was stopped while it ran.", hint="Try it again.")
        ended = self._ended(replace(run, state="interrupted"), None, tuple(running.info), fault)
        await asyncio.shield(self._recorder.put(ended, calls))


def _given(asking: Asking, ready: Ready) -> dict[str, Any]:
    if asking.mapping is None and asking.record is None:
        return dict(asking.arguments)
    if asking.mapping is None or asking.record is None:
        missing = "mapping" if asking.mapping is None else "record"
        raise InputError("A record and a mapping go together.", field=missing, hint="Give both, or arguments alone.")
    mapping = read_mapping(asking.mapping, frozenset(argument.name for argument in ready.arguments))
    return {**asking.arguments, **fill(mapping, asking.record)}


def _with_usage(run: Run, running: Running, elapsed_ms: float) -> Run:
    usage: Usage = running.usage
    return replace(
        run,
        statements=usage.statements,
        active_seconds=usage.active_seconds,
        calls=len(running.calls),
        elapsed_ms=elapsed_ms,
    )


def _fault_of(problem: IsthmusError) -> Fault:
    if isinstance(problem, FunctionError):
        return Fault(problem.code, problem.message, problem.line, problem.column, problem.hint)
    return Fault(problem.code, problem.message, hint=problem.hint)
