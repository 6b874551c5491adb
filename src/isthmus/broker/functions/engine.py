"""Drives a run from call to call: begins it, resumes it with answers, and runs the functions it calls within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.broker.functions.actors import Actors
from isthmus.broker.functions.arguments import bind, by_position
from isthmus.broker.functions.ports import Sandbox
from isthmus.broker.functions.rights import no_such_function, runnable
from isthmus.broker.functions.running import Frame, Running
from isthmus.broker.functions.scene import Scene
from isthmus.broker.functions.shelf import UNSAVED, Ready, Shelf
from isthmus.errors import FunctionError, IsthmusError
from isthmus.functions.host import Failed, Fault, Finished, HostCall, Reply, State, Waiting
from isthmus.records import Actor, Function


@dataclass(frozen=True, slots=True)
class Asked:
    """The run waits for this; give `resume` the answer."""

    call: HostCall


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over: with a value, or with a fault."""

    value: Any = None
    fault: Fault | None = None


class Engine:
    """Knows the sandbox and the functions, and nothing of what a run asks of the world."""

    def __init__(self, *, sandbox: Sandbox, shelf: Shelf, actors: Actors, scene: Scene) -> None:
        self._sandbox = sandbox
        self._shelf = shelf
        self._actors = actors
        self._scene = scene

    async def acting(self, actor: Actor, function: Function) -> Actor:
        """Whose rights a run of this function has when this actor runs it. Raises AccessDenied (`actor_gone`)."""
        if function.run_as == "caller":
            return actor
        return await self._actors.find(function.owner, actor.address)

    async def begin(self, running: Running, ready: Ready, actor: Actor, arguments: Mapping[str, Any]) -> Asked | Ended:
        """Run up to the first call to the world, or to the end. `actor` is whose rights the run has."""
        return await self._settle(running, await self._enter(running, ready, actor, arguments))

    async def resume(self, running: Running, reply: Reply) -> Asked | Ended:
        """Go on with the answer to what the run asked."""
        return await self._settle(running, await self._go_on(running, reply))

    async def _settle(self, running: Running, state: State) -> Asked | Ended:
        while True:
            frame = running.top
            frame.usage = state.usage
            running.print(state.info)
            frame.waiting = state if isinstance(state, Waiting) else None
            passed = running.passed_limit()
            if passed is not None and not isinstance(state, Failed):  # what failed says itself where
                state = Failed(passed, state.usage)
            if isinstance(state, Waiting):
                if state.call.name != "call":
                    return Asked(state.call)
                state = await self._call(running, state.call)
                continue
            left = running.leave()
            if isinstance(state, Failed) and (not running.frames or state.fault.code.startswith("limit_")):
                return Ended(fault=state.fault)
            if not running.frames:
                return Ended(value=state.value if isinstance(state, Finished) else None)
            state = await self._go_on(running, _reply(state, left))

    async def _call(self, running: Running, call: HostCall) -> State:
        """Begin the function that the innermost one calls; what is wrong with the call is told to the caller."""
        frame = running.top
        if len(running.frames) >= running.limits.recursion:
            message = f"Functions call each other more than {running.limits.recursion} deep."
            return Failed(Fault("limit_recursion", message, max(call.line, 1), max(call.column, 1)), frame.usage)
        try:
            name = str(call.arguments["name"])
            function = runnable(frame.actor, await self._shelf.function(name), name, within=frame.function)
            if function.published_version is None:
                raise no_such_function(name)
            ready = await self._shelf.ready(function, function.published_version)
            positional = by_position(ready.arguments, call.arguments["arguments"])
            given = bind(ready.arguments, positional, language=ready.function.language)
            actor = await self.acting(frame.actor, function)
        except IsthmusError as problem:
            return await self._go_on(running, Reply(fault=problem.message, fault_code=problem.code))
        return await self._enter(running, ready, actor, given)

    async def _enter(self, running: Running, ready: Ready, actor: Actor, arguments: Mapping[str, Any]) -> State:
        unsaved = ready.program if ready.number == UNSAVED else None
        frame = Frame(ready.function.id, ready.function.name, ready.number, actor, unsaved=unsaved)
        limits = running.limits_of(frame)
        running.frames.append(frame)
        surroundings = await self._scene.surroundings(actor)
        return await self._sandbox.begin(ready.program, arguments, surroundings=surroundings, limits=limits)

    async def _go_on(self, running: Running, reply: Reply) -> State:
        frame = running.top
        waiting = frame.waiting
        assert waiting is not None, "only a waiting run is resumed"
        try:
            program = await self._program(frame)
        except FunctionError as problem:
            return Failed(Fault(problem.code, problem.message, problem.line, problem.column), frame.usage)
        except IsthmusError as problem:
            return Failed(Fault(problem.code, problem.message, hint=problem.hint), frame.usage)
        surroundings = await self._scene.surroundings(frame.actor)
        limits = running.limits_of(frame)
        return await self._sandbox.resume(program, waiting, reply, surroundings=surroundings, limits=limits)

    async def _program(self, frame: Frame) -> Any:
        """By id and version: the function may have been published anew since the run began. Unsaved code: itself."""
        if frame.unsaved is not None:
            return frame.unsaved
        function = Function(frame.function_id, frame.function, "deluge")
        return (await self._shelf.ready(function, frame.version)).program


def _reply(state: State, left: Frame) -> Reply:
    if isinstance(state, Failed):
        return Reply(
            fault=f"{left.function}, line {state.fault.line}: {state.fault.message}", fault_code=state.fault.code
        )
    return Reply(value=state.value) if isinstance(state, Finished) else Reply()
