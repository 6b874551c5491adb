"""What a person decides of an interrupted run: make the call again, or count it as made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from isthmus.broker.functions.rights import runnable
from isthmus.broker.functions.values import read_json, write_json
from isthmus.broker.runs.journey import seal_answer
from isthmus.errors import Conflict, InputError
from isthmus.functions.host import Reply
from isthmus.records import ActivityEntry, Actor, Run, RunCall
from isthmus.storage.contract import Journal, Storage
from isthmus.vault import Vault

_ANSWER = frozenset({"status", "headers", "body"})


class Mending:
    """For those who may run the function. The run goes on where it stopped, in whichever process takes it up."""

    def __init__(
        self, *, storage: Storage, vault: Vault, wake: Callable[[Run], None], clock: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._wake = wake
        self._clock = clock

    @staticmethod
    def is_open(run: Run) -> bool:
        """Whether the run waits for such a decision."""
        return run.state == "interrupted" and run.snapshot_sealed is not None

    async def retry(self, actor: Actor, run: Run) -> Run:
        """Make the call again and go on. Raises AccessDenied, Conflict (`run_not_interrupted`)."""
        await self._call_of(actor, run)  # it stays unknown, which in a run that is due says: make it again
        return await self._set_off(actor, run, "run.retry")

    async def skip(self, actor: Actor, run: Run, answer: Mapping[str, Any] | None) -> Run:
        """Go on as if the call had been answered: with `answer` (status, headers, body), or 204 without a body.

        Raises AccessDenied, Conflict (`run_not_interrupted`), InputError that names the field.
        """
        call = await self._call_of(actor, run)
        if call.kind == "sendmail":
            reply = Reply(value={"refused": []})
        else:
            reply = Reply(value=read_answer({} if answer is None else answer, call.url))
        answered = replace(call, state="answered", error="skipped", answer_sealed=seal_answer(self._vault, call, reply))
        return await self._set_off(actor, run, "run.skip", answered)

    async def _call_of(self, actor: Actor, run: Run) -> RunCall:
        runnable(actor, await self._storage.function(run.function), run.function)
        calls = await self._storage.run_calls(run.id)
        if not self.is_open(run) or not calls or calls[-1].state != "unknown":
            raise _not_interrupted(run)
        return calls[-1]

    async def _set_off(self, actor: Actor, run: Run, action: str, *calls: RunCall) -> Run:
        now = self._clock()
        changes = {"state": "queued", "due_at": now, "outcome_sealed": None, "error_code": "", "error_line": 0}
        # Of two people who decide at the same moment, one is told that it is decided.
        if not await self._storage.change_run(
            run.id, epoch=run.epoch, changes=changes, calls=calls, state="interrupted"
        ):
            raise _not_interrupted(run)
        entry = ActivityEntry.by(actor, now, action, run.id, {"function": run.function})
        await self._storage.add_journal(Journal(activity=(entry,)))
        changed = replace(run, state="queued", due_at=now, outcome_sealed=None, error_code="", error_line=0)
        self._wake(changed)
        return changed


def read_answer(given: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The answer that a function is to see, in the form in which the host gives it. Raises InputError."""
    for key in given:
        if key not in _ANSWER:
            hint = f"Known: {', '.join(sorted(_ANSWER))}."
            raise InputError(f"Unknown field {key[:100]!r}.", field=f"answer.{key[:100]}", hint=hint)
    status, headers, body = given.get("status", 204), given.get("headers", {}), given.get("body")
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise InputError("The status is none.", field="answer.status", hint="Give a number from 200 to 599.")
    if not isinstance(headers, Mapping) or not all(isinstance(value, str) for value in headers.values()):
        raise InputError("The headers are texts by name.", field="answer.headers")
    plain = {str(name).lower(): value for name, value in headers.items()}
    if body is not None and not isinstance(body, str):
        plain.setdefault("content-type", "application/json")
        body = write_json(read_json(write_json(body)))
    return {"status": status, "headers": plain, "body": (body or "").encode("utf-8", "replace"), "url": url}


def _not_interrupted(run: Run) -> Conflict:
    return Conflict(
        f"The run is {run.state}, and does not wait for a decision.",
        code="run_not_interrupted",
        hint="Only a run that was interrupted during a call is retried or skipped at that call.",
    )
