"""`/clients`, `/grants`: applications that use our API, their secrets, and what they were granted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from isthmus.errors import NotFound
from isthmus.web.api import answers
from isthmus.web.api.client_documents import (
    Client,
    ClientChanges,
    ClientWithSecret,
    CodeWanted,
    GeneratedCode,
    Grant,
    NewClient,
    SecretWanted,
)
from isthmus.web.api.parameters import Cursor, Identifier, Limit, is_identifier
from isthmus.web.api.route import ApiRoute, actor_of, answer, edge_of

router = APIRouter(prefix="/api/v1", tags=["Clients"], route_class=ApiRoute)


async def _client_id(client_id: Annotated[str, Path(description="The client id.")]) -> str:
    if not is_identifier(client_id):
        raise NotFound("There is no such client.", code="client_not_found", field="client_id")
    return client_id


ClientId = Annotated[str, Depends(_client_id)]


@router.get("/clients", response_model=answers.PageOf[Client])
async def list_clients(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The registered applications: all of them for administrators, the own ones for developers."""
    page = await edge_of(request).app.clients.clients(actor_of(request), limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.post("/clients", status_code=201, response_model=ClientWithSecret)
async def create_client(request: Request, body: NewClient) -> Response:
    """Register an application. Its secret is in this answer and never again."""
    made = await edge_of(request).app.clients.create(actor_of(request), body.model_dump(exclude_unset=True))
    return answer(made, status=201, headers={"Location": f"/api/v1/clients/{made['client_id']}"})


@router.get("/clients/{client_id}", response_model=Client)
async def read_client(request: Request, client_id: ClientId) -> Response:
    """One application, without its secrets."""
    return answer(await edge_of(request).app.clients.client(actor_of(request), client_id))


@router.patch("/clients/{client_id}", response_model=Client)
async def update_client(request: Request, client_id: ClientId, body: ClientChanges) -> Response:
    """Change an application. Scopes or grant types that are taken away end what it was granted."""
    changes = body.model_dump(exclude_unset=True)
    return answer(await edge_of(request).app.clients.update(actor_of(request), client_id, changes))


@router.delete("/clients/{client_id}", status_code=204)
async def delete_client(request: Request, client_id: ClientId) -> Response:
    """Remove an application; its tokens end at once."""
    await edge_of(request).app.clients.delete(actor_of(request), client_id)
    return Response(status_code=204)


@router.post("/clients/{client_id}/secret", status_code=201, response_model=ClientWithSecret)
async def rotate_secret(request: Request, client_id: ClientId, body: SecretWanted | None = None) -> Response:
    """A new secret, in this answer only; the former ones work for `overlap_seconds` more (a week if left out)."""
    wanted = body.model_dump(exclude_unset=True) if body else {}
    return answer(await edge_of(request).app.clients.rotate_secret(actor_of(request), client_id, wanted), status=201)


@router.delete("/clients/{client_id}/secrets/{id}", status_code=204)
async def end_secret(request: Request, client_id: ClientId, id: Identifier) -> Response:
    """End one secret at once."""
    await edge_of(request).app.clients.end_secret(actor_of(request), client_id, id)
    return Response(status_code=204)


@router.post("/clients/{client_id}/code", status_code=201, response_model=GeneratedCode)
async def generate_code(request: Request, client_id: ClientId, body: CodeWanted) -> Response:
    """For a self client: a code on the own account, to be exchanged at the token endpoint without a redirect."""
    wanted = body.model_dump(exclude_unset=True)
    return answer(await edge_of(request).app.clients.generate_code(actor_of(request), client_id, wanted), status=201)


@router.get("/clients/{client_id}/grants", response_model=answers.PageOf[Grant])
async def list_grants(request: Request, client_id: ClientId, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """What the application was granted, and by whom, newest first."""
    page = await edge_of(request).app.clients.grants_of_client(actor_of(request), client_id, limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.get("/grants", response_model=answers.PageOf[Grant])
async def list_own_grants(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The applications with access to the own account, newest first."""
    page = await edge_of(request).app.clients.own_grants(actor_of(request), limit=limit, cursor=cursor)
    return answer({"items": list(page.items), "next_cursor": page.next_cursor})


@router.delete("/grants/{id}", status_code=204)
async def revoke_grant(request: Request, id: Identifier) -> Response:
    """End a grant with all its tokens, at once."""
    await edge_of(request).app.clients.revoke_grant(actor_of(request), id)
    return Response(status_code=204)
