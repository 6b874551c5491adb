"""`/users`, `/api-keys`, `/me`, `/activity`: who may call, and who did what."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from isthmus.authserver.documents import describe_actor
from isthmus.web.api import answers
from isthmus.web.api.parameters import Cursor, Filter, Identifier, Limit
from isthmus.web.api.requests import NewApiKey, NewUser, UserChanges
from isthmus.web.api.route import ApiRoute, actor_of, answer, edge_of

router = APIRouter(prefix="/api/v1", tags=["People"], route_class=ApiRoute)


@router.get("/users", response_model=answers.PageOf[answers.User])
async def list_users(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The people who can sign in."""
    page = await edge_of(request).app.accounts.users(actor_of(request), limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.post("/users", status_code=201, response_model=answers.User)
async def create_user(request: Request, body: NewUser) -> Response:
    """Let a person in."""
    user = await edge_of(request).app.accounts.create_user(actor_of(request), body.model_dump(exclude_unset=True))
    return answer(user, status=201, headers={"Location": f"/api/v1/users/{user['id']}"})


@router.get("/users/{id}", response_model=answers.User)
async def read_user(request: Request, id: Identifier) -> Response:
    """One person; everybody may read themselves."""
    return answer(await edge_of(request).app.accounts.user(actor_of(request), id))


@router.patch("/users/{id}", response_model=answers.User)
async def update_user(request: Request, id: Identifier, body: UserChanges) -> Response:
    """Change a person; everybody may change their own name and password."""
    changes = body.model_dump(exclude_unset=True)
    return answer(await edge_of(request).app.accounts.update_user(actor_of(request), id, changes))


@router.delete("/users/{id}", status_code=204)
async def delete_user(request: Request, id: Identifier) -> Response:
    """Remove a person and their sessions; the last administrator stays."""
    await edge_of(request).app.accounts.delete_user(actor_of(request), id)
    return Response(status_code=204)


@router.get("/api-keys", response_model=answers.PageOf[answers.ApiKey])
async def list_api_keys(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The API keys, revoked ones included."""
    page = await edge_of(request).app.accounts.api_keys(actor_of(request), limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.post("/api-keys", status_code=201, response_model=answers.ApiKeyWithSecret)
async def create_api_key(request: Request, body: NewApiKey) -> Response:
    """A new key. It is in this answer and never again."""
    key = await edge_of(request).app.accounts.create_api_key(actor_of(request), body.model_dump(exclude_unset=True))
    return answer(key, status=201, headers={"Location": f"/api/v1/api-keys/{key['id']}"})


@router.get("/api-keys/{id}", response_model=answers.ApiKey)
async def read_api_key(request: Request, id: Identifier) -> Response:
    """One API key, of which only the last four characters can be told."""
    return answer(await edge_of(request).app.accounts.api_key(actor_of(request), id))


@router.delete("/api-keys/{id}", status_code=204)
async def revoke_api_key(request: Request, id: Identifier) -> Response:
    """End a key at once."""
    await edge_of(request).app.accounts.revoke_api_key(actor_of(request), id)
    return Response(status_code=204)


@router.get("/me", response_model=answers.Me)
async def me(request: Request) -> Response:
    """Who this request is made by."""
    return answer(describe_actor(actor_of(request)))


@router.get("/activity", response_model=answers.PageOf[answers.ActivityEntry])
async def activity(
    request: Request, limit: Limit = 50, cursor: Cursor = None, by: Filter = None, target: Filter = None
) -> Response:
    """Who did what, newest first; `by` is an actor's id."""
    page = await edge_of(request).app.directory.activity(
        actor_of(request), limit=limit, cursor=cursor, by=by, target=target
    )
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})
