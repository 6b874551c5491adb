"""One run from where it stands to its end, to a long sleep, or to a call of which nobody knows whether it arrived.

The order of the writes is the point. Before a call is made, the frozen run and the call are committed; when its answer
is there, the answer is, before the run goes on to anything else. So whoever takes the run up finds either an answer,
which is never asked for again, or a call that may have arrived.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from isthmus.broker.functions.actors import Actors
from isthmus.broker.functions.arguments import bind
from isthmus.broker.functions.engine import Asked, Ended, Engine
from isthmus.broker.functions.host import Host
from isthmus.broker.functions.running import Running, frozen_actors
from isthmus.broker.functions.scene import Scene
from isthmus.broker.functions.sealing import RunSeal
from isthmus.broker.functions.shelf import Shelf
from isthmus.broker.functions.values import pack, unpack
from isthmus.broker.runs.commits import Commits
from isthmus.broker.runs.fate import is_repeatable, with_key
from isthmus.broker.services import Services
from isthmus.errors import FunctionError, IsthmusError, StorageError
from isthmus.functions.host import Fault, HostCall, Reply
from isthmus.records import Function, Repeat, Run, RunCall
from isthmus.storage.contract import RunChange, Storage
from isthmus.vault import Vault

_log = logging.getLogger("isthmus.runs")

_CLOSED: dict[str, Any] = {"lease_owner": None, "lease_until": None, "due_at": None, "snapshot_sealed": None}


MOST_FUTILE_TAKES = 30
"""So often may a run be taken up without getting further: it may be what ends the processes."""


class Lost(Exception):
    """Another process has taken the run; nothing more is written of it here."""


class PutDown(Exception):
    """This process is ending: the run goes on elsewhere, from what is written of it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A run that this process holds; whether its lease still lasts, and whether the process is ending."""

    run: Run
    is_ours: Callable[[], bool]
    is_leaving: Callable[[], bool]


class Journey:
    """Knows what is written when. A run that cannot go on is written down as failed, and says why."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        services: Services,
        shelf: Shelf,
        engine: Engine,
        host: Host,
        scene: Scene,
        actors: Actors,
        seal: RunSeal,
        commits: Commits,
        clock: Callable[[], datetime],
        parked_seconds: float,
    ) -> None:
        """A sleep from `parked_seconds` on is left to the database: the run is nobody's until it is over."""
        self._storage = storage
        self._vault = vault
        self._services = services
        self._shelf = shelf
        self._engine = engine
        self._host = host
        self._scene = scene
        self._actors = actors
        self._seal = seal
        self._commits = commits
        self._clock = clock
        self._parked_seconds = parked_seconds

    async def travel(self, held: Held) -> None:
        """Take the run as far as it goes. Raises Lost, PutDown, and StorageError: nothing can be written then."""
        run = replace(held.run, started_at=held.run.started_at or self._clock())
        held = replace(held, run=run)
        running = Running(run.id, self._scene.limits(run.function, run.trigger), 0.0)
        try:
            step = await self._set_out(held, running)
            while isinstance(step, Asked):
                if held.is_leaving():
                    raise PutDown
                step = await self._ask(held, running, step.call)
        except (StorageError, Lost, PutDown):
            raise
        except IsthmusError as problem:
            step = Ended(fault=_fault_of(problem))
        except Exception:
            # The next process would fare no better.
            _log.exception("run %s failed within", run.id)
            step = Ended(fault=Fault("internal", "The run failed for a reason within Isthmus; the log has it."))
        if step is not None:
            await self._end(held, running, step)

    # --- where a run begins or goes on

    async def _set_out(self, held: Held, running: Running) -> Asked | Ended | None:
        run = held.run
        if run.epoch - 2 * run.calls > MOST_FUTILE_TAKES:
            message = f"The run was taken up {run.epoch} times, and its process ended each time."
            return Ended(fault=Fault("run_given_up", message, hint="See in the log what ended the processes."))
        frozen = self._seal.open_snapshot(run)
        if frozen:
            return await self._go_on(held, running, frozen)
        given = self._seal.open_arguments(run)
        function = Function(run.function_id, run.function, run.language)
        ready = await self._shelf.ready(function, run.version)
        actor = await self._actors.find(run.run_as, run.address)
        running.user = given.user
        running.deadline = self._clock().timestamp() + running.limits.wall_seconds
        bound = bind(ready.arguments, given.given, language=run.language)
        return await self._engine.begin(running, ready, actor, bound)

    async def _go_on(self, held: Held, running: Running, frozen: bytes) -> Asked | Ended | None:
        run = held.run
        actors = {one: await self._actors.find(one, run.address) for one in frozen_actors(frozen)}
        thawed = Running.thaw(frozen, actors, list(await self._storage.run_calls(run.id)))
        for name in ("limits", "deadline", "user", "frames", "spent", "info", "calls"):
            setattr(running, name, getattr(thawed, name))
        note = running.calls[-1]
        waiting = running.top.waiting
        assert waiting is not None, "a frozen run waits"
        # The time that nobody held it does not count.
        running.deadline += max(0.0, (self._clock() - note.at).total_seconds())
        if note.state == "answered" and note.answer_sealed is not None:
            return await self._engine.resume(running, self._open_answer(note))
        if waiting.call.name == "sleep":
            return await self._sleep(held, running, waiting.call, note)
        if note.state == "asked" and not is_repeatable(waiting.call, await self._repeat_of(waiting.call)):
            await self._interrupt(held, running, note)
            return None
        # Either it does no harm, or a person has said to make it again.
        await self._commit(held, {"state": "waiting"}, replace(note, state="asked"))
        return await self._make(held, running, waiting.call, note)

    # --- one call

    async def _ask(self, held: Held, running: Running, call: HostCall) -> Asked | Ended | None:
        call = await self._keyed(running, call)
        note = self._host.note(running, call)
        if note.number > 1:  # the answer before it is in the frozen run now
            running.calls[-2] = replace(running.calls[-2], answer_sealed=None)
        changes = {"state": "waiting", **self._frozen(held.run, running)}
        if call.name == "sleep":
            return await self._sleep(held, running, call, note, changes)
        await self._commit(held, changes, *running.calls[-2:])
        return await self._make(held, running, call, note)

    async def _keyed(self, running: Running, call: HostCall) -> HostCall:
        """The call as it is made each time, and as it is frozen: with its key, where the service takes one."""
        keyed = with_key(call, await self._repeat_of(call), f"{running.run_id}-{len(running.calls) + 1}")
        waiting = running.top.waiting
        if keyed is not call and waiting is not None:
            running.top.waiting = replace(waiting, call=keyed)
        return keyed

    async def _make(self, held: Held, running: Running, call: HostCall, note: RunCall) -> Asked | Ended | None:
        if not held.is_ours():
            raise Lost  # paused for longer than the lease: another may be making this very call
        reply, noted = await self._host.answer(running, call, note)
        answered = replace(noted, answer_sealed=self._seal_answer(noted, reply))
        written = self._commit(held, {"state": "running"}, answered)
        # Going on asks nothing of the world, so it need not wait for the commit; the next call does.
        step, _ = await asyncio.gather(self._engine.resume(running, reply), written)
        return step

    async def _sleep(
        self, held: Held, running: Running, call: HostCall, note: RunCall, changes: dict[str, Any] | None = None
    ) -> Asked | Ended | None:
        """Short ones here; for a long one the run is put down until it is over."""
        seconds = max(0.0, min(float(call.arguments["seconds"]), running.limits.sleep_seconds))
        left = min(seconds, seconds - (self._clock() - note.at).total_seconds())  # the clock may have gone back
        if left >= self._parked_seconds:
            due = {"due_at": self._clock() + timedelta(seconds=left), "lease_owner": None, "lease_until": None}
            await self._commit(held, {**(changes or {}), "state": "waiting", **due}, *running.calls[-2:])
            return None
        if changes is not None:
            await self._commit(held, changes, *running.calls[-2:])
        await asyncio.sleep(max(0.0, left))
        noted = replace(note, state="answered", elapsed_ms=seconds * 1000)
        running.calls[note.number - 1] = noted
        answered = replace(noted, answer_sealed=self._seal_answer(noted, Reply()))
        step, _ = await asyncio.gather(
            self._engine.resume(running, Reply()), self._commit(held, {"state": "running"}, answered)
        )
        return step

    async def _repeat_of(self, call: HostCall) -> Repeat | None:
        """What the service of the call's connection says of calls made twice; None where there is none."""
        link_name = call.arguments.get("connection")
        if is_repeatable(call, None) or call.name != "invokeurl" or not link_name:
            return None
        connection = await self._storage.connection(str(link_name))
        if connection is None:
            return None
        return (await self._services.find(connection.service)).service.repeat

    # --- what is written

    async def _commit(self, held: Held, changes: dict[str, Any], *calls: RunCall) -> None:
        if not await self._commits.write(RunChange(held.run.id, held.run.epoch, changes, calls)):
            raise Lost

    async def _interrupt(self, held: Held, running: Running, note: RunCall) -> None:
        message = "The process that ran it ended during a call, and whether the call arrived cannot be told."
        fault = Fault(
            "call_fate_unknown",
            message,
            note.line,
            hint="See at the third party. Then retry (the call is made again) or skip (it counts as made).",
        )
        unknown = replace(note, state="unknown")
        running.calls[note.number - 1] = unknown
        changes = {**self._told(held.run, running, Ended(fault=fault)), "state": "interrupted"}
        kept = {**_CLOSED, "snapshot_sealed": held.run.snapshot_sealed}
        await self._commit(held, {**changes, **kept}, unknown)

    async def _end(self, held: Held, running: Running, ended: Ended) -> None:
        changes = {
            **self._told(held.run, running, ended),
            **_CLOSED,
            "state": "failed" if ended.fault is not None else "finished",
            "ended_at": self._clock(),
        }
        if running.calls:
            running.calls[-1] = replace(running.calls[-1], answer_sealed=None)
        await self._commit(held, changes, *running.calls[-1:])

    def _told(self, run: Run, running: Running, ended: Ended) -> dict[str, Any]:
        usage, fault = running.usage, ended.fault
        sealed = self._seal.with_outcome(run, ended.value, tuple(running.info), fault).outcome_sealed
        return {
            "outcome_sealed": sealed,
            "error_code": fault.code if fault is not None else "",
            "error_line": fault.line if fault is not None else 0,
            "statements": usage.statements,
            "active_seconds": usage.active_seconds,
            "calls": len(running.calls),
            "started_at": run.started_at,
            "elapsed_ms": max(0.0, (self._clock() - (run.started_at or run.created_at)).total_seconds()) * 1000,
        }

    def _frozen(self, run: Run, running: Running) -> dict[str, Any]:
        return {
            "snapshot_sealed": self._seal.with_snapshot(run, running.freeze()).snapshot_sealed,
            "calls": len(running.calls),
            "started_at": run.started_at,
        }

    def _seal_answer(self, note: RunCall, reply: Reply) -> bytes:
        return seal_answer(self._vault, note, reply)

    def _open_answer(self, note: RunCall) -> Reply:
        assert note.answer_sealed is not None, "only an answered call is opened"
        return Reply(**unpack(self._vault.open(note.answer_sealed, **_answer_place(note))))


def seal_answer(vault: Vault, note: RunCall, reply: Reply) -> bytes:
    """The reply as a call's row keeps it."""
    document = {"value": reply.value, "fault": reply.fault, "fault_code": reply.fault_code}
    return vault.seal(pack(document), **_answer_place(note))


def _answer_place(note: RunCall) -> dict[str, str]:
    return {"table": "run_calls", "row": f"{note.run_id}/{note.number}", "field": "answer"}


def _fault_of(problem: IsthmusError) -> Fault:
    if isinstance(problem, FunctionError):
        return Fault(problem.code, problem.message, problem.line, problem.column, problem.hint)
    return Fault(problem.code, problem.message, hint=problem.hint)


Travel = Callable[[Held], Awaitable[None]]
