"""Functions, their runs, and what starts them. See `isthmus.storage.contract` for what holds of every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from isthmus.records import Alert, Function, FunctionVersion, Occurrence, Page, Run, RunCall, RunState, Trigger
from isthmus.storage.contract.changes import Journal, RunChange


class FunctionRows(Protocol):
    # --- functions
    async def function(self, name: str) -> Function | None: ...
    async def function_by_id(self, function_id: str) -> Function | None: ...
    async def functions(self, *, limit: int, cursor: str | None = None) -> Page[Function]:
        """By name."""

    async def add_function(self, function: Function, version: FunctionVersion, journal: Journal) -> None:
        """With its first version. Conflict (field `name`) if the name is taken."""

    async def save_function(self, function: Function, version: FunctionVersion | None, journal: Journal) -> None:
        """As save_service, and a new version with it where one is given. `id`, `name`, `language`, `created_by` and
        `created_at` never change. Conflict (field `number`) where that version exists already."""

    async def delete_function(self, function_id: str, journal: Journal) -> bool:
        """With its versions, runs and their calls. Conflict (`in_use`) while another function's draft or published
        version names it."""

    async def function_version(self, function_id: str, number: int) -> FunctionVersion | None: ...
    async def function_versions(
        self, function_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[FunctionVersion]:
        """Newest first."""

    async def functions_using(
        self, *, connection: str | None = None, function: str | None = None
    ) -> Sequence[Function]:
        """The functions whose draft or published version names this connection or this function, by name."""

    # --- runs
    async def run(self, run_id: str) -> Run | None: ...
    async def runs(
        self, function_id: str, *, limit: int, cursor: str | None = None, state: RunState | None = None
    ) -> Page[Run]:
        """Newest first."""

    async def run_calls(self, run_id: str) -> Sequence[RunCall]:
        """In order."""

    async def put_runs(self, runs: Sequence[Run], calls: Sequence[RunCall] = (), *, keep: int = 1000) -> None:
        """Insert, or replace where the row's `epoch` is still the run's; one transaction for the batch. A run whose
        function is gone is left out, with its calls. Now and then the oldest ended runs beyond `keep` per function go.
        """

    async def trim_runs(self, *, keep: int, interrupted_before: datetime) -> int:
        """Remove the runs beyond the newest `keep` of each function, with their calls: those that have ended, and
        those begun before `interrupted_before` that wait for a person's decision. How many went."""

    async def put_run_calls(self, calls: Sequence[RunCall]) -> None:
        """Insert or replace, by run and number; the calls of a run that is gone are left out."""

    async def take_run(self, run_id: str, *, owner: str, now: datetime, until: datetime) -> Run | None:
        """Conditional UPDATE: where the run is due (`due_at <= now`), and has no lease or it ran out: sets
        lease_owner, lease_until, epoch + 1, state running. Returns the row as it was before, with the new epoch and
        lease, or None if the run was not to be had."""

    async def change_run(
        self,
        run_id: str,
        *,
        epoch: int,
        changes: Mapping[str, Any],
        calls: Sequence[RunCall] = (),
        state: RunState | None = None,
    ) -> bool:
        """WHERE epoch = epoch, and the run is in this state where one is named: set `changes` (column -> value, as in
        Run), and put the calls in the same transaction.

        False, and nothing is written, where another process has taken the run or changed its state."""

    async def due_runs(self, *, now: datetime, limit: int) -> Sequence[Run]:
        """due_at <= now and no live lease; oldest due_at first. Uses an index."""

    async def abandoned_runs(self, *, now: datetime, limit: int) -> Sequence[Run]:
        """Not due, and the lease ran out before `now`: their process ended while they were under way."""

    async def take_runs(self, *, owner: str, now: datetime, until: datetime, limit: int) -> Sequence[Run]:
        """As take_run, for the runs that have been due longest; none that another process is taking."""

    async def renew_runs(self, held: Sequence[tuple[str, int]], *, until: datetime) -> frozenset[str]:
        """Lengthen the leases of these runs (id, epoch); which of them are still held.

        One that has ended or was put down meanwhile has no lease, and gets none."""

    async def change_runs(self, changes: Sequence[RunChange]) -> Sequence[bool]:
        """As change_run for many runs in one transaction: False for each that another process has taken."""

    # --- triggers, occurrences, alerts
    async def trigger(self, trigger_id: str) -> Trigger | None: ...
    async def trigger_by_token(self, token_hash: str) -> Trigger | None: ...
    async def triggers(self, *, limit: int, cursor: str | None = None, function_id: str | None = None) -> Page[Trigger]:
        """In the order they were made."""

    async def add_trigger(self, trigger: Trigger, journal: Journal) -> None:
        """Conflict (`gone`) where its function is gone."""

    async def save_trigger(self, trigger: Trigger, journal: Journal) -> None:
        """As save_service. Function, kind and token never change; when it last fired stays."""

    async def delete_trigger(self, trigger_id: str, journal: Journal) -> bool: ...
    async def due_triggers(self, *, now: datetime, limit: int) -> Sequence[Trigger]:
        """Enabled schedules with next_at <= now, oldest first. Uses an index."""

    async def event_triggers(self, link_name: str) -> Sequence[Trigger]:
        """Enabled triggers for events of this connection, or of any."""

    async def fire_schedule(
        self, trigger: Trigger, *, next_at: datetime | None, run: Run | None, journal: Journal
    ) -> bool:
        """Conditional UPDATE: where it is enabled and still due at `trigger.next_at`, set the next time and add the
        run. False, and nothing is written, where another process was first."""

    async def fire_webhook(self, trigger_id: str, run: Run) -> bool:
        """Add the run. False if there is one with this id already: the delivery came before."""

    async def occurrences(self, *, limit: int) -> Sequence[Occurrence]:
        """Oldest first. Written by the journal (a connection that was connected, fails, needs a person, works again)
        and by the ends of runs (failed, interrupted; finished where one of the function failed before)."""

    async def settle_occurrences(self, ids: Sequence[str], *, runs: Sequence[Run], alerts: Sequence[Alert]) -> bool:
        """Remove these occurrences, add the runs and put the alerts that came of them. False, and nothing is written,
        where one of them is gone: another process has dealt with it."""

    async def alerts_of(self, subject_ids: Sequence[str]) -> Sequence[Alert]: ...
    async def alerts_to_tell(self, *, now: datetime, limit: int) -> Sequence[Alert]:
        """Failures from their tell_at on, and recoveries from failures that were told; oldest first."""

    async def put_alerts(self, alerts: Sequence[Alert]) -> None: ...
    async def purge_alerts(self, *, before: datetime) -> int:
        """Remove alerts that recovered before then, with everything told; how many."""
