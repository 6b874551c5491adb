"""From a trigger and what set it off to a run: with the rights of whoever saved it last, as they are now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from isthmus.broker.functions.actors import Actors
from isthmus.broker.functions.runner import Asking, Runner
from isthmus.broker.functions.sealing import RunSeal
from isthmus.broker.tokens import draw_id
from isthmus.errors import InputError, IsthmusError, StorageError
from isthmus.functions.host import Fault
from isthmus.records import Function, Run, Trigger
from isthmus.storage.contract import Storage


class Firing:
    """Makes runs, stores none: each is stored together with what says that the trigger has fired."""

    def __init__(
        self, *, storage: Storage, runner: Runner, actors: Actors, seal: RunSeal, clock: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._runner = runner
        self._actors = actors
        self._seal = seal
        self._clock = clock

    async def run_of(self, trigger: Trigger, record: Mapping[str, Any], *, run_id: str | None = None) -> Run | None:
        """A queued run, or one that failed already where the arguments or rights are not there: somebody must learn
        of it. None if the function is gone. Raises StorageError."""
        function = await self._storage.function_by_id(trigger.function_id)
        if function is None:
            return None
        asking = Asking(
            record=record,
            mapping=trigger.mapping,
            trigger=trigger.kind,
            trigger_id=trigger.id,
            run_id=run_id or draw_id(),
        )
        try:
            actor = await self._actors.find(trigger.created_by)
            return await self._runner.queued(actor, function.name, asking)
        except StorageError:
            raise
        except IsthmusError as problem:
            return self._refused(trigger, function, problem, asking.run_id)

    def _refused(self, trigger: Trigger, function: Function, problem: IsthmusError, run_id: str) -> Run:
        now = self._clock()
        run = Run(
            run_id,
            function.id,
            function.name,
            function.published_version or function.draft_version,
            function.language,
            trigger.kind,
            trigger.created_by,
            trigger.created_by,
            "failed",
            now,
            trigger_id=trigger.id,
            error_code=problem.code,
            started_at=now,
            ended_at=now,
        )
        field = f"{problem.field}: " if isinstance(problem, InputError) and problem.field else ""
        fault = Fault(problem.code, field + problem.message, hint=problem.hint)
        return self._seal.with_outcome(run, None, (), fault)
