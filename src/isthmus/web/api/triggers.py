"""`/triggers`: what starts functions by itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from isthmus.web.api import trigger_bodies as bodies
from isthmus.web.api.answers import PageOf
from isthmus.web.api.parameters import Cursor, Identifier, Limit
from isthmus.web.api.route import ApiRoute, actor_of, answer, edge_of

router = APIRouter(prefix="/api/v1", tags=["Triggers"], route_class=ApiRoute)

OfFunction = Annotated[
    str | None,
    Query(alias="function", max_length=101, pattern=r"^[A-Za-z0-9_.]+$", description="Only triggers of this function."),
]


@router.get("/triggers", response_model=PageOf[bodies.Trigger])
async def list_triggers(
    request: Request, function: OfFunction = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Schedules, webhooks and connection events that start functions, in the order they were made."""
    found = edge_of(request).app.triggers.list(actor_of(request), function=function, limit=limit, cursor=cursor)
    page = await found
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.post("/triggers", status_code=201, response_model=bodies.NewTrigger)
async def create_trigger(request: Request, body: bodies.TriggerIn) -> Response:
    """A new trigger; its runs have the rights of whoever saves it. A webhook's URL is in this answer and never again."""
    made = await edge_of(request).app.triggers.create(actor_of(request), body.model_dump(exclude_unset=True))
    return answer(made, status=201, headers={"Location": f"/api/v1/triggers/{made['id']}"})


@router.get("/triggers/{id}", response_model=bodies.Trigger)
async def read_trigger(request: Request, id: Identifier) -> Response:
    """One trigger; a schedule with the next times at which it is due."""
    return answer(await edge_of(request).app.triggers.read(actor_of(request), id))


@router.patch("/triggers/{id}", response_model=bodies.Trigger)
async def change_trigger(request: Request, id: Identifier, body: bodies.TriggerChanges) -> Response:
    """Change a trigger, switch it off or on. From now on its runs have the rights of whoever asks this."""
    changes = body.model_dump(exclude_unset=True)
    return answer(await edge_of(request).app.triggers.update(actor_of(request), id, changes))


@router.delete("/triggers/{id}", status_code=204)
async def delete_trigger(request: Request, id: Identifier) -> Response:
    """Remove a trigger; its runs stay. A webhook's URL is unknown from now on."""
    await edge_of(request).app.triggers.delete(actor_of(request), id)
    return Response(status_code=204)
