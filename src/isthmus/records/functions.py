"""Functions, their versions, runs, calls and triggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Role = Literal["administrator", "developer", "member"]
Language = Literal["deluge", "python"]
TriggerKind = Literal["rest", "test", "webhook", "schedule", "event", "function", "cli"]
RunState = Literal["queued", "running", "waiting", "finished", "failed", "interrupted"]
RunCallKind = Literal["invokeurl", "sendmail", "call", "sleep"]
RunCallState = Literal["asked", "answered", "unknown"]


@dataclass(frozen=True, slots=True)
class Function:
    """A custom function: its name, its two versions in use, and who may run it.

    `draft_version` is the newest saved version, `published_version` the live one (None before the first publishing).
    `run_as` "owner" means that a run acts as `owner` (the id of an actor) instead of its caller. `run_roles` are the
    roles that may run it; `callers`, where not None, limits it to these actor ids besides.
    """

    id: str
    name: str
    language: Language
    description: str = ""
    draft_version: int = 1
    published_version: int | None = None
    run_as: Literal["caller", "owner"] = "caller"
    owner: str = ""
    run_roles: tuple[Role, ...] = ("administrator", "developer", "member")
    callers: tuple[str, ...] | None = None
    version: int = 1
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """One saved state of a function's code; never changed. `number` counts from 1 within its function.

    `code_sealed` is bound to ("function_versions", "{function_id}/{number}", "code"). `arguments` are documents
    `{"name", "type", "default", "required"}`. `connections` and `calls` are the link names and functions that the
    code names literally.
    """

    function_id: str
    number: int
    language: Language
    code_sealed: bytes = field(repr=False)
    arguments: tuple[Mapping[str, Any], ...] = ()
    return_type: str = ""
    connections: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    note: str = ""
    created_by: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a function, from asking to its end.

    `actor` is who asked, `run_as` whose rights it has: ids of actors. Sealed, since they may hold personal data, and
    bound to ("runs", id, the field's name without `_sealed`): `arguments_sealed`, `outcome_sealed` (value, info lines
    and error) and `snapshot_sealed` (what a waiting run goes on from). `error_code` is the error's stable code, ""
    where there is none. `due_at` is set while somebody still has to take the run up; a run without it belongs to the
    process that holds its lease, and is lost with it. `error_line` is where the error arose, 0 where that is not known.
    """

    id: str
    function_id: str
    function: str
    version: int
    language: Language
    trigger: TriggerKind
    actor: str
    run_as: str
    state: RunState
    created_at: datetime
    trigger_id: str = ""
    arguments_sealed: bytes | None = field(default=None, repr=False)
    outcome_sealed: bytes | None = field(default=None, repr=False)
    snapshot_sealed: bytes | None = field(default=None, repr=False)
    error_code: str = ""
    error_line: int = 0
    statements: int = 0
    active_seconds: float = 0.0
    calls: int = 0
    elapsed_ms: float = 0.0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    epoch: int = 0
    due_at: datetime | None = None
    attempt: int = 1
    retry_of: str | None = None
    address: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunCall:
    """What a run asked of the world, in order (`number` from 1), redacted as a `CallRecord` is.

    `state` asked: sent, or about to be; answered; unknown: whether it arrived cannot be told. `answer_sealed`, bound
    to ("run_calls", "{run_id}/{number}", "answer"), is kept where the run has to survive its process.
    """

    run_id: str
    number: int
    kind: RunCallKind
    at: datetime
    state: RunCallState = "answered"
    function: str = ""
    line: int = 0
    connection: str = ""
    method: str = ""
    url: str = ""
    status: int | None = None
    elapsed_ms: float = 0.0
    error: str = ""
    answer_sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a function by itself, with arguments from `mapping` (argument -> template over a record).

    Its runs have the rights of `created_by`, an actor's id, as they are when it fires. A schedule is due at `next_at`
    (None: never again). A webhook is found by `token_hash`; `secret_sealed`, bound to ("triggers", id, "secret"), is
    what its sender signs with in the style `signature`. An event is one of `events` of the connection with this link
    name, of any where it is empty.
    """

    id: str
    function_id: str
    kind: Literal["schedule", "webhook", "event"]
    name: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    created_by: str = ""
    cron: str = ""
    timezone: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None
    next_at: datetime | None = None
    token_hash: str | None = field(default=None, repr=False)
    token_hint: str = ""
    signature: str = ""
    secret_sealed: bytes | None = field(default=None, repr=False)
    connection: str = ""
    events: tuple[str, ...] = ()
    last_fired_at: datetime | None = None
    last_run_id: str = ""
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that triggers and alerts want to know of: written with what it tells of, removed with what it caused.

    `kind` is that of the timeline entry, or the end of a run: run_finished, run_failed, run_interrupted.
    """

    id: str
    kind: str
    at: datetime
    connection_id: str | None = None
    function_id: str | None = None
    run_id: str = ""
    code: str = ""
    line: int = 0
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One cause of failure, however often it failed: `key` is what makes it one.

    Told from `tell_at` on, which grows with each telling. `recovered_at` is set once it works again.
    """

    key: str
    subject_id: str
    subject: str
    code: str
    opened_at: datetime
    last_at: datetime
    tell_at: datetime
    line: int = 0
    message: str = ""
    hint: str = ""
    run_id: str = ""
    count: int = 1
    told_at: datetime | None = None
    recovered_at: datetime | None = None
    recovery_told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallCount:
    """How many calls went through a connection in the hour that began at `hour`, and how many of them failed: no
    answer, or a status from 400."""

    connection_id: str
    hour: datetime
    calls: int
    failures: int
