"""`/openapi.json`, the complete truth about what is served, and the plain page `/docs` made from it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from isthmus import __version__
from isthmus.authserver.scopes import SCOPES
from isthmus.web.api.answers import Problem
from isthmus.web.api.route import edge_of
from isthmus.web.api.scopes import needed_scope
from isthmus.web.errors import documented
from isthmus.web.pages import PageRoute, page

router = APIRouter(tags=["Operations"], route_class=PageRoute)

PROXY_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_REACHES_OUT = ("/connect", "/test", "/revoke", "/refresh", "/invoke", "/credential", "/execute", "/retry")
_HOOKS = "/api/v1/hooks/"
_TITLES = {
    "400": "Two credentials, or a malformed request",
    "401": "No credential, or an unknown, expired or revoked one",
    "403": "Not allowed",
    "404": "No such thing, or not yours to see",
    "405": "Method not allowed",
    "408": "The body was too slow",
    "409": "Conflict, or no usable credential",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "422": "Invalid input",
    "429": "Too many requests",
    "500": "Internal error",
    "502": "The third party gave no usable answer",
    "503": "Storage or refresh unavailable for now",
    "504": "The third party was too slow",
}
_INTRODUCTION = (
    "Connect a third party once, call it by link name. Errors are problem documents (RFC 9457) with a stable `code`. "
    "Lists are paged: `limit`, `cursor`, `next_cursor`. `Idempotency-Key` is honoured on every POST of the API: a "
    "repeated request gets the stored answer for 24 hours, except after 4xx and 503, which say that nothing was done."
)
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "A fresh key for each request; the same key and request get the stored answer.",
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@router.get("/docs", response_class=Response)
async def docs(request: Request) -> Response:
    """This list of routes."""
    groups: dict[str, list[dict[str, str]]] = {}
    for path, methods in request.app.state.description.document["paths"].items():
        for method, operation in methods.items():
            route = {"method": method.upper(), "path": path, "description": operation.get("description", "")}
            groups.setdefault(operation["tags"][0], []).append(route)
    return page(edge_of(request), request, "docs.html", groups=sorted(groups.items()))


@router.get("/docs/errors", response_class=Response)
async def error_codes(request: Request) -> Response:
    """The error codes, their status and cure."""
    return page(edge_of(request), request, "errors.html", rows=sorted(documented()))


class Description:
    """The OpenAPI document of a running server, made when it is first asked for: many servers never are."""

    def __init__(self, app: FastAPI, public_url: str) -> None:
        self._app = app
        self._public_url = public_url

    @cached_property
    def json(self) -> bytes:
        return orjson.dumps(describe(self._app, self._public_url))

    @property
    def document(self) -> dict[str, Any]:
        return dict(orjson.loads(self.json))


def describe(app: FastAPI, public_url: str) -> dict[str, Any]:
    """The OpenAPI document of everything that is served, the routes outside the framework included."""
    document = get_openapi(
        title="Isthmus", version=__version__, description=_INTRODUCTION, routes=app.routes, openapi_version="3.1.0"
    )
    document["servers"] = [{"url": public_url}]
    document["paths"].update(_outside())
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = _security_schemes(public_url)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    return document


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    if path.startswith("/api/"):
        operation["security"] = [{"bearer": []}, {"token": []}, {"key": []}, {"session": []}]
        scope = needed_scope(method, path)
        if scope is not None:
            operation["security"].append({"oauth2": [scope] if scope else []})
        if path.startswith(_HOOKS):  # the token in the path is all that a sender shows
            operation["security"], operation["requestBody"] = [], {"content": {"*/*": {}}}
        operation["responses"].pop("422", None)
        for status in _api_errors(path, method, operation):
            operation["responses"][status] = {"description": _TITLES[status], "content": _PROBLEM}
        if method == "post":
            operation.setdefault("parameters", []).append(_IDEMPOTENCY)
        return
    operation.setdefault("security", [])
    if operation["tags"] == ["OAuth"]:
        operation["responses"] = {
            "2XX": {"description": "The answer of the specification", "content": {"application/json": {}}},
            "4XX": {"description": "`error` and `error_description` (RFC 6749 section 5.2)"},
        }
    if operation["tags"] == ["Pages"] or path.startswith("/docs"):
        operation["responses"] = {
            "200": {"description": "A page", "content": {"text/html": {}}},
            "303": {"description": "On to another page"},
            "4XX": {"description": "A page that says what is wrong", "content": {"text/html": {}}},
            "5XX": {"description": "A page that says what is wrong", "content": {"text/html": {}}},
        }


def _api_errors(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    statuses = ["400", "401", "403", "429", "500", "503"]
    if "{" in path:
        statuses.append("404")
    if method != "get":
        statuses.append("409")
    if "requestBody" in operation:
        statuses += ["404", "408", "413", "415", "422"]
    if operation.get("parameters"):
        statuses.append("422")
    if path.endswith(_REACHES_OUT) or method == "delete":
        statuses += ["404", "409", "422", "502", "504"]
    if method == "post":
        statuses.append("422")
    return sorted(set(statuses))


def _security_schemes(public_url: str) -> dict[str, Any]:
    endpoints = {
        "authorizationUrl": f"{public_url}/oauth/v2/auth",
        "tokenUrl": f"{public_url}/oauth/v2/token",
        "refreshUrl": f"{public_url}/oauth/v2/token",
    }
    alone = {key: endpoints[key] for key in ("tokenUrl", "refreshUrl")}
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "An access token of our own authorization server, with the scope that the route names.",
            "flows": {
                "authorizationCode": {**endpoints, "scopes": SCOPES},
                "clientCredentials": {**alone, "scopes": SCOPES},
            },
        },
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer KEY`."},
        "token": {
            "type": "http",
            "scheme": "token",
            "description": "`Authorization: token KEY`, as some SDKs send it.",
        },
        "key": {"type": "apiKey", "in": "header", "name": "Isthmus-Key"},
        "basic": {"type": "http", "scheme": "basic", "description": "Proxy only: the key as user name or password."},
        "session": {"type": "apiKey", "in": "cookie", "name": "isthmus", "description": "A signed-in browser."},
    }


def _outside() -> dict[str, Any]:
    """What is served by plain ASGI."""
    paths: dict[str, Any] = {
        "/healthz": _operation("The process is alive.", {"200": "Alive"}),
        "/readyz": _operation(
            "Database and keys can be used.", {"200": "Ready", "503": "Not ready: why, and the cure"}
        ),
        "/metrics": _operation("Counters of this process in Prometheus' text format.", {"200": "Counters"}),
        "/openapi.json": _operation("This description.", {"200": "OpenAPI 3.1"}),
        "/static/{file}": _operation(
            "The fixed files of the pages: stylesheet, scripts, logos.", {"200": "The file", "404": "No such file"}
        ),
        "/proxy/{link_name}/{path}": {method: _proxy_operation(method) for method in PROXY_METHODS},
    }
    return paths


def _operation(description: str, answers: dict[str, str]) -> dict[str, Any]:
    responses = {status: {"description": text} for status, text in answers.items()}
    return {"get": {"tags": ["Operations"], "description": description, "responses": responses}}


def _proxy_operation(method: str) -> dict[str, Any]:
    def parameter(name: str, place: str, description: str) -> dict[str, Any]:
        required = place == "path"
        shape = {"type": "string"}
        return {"name": name, "in": place, "required": required, "schema": shape, "description": description}

    return {
        "tags": ["Proxy"],
        "operationId": f"proxy_{method}",
        "description": "Carry the request to the service's base URL with the connection's credential, streamed.",
        "security": [{"bearer": []}, {"token": []}, {"key": []}, {"basic": []}],
        "parameters": [
            parameter("link_name", "path", "The connection."),
            parameter("path", "path", "Path and query below the base URL, carried byte for byte."),
            parameter("Isthmus-User", "header", "The resource owner, where the connection uses the login user's."),
        ],
        "responses": {
            "default": {
                "description": "The third party's answer, plus `Isthmus-Request-Id`. Errors of our own are problem "
                "documents: 400, 401, 403, 404, 409, 422, 500, 502, 503, 504.",
            }
        },
    }
