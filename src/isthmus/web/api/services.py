"""`/services`: the catalog and custom services."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from isthmus.web.api import answers
from isthmus.web.api.parameters import Cursor, Filter, Limit, LinkName
from isthmus.web.api.requests import NewService, ServiceChanges, ServiceCopy
from isthmus.web.api.route import ApiRoute, actor_of, answer, edge_of

router = APIRouter(prefix="/api/v1/services", tags=["Services"], route_class=ApiRoute)


@router.get("", response_model=answers.PageOf[answers.Service])
async def list_services(
    request: Request,
    kind: Annotated[Literal["default", "custom"] | None, Query(description="Only these.")] = None,
    category: Filter = None,
    q: Filter = None,
    marked: Annotated[
        bool, Query(description="Also retired, sandbox and legacy ones that are neither set up nor used.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The services to pick from, by link name; with `q` those that fit, the best first: a name, alias, category or host,
    also misspelled."""
    page = await edge_of(request).app.directory.services(
        actor_of(request), kind=kind, category=category, q=q, marked=marked, limit=limit, cursor=cursor
    )
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.post("", status_code=201, response_model=answers.Service)
async def create_service(request: Request, body: NewService) -> Response:
    """Describe a custom service."""
    document = body.model_dump(exclude_unset=True)
    service = await edge_of(request).app.directory.create_service(actor_of(request), document)
    return _created(service)


@router.get("/{link_name}", response_model=answers.Service)
async def read_service(request: Request, link_name: LinkName) -> Response:
    """One service, with the redirect URL to register at the third party."""
    return answer(await edge_of(request).app.directory.service(actor_of(request), link_name))


@router.get("/{link_name}/guide", response_model=answers.Guide)
async def read_guide(request: Request, link_name: LinkName) -> Response:
    """How to register and connect, scopes, what is unusual, what breaks and why: as Markdown."""
    return answer(await edge_of(request).app.directory.guide(actor_of(request), link_name))


@router.post("/{link_name}/acknowledge", response_model=answers.Service)
async def acknowledge_changes(request: Request, link_name: LinkName) -> Response:
    """Agree to what changed of a default service in use: `changed` is null from then on."""
    app, actor = edge_of(request).app, actor_of(request)
    await app.notices.acknowledge(actor, link_name)
    return answer(await app.directory.service(actor, link_name))


@router.patch("/{link_name}", response_model=answers.Service)
async def update_service(request: Request, link_name: LinkName, body: ServiceChanges) -> Response:
    """Change a custom service, or set the client id and secret of a default one."""
    changes = body.model_dump(exclude_unset=True)
    return answer(await edge_of(request).app.directory.update_service(actor_of(request), link_name, changes))


@router.delete("/{link_name}", status_code=204)
async def delete_service(request: Request, link_name: LinkName) -> Response:
    """Remove a custom service that no connection uses."""
    await edge_of(request).app.directory.delete_service(actor_of(request), link_name)
    return Response(status_code=204)


@router.post("/{link_name}/clone", status_code=201, response_model=answers.Service)
async def clone_service(request: Request, link_name: LinkName, body: ServiceCopy | None = None) -> Response:
    """Make a custom service from this one."""
    document = body.model_dump(exclude_unset=True) if body else {}
    service = await edge_of(request).app.directory.clone_service(actor_of(request), link_name, document)
    return _created(service)


def _created(service: dict[str, object]) -> Response:
    return answer(service, status=201, headers={"Location": f"/api/v1/services/{service['link_name']}"})
