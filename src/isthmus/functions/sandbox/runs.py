"""Runs: begun, suspended at each call to the world, gone on with in any worker of any process."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from pydantic_monty import (
    FunctionSnapshot,
    FutureSnapshot,
    MontyComplete,
    MontyConversionError,
    MontyCrashedError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
    NameLookupSnapshot,
    SyncSnapshot,
)

from isthmus.functions.host import (
    Failed,
    Fault,
    Finished,
    HostCall,
    Limits,
    Program,
    Reply,
    State,
    Surroundings,
    Usage,
    Waiting,
)
from isthmus.functions.python_marks import NAME
from isthmus.functions.sandbox import faults
from isthmus.functions.sandbox.answers import Answers
from isthmus.functions.sandbox.calls import host_call
from isthmus.functions.sandbox.checks import CHECK_SECONDS, check_types
from isthmus.functions.sandbox.images import Images
from isthmus.functions.sandbox.output import LINES, Printed
from isthmus.functions.sandbox.values import Unfit, inward, outward
from isthmus.functions.sandbox.workers import Ticket, Workers, enforced

_OWN_DEPTH = {"deluge": 125, "python": 12}
"""Nested calls that the built-ins may need on top of the function's own."""


class Runs:
    """What `Sandbox` is once it is used."""

    def __init__(self, workers: int) -> None:
        self._workers = Workers(workers)
        self._images = Images(self._workers)

    async def begin(
        self, program: Program, arguments: Mapping[str, Any], *, surroundings: Surroundings, limits: Limits
    ) -> State:
        """Run a program up to its first call to the world, or to its end."""
        usage = Usage(began_at=time.time())

        def start(leg: _Leg, session: MontySession) -> SyncSnapshot:
            given = inward(dict(arguments), leg.answers.zone, exact=program.language == "deluge")
            session.load_session(leg.image)
            inputs = {
                "arguments": given,
                "statement_limit": limits.statements,
                "output_limit": limits.output_bytes * LINES,
            }
            return session.feed_start(program.compiled, inputs=inputs, print_callback=leg.printed.take)

        return await self._leg(program, usage, surroundings, limits, start, image=True)

    async def resume(
        self, program: Program, waiting: Waiting, reply: Reply, *, surroundings: Surroundings, limits: Limits
    ) -> State:
        """Go on with a run, here or where it was never before. `waiting.snapshot` must be one that a sandbox of ours
        made and nobody could change since."""

        def go_on(leg: _Leg, session: MontySession) -> SyncSnapshot:
            exact = program.language == "deluge"
            value = None if reply.fault is not None else inward(reply.value, leg.answers.zone, exact=exact)
            try:
                snapshot = session.load_snapshot(zlib.decompress(waiting.snapshot), print_callback=leg.printed.take)
            except zlib.error:
                snapshot = None
            except MontyRuntimeError as problem:
                if "failed to load" not in str(problem.exception()):
                    raise
                snapshot = None
            if not isinstance(snapshot, FunctionSnapshot):
                raise _Ended(faults.thawed_wrongly(program.source))
            if reply.fault is None:
                return snapshot.resume({"return_value": value})
            leg.replied = reply
            return snapshot.resume({"exc_type": "RuntimeError", "message": reply.fault})

        return await self._leg(program, waiting.usage, surroundings, limits, go_on, image=False)

    async def check(self, program: Program) -> tuple[Fault, ...]:
        """What is wrong with the types of a Python program; nothing of it is run."""
        try:
            async with asyncio.timeout(CHECK_SECONDS + 1):
                return await self._workers.run("types", lambda ticket: check_types(self._workers, program, ticket))
        except TimeoutError:
            message = f"The check took longer than {CHECK_SECONDS:g} s."
            return (faults.fault("limit_check", message, (1, 1), program.source, "Split the function."),)

    def close(self) -> None:
        """End all workers. Runs in progress fail; suspended ones lose nothing."""
        self._workers.close()

    async def _leg(
        self,
        program: Program,
        usage: Usage,
        surroundings: Surroundings,
        limits: Limits,
        start: Callable[[_Leg, MontySession], SyncSnapshot],
        *,
        image: bool,
    ) -> State:
        try:
            answers = Answers(surroundings)
        except Unfit as problem:
            return Failed(Fault("invalid_argument", str(problem)), usage)

        def work(ticket: Ticket) -> State:
            restored = self._images.image(program, surroundings.timezone, ticket) if image else b""
            return _Leg(program, usage, answers, limits, ticket, restored).run(self._workers, start)

        return await self._workers.run(program.name or str(hash(program.source)), work)


@dataclass
class _Ended(Exception):
    """The run is over, decided on our side."""

    fault: Fault


class _Leg:
    """A run's time in one worker: from its begin or a reply to the next call, its end or a limit."""

    def __init__(
        self, program: Program, usage: Usage, answers: Answers, limits: Limits, ticket: Ticket, image: bytes
    ) -> None:
        self.answers = answers
        self.image = image
        self.replied: Reply | None = None
        self.printed = Printed(limits.output_bytes, usage.output_bytes, ticket.kill)
        self._program = program
        self._usage = usage
        self._limits = limits
        self._ticket = ticket
        self._statements = usage.statements
        self._since = time.monotonic()
        self._at = (1, 1)

    def run(self, workers: Workers, start: Callable[[_Leg, MontySession], SyncSnapshot]) -> State:
        """Drive the worker until there is a state to tell."""
        wall = self._limits.wall_seconds - (time.time() - self._usage.began_at)
        active = self._limits.active_seconds - self._usage.active_seconds
        if min(wall, active) <= 0:
            return self._failed(self._spent("limit_wall" if wall <= active else "limit_active"))
        self._overdue = "limit_wall" if wall <= active else "limit_active"
        self._until = time.monotonic() + min(wall, active)
        depth = self._limits.recursion + _OWN_DEPTH[self._program.language]
        given = enforced(seconds=min(wall, active), memory=self._limits.memory_bytes, recursion=depth)
        with workers.session(self._ticket, limits=given) as session:
            self._since = time.monotonic()
            try:
                return self._drive(start(self, session))
            except _Ended as ended:
                self._ticket.kill()
                return self._failed(ended.fault)
            except Unfit as problem:
                self._ticket.kill()
                return self._failed(Fault("invalid_argument", str(problem)))
            except MontyCrashedError as problem:
                return self._failed(self._crashed(problem))
            except (MontyRuntimeError, MontySyntaxError) as problem:
                return self._judged(problem, session)
            except MontyConversionError as problem:
                self._ticket.kill()
                return self._failed(Fault("invalid_argument", str(problem)))

    def _drive(self, step: SyncSnapshot) -> State:
        while not isinstance(step, MontyComplete):
            if time.monotonic() > self._until:
                raise _Ended(self._spent(self._overdue))
            if isinstance(step, NameLookupSnapshot):
                step = step.resume()
            elif isinstance(step, FutureSnapshot):
                raise _Ended(self._fault("run_failed", "A function has nothing to await: calls answer at once."))
            elif step.is_os_function:
                if step.function_name in ("system.sleep", "time.sleep"):
                    return self._suspend(step, HostCall("sleep", {"seconds": float(step.args[0])}))
                step = self._system(step)
            elif step.function_name != "ask":
                step = step.resume({"exc_type": "NameError", "message": f"name '{step.function_name}' is not defined"})
            elif step.args and self.answers.knows(step.args[0]):
                step = self._instant(step)
            else:
                try:
                    call, statements = host_call(step.args, self.answers.zone)
                except Unfit as problem:
                    step = step.resume({"exc_type": "ValueError", "message": str(problem)})
                    continue
                self._statements = max(self._statements, statements)
                return self._suspend(step, call)
        return self._finished(step.output)

    def _instant(self, step: FunctionSnapshot) -> SyncSnapshot:
        try:
            answer = self.answers.answer(step.args[0], step.args[1:])
        except Unfit as problem:
            return step.resume({"exc_type": "ValueError", "message": str(problem)})
        return step.resume({"return_value": answer})

    def _system(self, step: FunctionSnapshot) -> SyncSnapshot:
        if step.function_name in ("datetime.now", "date.today"):
            zone = step.args[0] if step.args and isinstance(step.args[0], tzinfo) else None
            now = self.answers.now()
            return step.resume({"return_value": now if zone is None else self.answers.instant().astimezone(zone)})
        if step.function_name == "time.time":
            return step.resume({"return_value": self.answers.instant().timestamp()})
        if step.function_name == "os.urandom":
            return step.resume({"return_value": self.answers.random(step.args[0])})
        return step.resume_not_handled()

    def _suspend(self, step: FunctionSnapshot, call: HostCall) -> State:
        before, limit = self._usage, self._limits
        calls = before.outbound_calls + (call.name in ("invokeurl", "sendmail"))
        asleep = before.sleep_seconds + (call.arguments["seconds"] if call.name == "sleep" else 0.0)
        for passed, code in (
            (calls > limit.outbound_calls, "limit_outbound_calls"),
            (before.suspensions + 1 > limit.suspensions, "limit_suspensions"),
            (not 0 <= asleep <= limit.sleep_seconds, "limit_sleep"),
        ):
            if passed:
                place = (call.line, call.column) if call.line else self._struck(step, code)
                raise _Ended(faults.spent(code, limit, place, self._program.source))
        snapshot = zlib.compress(step.dump(), 1)
        usage = replace(self._used(), outbound_calls=calls, suspensions=before.suspensions + 1, sleep_seconds=asleep)
        # The run goes on elsewhere: what is left in the worker is a copy.
        return Waiting(call, snapshot, usage, self.printed.lines())

    def _struck(self, step: FunctionSnapshot, code: str) -> tuple[int, int]:
        """Where a call stands that tells no place: where it ends if it fails."""
        try:
            step.resume({"exc_type": "SystemExit", "message": code})
        except MontyRuntimeError as problem:
            return faults.place_of(problem.traceback(), self._program)
        return self._start()

    def _finished(self, output: Any) -> State:
        try:
            if not isinstance(output, tuple) or len(output) != 2 or not isinstance(output[1], int):
                raise Unfit("The function did not hand out its value.")
            value = outward(output[0], self.answers.zone)
        except Unfit as problem:
            raise _Ended(self._fault("limit_value", str(problem))) from None
        self._statements = max(self._statements, output[1])
        return Finished(value, self._used(), self.printed.lines())

    def _judged(self, problem: MontyRuntimeError | MontySyntaxError, session: MontySession) -> State:
        if self.printed.flooded:
            return self._failed(self._spent("limit_output"))
        fault = faults.judge(problem, self._program, self._limits)
        if self._program.language == "deluge" or fault.code == "limit_active":
            self._look(session)
        if fault.code == "limit_active":
            fault = self._spent(self._overdue)
        if self.replied is not None and fault.message.endswith(self.replied.fault or "\0"):
            fault = replace(fault, code=self.replied.fault_code or fault.code)
        if fault.code.startswith("limit_") and fault.code != "limit_statements":
            self._ticket.kill()
        return self._failed(fault)

    def _look(self, session: MontySession) -> None:
        """What a failed script left behind: how many statements it had executed, and where it was."""
        told = "(_n, _at)" if self._program.language == "deluge" else f"(0, {NAME}[0])"
        try:
            statements, line = session.feed_run(told)
            at = (int(line), 1)
        except (MontyRuntimeError, MontySyntaxError, MontyCrashedError, TypeError, ValueError):
            self._ticket.kill()
        else:
            self._statements = max(self._statements, int(statements))
            self._at = at

    def _crashed(self, problem: MontyCrashedError) -> Fault:
        if self.printed.flooded:
            return self._spent("limit_output")
        return self._spent(self._overdue if problem.timed_out else "crashed")

    def _spent(self, code: str) -> Fault:
        return faults.spent(code, self._limits, self._start(), self._program.source)

    def _fault(self, code: str, message: str) -> Fault:
        return faults.fault(code, message, self._start(), self._program.source, faults.HINTS.get(code, ""))

    def _start(self) -> tuple[int, int]:
        """The place of what has no other: where a script was last seen, the loop that a Python function was in last, or
        where it begins."""
        if self._program.language == "python" and not 1 < self._at[0] <= self._program.source.count("\n") + 1:
            before, found, _ = self._program.source.partition("def main")
            return (before.count("\n") + 1, 1) if found else (1, 1)
        return self._at

    def _used(self) -> Usage:
        spent = self._usage.active_seconds + time.monotonic() - self._since
        return replace(self._usage, statements=self._statements, active_seconds=spent, output_bytes=self.printed.used)

    def _failed(self, fault: Fault) -> Failed:
        return Failed(fault, self._used(), self.printed.lines())
