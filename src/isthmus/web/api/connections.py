"""`/connections`: named uses of services, their authorizations, and what happened to them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from isthmus.web.api import answers
from isthmus.web.api.parameters import Cursor, Filter, Identifier, Limit, LinkName, User
from isthmus.web.api.requests import ConnectIn, ConnectionChanges, NewConnection, UserIn
from isthmus.web.api.route import ApiRoute, actor_of, answer, edge_of

router = APIRouter(prefix="/api/v1/connections", tags=["Connections"], route_class=ApiRoute)


@router.get("", response_model=answers.PageOf[answers.Connection])
async def list_connections(
    request: Request, service: Filter = None, limit: Limit = 50, cursor: Cursor = None, user: User = None
) -> Response:
    """Connections by link name."""
    page = await edge_of(request).app.directory.connections(
        actor_of(request), service=service, limit=limit, cursor=cursor, user=user
    )
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.post("", status_code=201, response_model=answers.Connection)
async def create_connection(request: Request, body: NewConnection) -> Response:
    """A new connection to a service, not yet authorized."""
    document = body.model_dump(exclude_unset=True)
    connection = await edge_of(request).app.directory.create_connection(actor_of(request), document)
    return answer(connection, status=201, headers={"Location": f"/api/v1/connections/{connection['link_name']}"})


@router.get("/{link_name}", response_model=answers.Connection)
async def read_connection(request: Request, link_name: LinkName, user: User = None) -> Response:
    """One connection with its status, why it is so, and what mends it."""
    return answer(await edge_of(request).app.directory.connection(actor_of(request), link_name, user=user))


@router.patch("/{link_name}", response_model=answers.Connection)
async def update_connection(request: Request, link_name: LinkName, body: ConnectionChanges) -> Response:
    """Change a connection; new scopes take effect with the next authorization."""
    changes = body.model_dump(exclude_unset=True)
    return answer(await edge_of(request).app.directory.update_connection(actor_of(request), link_name, changes))


@router.delete("/{link_name}", status_code=204)
async def delete_connection(request: Request, link_name: LinkName) -> Response:
    """Remove a connection with its authorizations."""
    await edge_of(request).app.directory.delete_connection(actor_of(request), link_name)
    return Response(status_code=204)


@router.post("/{link_name}/connect", response_model=answers.ConnectAnswer)
async def connect(request: Request, link_name: LinkName, body: ConnectIn | None = None) -> Response:
    """Authorize: done at once with the values in the body, or by a person at `authorize_url`."""
    document = body.model_dump(exclude_unset=True) if body else {}
    return answer(await edge_of(request).app.connect.begin(actor_of(request), link_name, document))


@router.post("/{link_name}/test", response_model=answers.TestAnswer)
async def run_test(request: Request, link_name: LinkName, body: UserIn | None = None) -> Response:
    """Make the service's who-am-I call now, and keep what it saw."""
    return answer(await edge_of(request).app.upkeep.test(actor_of(request), link_name, user=_user(body)))


@router.post("/{link_name}/revoke", response_model=answers.Connection)
async def revoke(request: Request, link_name: LinkName, body: UserIn | None = None) -> Response:
    """Take the grant back at the third party and forget the credential."""
    return answer(await edge_of(request).app.upkeep.revoke(actor_of(request), link_name, user=_user(body)))


@router.post("/{link_name}/refresh", response_model=answers.Connection)
async def refresh(request: Request, link_name: LinkName, body: UserIn | None = None) -> Response:
    """Refresh the credential now, though it may not be due."""
    return answer(await edge_of(request).app.upkeep.refresh(actor_of(request), link_name, user=_user(body)))


@router.post("/{link_name}/disable", response_model=answers.Connection)
async def disable(request: Request, link_name: LinkName) -> Response:
    """Switch off: no call is made and nothing is refreshed."""
    return answer(await edge_of(request).app.directory.set_enabled(actor_of(request), link_name, False))


@router.post("/{link_name}/enable", response_model=answers.Connection)
async def enable(request: Request, link_name: LinkName) -> Response:
    """Switch on again."""
    return answer(await edge_of(request).app.directory.set_enabled(actor_of(request), link_name, True))


@router.get("/{link_name}/authorizations", response_model=answers.PageOf[answers.Authorization])
async def list_authorizations(
    request: Request, link_name: LinkName, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """One per resource owner where the connection uses the login user's credentials."""
    page = await edge_of(request).app.directory.authorizations(actor_of(request), link_name, limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.delete("/{link_name}/authorizations/{id}", status_code=204)
async def delete_authorization(request: Request, link_name: LinkName, id: Identifier) -> Response:
    """Forget one resource owner's credential."""
    await edge_of(request).app.directory.delete_authorization(actor_of(request), link_name, id)
    return Response(status_code=204)


@router.get("/{link_name}/snippet", response_model=answers.Snippet)
async def snippet(request: Request, link_name: LinkName) -> Response:
    """Code to paste, with the link name filled in."""
    return answer(await edge_of(request).app.directory.snippet(actor_of(request), link_name))


@router.get("/{link_name}/timeline", response_model=answers.PageOf[answers.TimelineEntry])
async def timeline(request: Request, link_name: LinkName, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """What happened to the connection, why, and what mends it; newest first."""
    page = await edge_of(request).app.directory.timeline(actor_of(request), link_name, limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.get("/{link_name}/calls", response_model=answers.PageOf[answers.CallEntry])
async def calls(request: Request, link_name: LinkName, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The most recent calls through the connection, newest first: request and answer, redacted; their bodies only
    where `policy.keep_bodies` is on."""
    page = await edge_of(request).app.directory.calls(actor_of(request), link_name, limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


def _user(body: UserIn | None) -> str | None:
    return body.user if body else None
