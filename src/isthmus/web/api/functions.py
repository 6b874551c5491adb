"""`/functions` and `/runs`: custom functions, their versions, and what came of running them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from isthmus.broker.functions.rights import no_such_function
from isthmus.broker.functions.runner import Asking
from isthmus.web.api import function_answers as answers
from isthmus.web.api.answers import PageOf
from isthmus.web.api.function_bodies import (
    CheckIn,
    CompleteIn,
    ExecuteIn,
    FunctionChanges,
    NewFunction,
    PublishIn,
    RetryIn,
    RollBackIn,
    SkipIn,
)
from isthmus.web.api.parameters import Cursor, Identifier, Limit, LinkName
from isthmus.web.api.route import ApiRoute, CallRoute, actor_of, answer, edge_of

router = APIRouter(prefix="/api/v1", tags=["Functions"], route_class=ApiRoute)
runs = APIRouter(prefix="/api/v1", tags=["Functions"], route_class=CallRoute)

_NAME = re.compile(r"[A-Za-z0-9_.]{1,101}")


async def _function_name(name: Annotated[str, Path(description="Such as `standalone.notify`.")]) -> str:
    if not _NAME.fullmatch(name):
        raise no_such_function(name)
    return name


Name = Annotated[str, Depends(_function_name)]
Version = Annotated[
    str | None, Query(max_length=20, pattern=r"^[a-z0-9]+$", description="`draft`, `published`, or a number.")
]
State = Annotated[str | None, Query(max_length=20, pattern=r"^[a-z]+$", description="Only runs in this state.")]
_QUEUED: dict[int | str, dict[str, Any]] = {202: {"model": answers.Queued, "description": "Queued"}}
Later = Annotated[bool, Query(alias="async", description="Answer at once, and run it from the queue.")]


@router.get("/functions", response_model=PageOf[answers.FunctionSummary])
async def list_functions(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Custom functions by name, those you may run or edit; without their code."""
    page = await edge_of(request).app.functions.read.functions(actor_of(request), limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.post("/functions", status_code=201, response_model=answers.SavedFunction)
async def create_function(request: Request, body: NewFunction) -> Response:
    """A new function with its first version, a draft. `problems` is what keeps it from being published."""
    made = await edge_of(request).app.functions.edit.create(actor_of(request), body.model_dump(exclude_unset=True))
    return answer(made, status=201, headers={"Location": f"/api/v1/functions/{made['name']}"})


@router.post("/functions/check", response_model=answers.Checked)
async def check_function(request: Request, body: CheckIn) -> Response:
    """What is wrong with a code, as an editor asks while it is written. Nothing is stored or run."""
    return answer(
        await edge_of(request).app.functions.edit.check(actor_of(request), body.model_dump(exclude_unset=True))
    )


@router.post("/functions/complete", response_model=answers.Completions)
async def complete_function(request: Request, body: CompleteIn) -> Response:
    """What can be written at a place of a Deluge script: its words, built-ins, connections and functions."""
    edit, document = edge_of(request).app.functions.edit, {"language": body.language, "code": body.code}
    return answer({"items": await edit.complete(actor_of(request), document, body.line, body.column)})


@router.get("/functions/{name}", response_model=answers.Function)
async def read_function(request: Request, name: Name, version: Version = None) -> Response:
    """One function: its draft for who may edit, the live version for who may only run it (without code)."""
    return answer(await edge_of(request).app.functions.read.function(actor_of(request), name, version=version))


@router.put("/functions/{name}", response_model=answers.SavedFunction)
async def save_function(request: Request, name: Name, body: FunctionChanges) -> Response:
    """Save: another code, argument or return type makes a new draft version; what is not given stays."""
    document = body.model_dump(exclude_unset=True)
    return answer(await edge_of(request).app.functions.edit.save(actor_of(request), name, document))


@router.delete("/functions/{name}", status_code=204)
async def delete_function(request: Request, name: Name) -> Response:
    """Remove a function with its versions and runs; refused while another function calls it."""
    await edge_of(request).app.functions.edit.delete(actor_of(request), name)
    return Response(status_code=204)


@router.post("/functions/{name}/publish", response_model=answers.Function)
async def publish_function(request: Request, name: Name, body: PublishIn | None = None) -> Response:
    """Make the draft, or the version named, the live one. Refused where it does not pass the check."""
    number = body.version if body else None
    return answer(await edge_of(request).app.functions.edit.publish(actor_of(request), name, number))


@router.post("/functions/{name}/roll-back", response_model=answers.Function)
async def roll_back_function(request: Request, name: Name, body: RollBackIn) -> Response:
    """Make an older version the live one again; the draft stays as it is."""
    return answer(await edge_of(request).app.functions.edit.roll_back(actor_of(request), name, body.version))


@router.get("/functions/{name}/versions", response_model=PageOf[answers.FunctionVersion])
async def list_versions(request: Request, name: Name, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The saved versions, newest first, without their code."""
    page = await edge_of(request).app.functions.read.versions(actor_of(request), name, limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.get("/functions/{name}/diff", response_model=answers.FunctionDiff)
async def diff_function(
    request: Request,
    name: Name,
    before: Annotated[Version, Query(alias="from")] = None,
    after: Annotated[Version, Query(alias="to")] = None,
) -> Response:
    """What differs between two versions; by default between the live one and the draft."""
    return answer(await edge_of(request).app.functions.read.diff(actor_of(request), name, before, after))


@runs.post("/functions/{name}/execute", response_model=answers.RunAnswer, responses=_QUEUED)
async def execute_function(
    request: Request,
    name: Name,
    body: ExecuteIn | None = None,
    version: Annotated[Literal["draft", "published"] | None, Query(description="`draft` tries what is saved.")] = None,
    later: Later = False,
) -> Response:
    """Run a function. That it failed is an answer (`error`), not an HTTP error. With `async` 202 and the run's id."""
    given = body.model_dump(exclude_unset=True) if body else {}
    asking = Asking(**given, draft=version == "draft")
    functions = edge_of(request).app.functions
    if later:
        return _accepted(await functions.enqueue(actor_of(request), name, asking))
    return answer(await functions.execute(actor_of(request), name, asking))


@router.get("/functions/{name}/runs", response_model=PageOf[answers.RunSummary])
async def list_runs(
    request: Request, name: Name, state: State = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The runs of a function, newest first: all for who may edit it, else your own."""
    page = await edge_of(request).app.functions.read.runs(
        actor_of(request), name, state=state, limit=limit, cursor=cursor
    )
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.get("/runs/{id}", response_model=answers.Run)
async def read_run(request: Request, id: Identifier) -> Response:
    """One run: arguments, value, printed lines, error, and what it asked of the world, redacted."""
    return answer(await edge_of(request).app.functions.read.run(actor_of(request), id))


@runs.post("/runs/{id}/retry", response_model=answers.RunAnswer, responses=_QUEUED)
async def retry_run(request: Request, id: Identifier, body: RetryIn | None = None, later: Later = False) -> Response:
    """Run again what failed or was interrupted, with the same arguments or with others.

    Where a run from the queue was interrupted during a call of which nobody knows whether it arrived, and no arguments
    are given, that run makes the call again and goes on (202).
    """
    arguments = body.arguments if body else None
    done = await edge_of(request).app.functions.retry(actor_of(request), id, arguments, later=later)
    return _accepted(done) if done["state"] == "queued" else answer(done)


@runs.post("/runs/{id}/skip", status_code=202, response_model=answers.Queued)
async def skip_call(request: Request, id: Identifier, body: SkipIn | None = None) -> Response:
    """Let a run that was interrupted during a call go on as if that call had been answered."""
    given = body.answer if body else None
    return _accepted(await edge_of(request).app.functions.skip(actor_of(request), id, given))


@router.get("/connections/{link_name}/functions", response_model=PageOf[answers.FunctionSummary])
async def functions_of_connection(request: Request, link_name: LinkName) -> Response:
    """The functions whose draft or live version names this connection."""
    page = await edge_of(request).app.functions.read.using(actor_of(request), link_name)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


def _accepted(document: dict[str, object]) -> Response:
    return answer(document, status=202, headers={"Location": f"/api/v1/runs/{document['run_id']}"})
