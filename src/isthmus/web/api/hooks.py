"""`/hooks/{token}`: where third parties deliver webhooks. The token is the only credential, besides a signature."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute

from isthmus.broker.triggers.hooks import Delivery
from isthmus.web.api.route import answer, edge_of, problem_response
from isthmus.web.api.trigger_bodies import Challenged, Delivered

_MOST_TOKEN = 200


class HookRoute(APIRoute):
    """Answers errors as problems, and asks nobody who they are: a sender has no credential of ours to show."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            edge = edge_of(request)
            try:
                return await handle(request)
            except Exception as error:
                return problem_response(edge, request, edge.judge(error, request.scope))

        return respond


router = APIRouter(prefix="/api/v1", tags=["Triggers"], route_class=HookRoute)


_ASKED: dict[int | str, dict[str, Any]] = {200: {"model": Challenged, "description": "Slack's question, answered"}}


@router.post("/hooks/{token}", status_code=202, response_model=Delivered, responses=_ASKED)
async def receive_webhook(
    request: Request, token: Annotated[str, Path(description="The unguessable part of the webhook's URL.")]
) -> Response:
    """Take a delivery of any content type: JSON, a form or text. It is answered once its run is stored.

    404 for a token that is unknown or switched off, 401 for a signature that is missing, wrong or too old. The same
    delivery signed with the same time stamp, or with the same `Idempotency-Key`, starts one run. Slack's question
    whether the URL is ours is answered 200 with its challenge.
    """
    delivery = Delivery(
        body=await request.body(),
        headers={name.lower(): value for name, value in request.headers.items()},
        query=dict(request.query_params),
    )
    told = await edge_of(request).app.triggers.receive(token[:_MOST_TOKEN], delivery)
    return answer(told, status=200 if "challenge" in told else 202)
