"""The shapes of the answers about functions and runs, as `/openapi.json` tells them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from isthmus.web.api.answers import Told
from isthmus.web.api.requests import Role


class Argument(Told):
    name: str
    type: str = ""
    required: bool = True
    default: Any = None


class FunctionSummary(Told):
    """A custom function, without its code."""

    name: str
    language: Literal["deluge", "python"]
    description: str = ""
    state: Literal["draft", "published", "changed"] = Field(
        description="`changed`: the draft is newer than what is live."
    )
    draft_version: int
    published_version: int | None = None
    run_as: Literal["caller", "owner"]
    owner: str | None = None
    run_roles: list[Role]
    callers: list[str] | None = None
    created_by: str
    created_at: str | None = None
    updated_at: str | None = None


class Function(FunctionSummary):
    """A function in one of its versions. `code` is shown to those who may edit it."""

    version: int
    code: str | None = None
    arguments: list[Argument] = []
    return_type: str = ""
    connections: list[str] = Field([], description="Link names that the code names.")
    calls: list[str] = Field([], description="Functions that the code calls.")
    called_by: list[str] = []
    note: str = ""
    saved_by: str = ""
    saved_at: str | None = None


class CodeProblem(Told):
    """One thing that is wrong with a code; an `error` keeps it from being published."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    line: int
    column: int
    end_column: int
    hint: str = ""
    excerpt: str = ""


class SavedFunction(Function):
    problems: list[CodeProblem] = []


class Checked(Told):
    problems: list[CodeProblem]
    arguments: list[Argument]
    return_type: str
    connections: list[str]
    calls: list[str]


class CompletionItem(Told):
    """One thing that can be written; `insert_text` takes the place of the word before the cursor."""

    label: str
    kind: str = Field(description="function, method, variable, keyword, constant, connection, key or task.")
    detail: str = ""
    documentation: str = ""
    insert_text: str


class Completions(Told):
    items: list[CompletionItem]


class FunctionVersion(Told):
    version: int
    is_draft: bool
    is_published: bool
    arguments: list[Argument]
    return_type: str
    connections: list[str]
    calls: list[str]
    note: str
    saved_by: str
    saved_at: str | None


class ArgumentDiff(Told):
    added: list[Argument]
    removed: list[Argument]
    changed: list[list[Argument]] = Field(description="Pairs: before, after.")


class FunctionDiff(Told):
    name: str
    before: int = Field(alias="from")
    after: int = Field(alias="to")
    code: str = Field(description="A unified diff; empty where the code is the same.")
    arguments: ArgumentDiff
    return_type: list[str] | None = Field(description="Before and after; null where it is the same.")


class RunError(Told):
    """Why a function failed, with its place in the source (0 where it has none)."""

    code: str
    message: str
    line: int
    column: int
    hint: str = ""
    excerpt: str = ""


class RunAnswer(Told):
    """What came of a run."""

    run_id: str
    state: Literal["queued", "running", "waiting", "finished", "failed", "interrupted"]
    value: Any = None
    info: list[str] = []
    error: RunError | None = None
    elapsed_ms: float = 0
    statements: int = 0
    calls: int = 0
    version: int


class Queued(Told):
    """A run that was stored for the queue."""

    run_id: str
    state: Literal["queued"]
    version: int
    created_at: str


class RunSummary(Told):
    id: str
    function: str
    version: int
    language: Literal["deluge", "python"]
    state: Literal["queued", "running", "waiting", "finished", "failed", "interrupted"]
    trigger: str = Field(description="rest, test, webhook, schedule, event, function or cli.")
    trigger_id: str | None
    actor: str = Field(description="Who asked for it.")
    run_as: str = Field(description="Whose rights it had.")
    error_code: str | None
    statements: int
    active_seconds: float
    calls: int
    elapsed_ms: float
    attempt: int
    retry_of: str | None
    due_at: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None


class RunRequest(Told):
    """What a run asked of the world: no query values, headers or bodies."""

    number: int
    kind: Literal["invokeurl", "sendmail", "call", "sleep"]
    at: str
    state: Literal["asked", "answered", "unknown"]
    function: str
    line: int | None
    connection: str | None
    method: str | None
    url: str | None
    status: int | None
    elapsed_ms: float
    error: str | None


class Run(RunSummary):
    arguments: dict[str, Any]
    user: str | None = None
    value: Any = None
    info: list[str]
    error: RunError | None
    requests: list[RunRequest]
