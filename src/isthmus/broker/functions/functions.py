"""Custom functions, as the edges use them: write, read, run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isthmus.broker.functions.editing import Editor
from isthmus.broker.functions.ports import Sandbox
from isthmus.broker.functions.reading import Reader
from isthmus.broker.functions.recorder import Recorder
from isthmus.broker.functions.runner import Asking, Outcome, Runner
from isthmus.broker.functions.views import outcome_document, run_summary
from isthmus.broker.runs.mending import Mending
from isthmus.records import Actor, Run


@dataclass(frozen=True)
class Functions:
    """`edit` and `read` give documents; so does running, here."""

    edit: Editor
    read: Reader
    runner: Runner
    _mending: Mending = field(repr=False)
    _recorder: Recorder = field(repr=False)
    _sandbox: Sandbox = field(repr=False)

    async def execute(self, actor: Actor, name: str, asking: Asking) -> dict[str, Any]:
        """Run to the end (see Runner.execute)."""
        return outcome_document(await self.runner.execute(actor, name, asking))

    async def enqueue(self, actor: Actor, name: str, asking: Asking) -> dict[str, Any]:
        """Store a run for the queue; `{"run_id", "state"}`."""
        return queued_document(await self.runner.enqueue(actor, name, asking))

    async def retry(
        self, actor: Actor, run_id: str, arguments: Mapping[str, Any] | None, *, later: bool = False
    ) -> dict[str, Any]:
        """Run again what failed (see Runner.retry); a run that was interrupted during a call makes that call again and
        goes on, which is answered as queued. Raises NotFound for a run that the actor may not read."""
        run = await self.read.find_run(actor, run_id)
        if arguments is None and self._mending.is_open(run):
            return queued_document(await self._mending.retry(actor, run))
        done = await self.runner.retry(actor, run, arguments, later=later)
        return outcome_document(done) if isinstance(done, Outcome) else queued_document(done)

    async def skip(self, actor: Actor, run_id: str, answer: Mapping[str, Any] | None) -> dict[str, Any]:
        """Count the call at which a run was interrupted as made, and go on (see Mending.skip)."""
        run = await self.read.find_run(actor, run_id)
        return queued_document(await self._mending.skip(actor, run, answer))

    async def close(self) -> None:
        """Let what ended be written, and end the workers."""
        await self._recorder.close()
        self._sandbox.close()


def queued_document(run: Run) -> dict[str, Any]:
    summary = run_summary(run)
    return {"run_id": summary["id"], **{key: summary[key] for key in ("state", "version", "created_at")}}
