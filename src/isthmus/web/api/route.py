"""How every route of the API answers: who asks first, then the body, then the use case; any error as a problem."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar, cast

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from isthmus.broker.functions.values import write_json
from isthmus.records import Actor
from isthmus.web.api.idempotency import answer_once
from isthmus.web.api.scopes import needed_scope, require_scope
from isthmus.web.asgi import one_value
from isthmus.web.bodies import parse_json
from isthmus.web.edge import Edge
from isthmus.web.errors import Problem, Refusal

ACTOR = "isthmus.actor"
_PROBLEM = "application/problem+json"


class ApiRequest(Request):
    """A request whose body was read and judged before the framework sees it."""

    def __init__(self, request: Request, raw: bytes, parsed: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._raw = raw
        self._parsed = parsed

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> Any:
        return self._parsed


class ApiRoute(APIRoute):
    """A route of the JSON API."""

    nul_allowed: ClassVar[bool] = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            edge = edge_of(request)

            async def tell(error: Exception) -> Response:
                return problem_response(edge, request, edge.judge(_as_refusal(error), request.scope))

            try:
                actor = await edge.actor(request.scope)
                request.scope[ACTOR] = actor
                require_scope(actor, needed_scope(request.method, self.path_format))
                read = await self._read_body(request)
                if request.method == "POST" and "idempotency-key" in request.headers:
                    return await answer_once(edge, actor, read, handle, tell)
                return await handle(read)
            except Exception as error:
                return await tell(error)

        return respond

    async def _read_body(self, request: Request) -> ApiRequest:
        if request.method in ("GET", "HEAD") or self.body_field is None:
            return ApiRequest(request, b"", None)
        raw = await request.body()
        if not raw:
            return ApiRequest(request, b"", None)
        media_type = (one_value(request.scope, b"content-type") or "").split(";")[0].strip().lower()
        if media_type != "application/json":
            raise Refusal(
                415,
                code="content_type_unsupported",
                detail="The body must be JSON.",
                hint="Send Content-Type: application/json.",
                headers={"Accept": "application/json"},
            )
        parsed = parse_json(raw, nul_allowed=self.nul_allowed)
        if not isinstance(parsed, dict):
            raise Refusal(422, code="json_not_object", detail="The body must be a JSON object.", hint="Send {...}.")
        return ApiRequest(request, raw, parsed)


class CallRoute(ApiRoute):
    """A route whose body travels on to a third party, which may want any character."""

    nul_allowed = True


def edge_of(request: Request) -> Edge:
    return cast(Edge, request.app.state.edge)


def actor_of(request: Request) -> Actor:
    return cast(Actor, request.scope[ACTOR])


def answer(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; whole numbers of any size stay exact."""
    return Response(to_json(document), status, headers, media_type="application/json")


def to_json(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # a whole number of more than 64 bits, or a decimal with more digits than a float has
        return write_json(document).encode()


def problem_response(edge: Edge, request: Request, problem: Problem) -> Response:
    body = edge.problem_body(problem, request.scope)
    return Response(body, problem.status, dict(problem.headers), media_type=_PROBLEM)


def _as_refusal(error: Exception) -> Exception:
    """What the framework found wrong with the values, in our words; the values themselves are not repeated."""
    if not isinstance(error, RequestValidationError):
        return error
    found = [{"field": _field(item["loc"]), "message": str(item["msg"])} for item in error.errors()]
    unknown = next((item for item in error.errors() if item["type"] == "extra_forbidden"), None)
    first = {"field": _field(unknown["loc"]), "message": "This field cannot be set."} if unknown else found[0]
    code = "field_unknown" if unknown else "invalid_input"
    return Refusal(
        422,
        code=code,
        detail=f"{first['field'] or 'The body'}: {first['message']}",
        hint="Correct the named field and try again; /openapi.json lists the fields.",
        field=first["field"],
        extra={"errors": found[:50]},
    )


def _field(location: tuple[Any, ...]) -> str:
    """`scopes.0.name`; where it was looked for (body, query, path) is not part of a field's name."""
    return ".".join(str(part) for part in location[1:])[:200]
