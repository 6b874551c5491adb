"""`/catalog`: what of the default services changed, and where updates of them come from."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from isthmus.web.api import answers
from isthmus.web.api.route import ApiRoute, actor_of, answer, edge_of

router = APIRouter(prefix="/api/v1/catalog", tags=["Services"], route_class=ApiRoute)


@router.get("", response_model=answers.Catalog)
async def read_catalog(request: Request) -> Response:
    """How many default services there are, the update in use, and the services in use that changed."""
    app, actor = edge_of(request).app, actor_of(request)
    return answer({**app.updates.status(actor), "changed": await app.notices.pending(actor)})


@router.post("/update", response_model=answers.Catalog)
async def update_catalog(request: Request) -> Response:
    """Ask the address of the settings for an update now. A bad one changes nothing."""
    app, actor = edge_of(request).app, actor_of(request)
    await app.updates.update(actor)
    return await read_catalog(request)
