"""The framework's part: the JSON API and the plain pages, put together."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from isthmus.web import callback, openapi, openid, signin
from isthmus.web.api import calls, catalog, connections, functions, hooks, people, services, triggers
from isthmus.web.api import clients as applications
from isthmus.web.api.route import problem_response
from isthmus.web.asgi import ERROR_CODE
from isthmus.web.console import (
    account,
    activity,
    clients,
    connecting,
    creation,
    developer,
    home,
    keys,
    preferences,
    signing_in,
    upkeep,
    versions,
)
from isthmus.web.console import connections as connections_console
from isthmus.web.console import functions as functions_console
from isthmus.web.console import people as people_console
from isthmus.web.console import runs as runs_console
from isthmus.web.console import services as services_console
from isthmus.web.console import triggers as triggers_console
from isthmus.web.edge import Edge
from isthmus.web.errors import Refusal, judge, method_not_allowed
from isthmus.web.oauth import endpoints, pages
from isthmus.web.pages import error_page

ROUTERS: tuple[APIRouter, ...] = (
    services.router,
    catalog.router,
    connections.router,
    calls.router,
    functions.router,
    functions.runs,
    triggers.router,
    hooks.router,
    people.router,
    applications.router,
    endpoints.router,
    pages.router,
    pages.device_router,
    signin.router,
    openid.router,
    home.router,
    account.router,
    signing_in.router,
    developer.router,
    creation.router,
    connecting.router,
    connections_console.router,
    upkeep.router,
    clients.router,
    services_console.router,
    activity.router,
    people_console.router,
    keys.router,
    preferences.router,
    functions_console.router,
    versions.router,
    runs_console.router,
    triggers_console.router,
    callback.router,
    openapi.router,
)


def create_application(edge: Edge) -> FastAPI:
    """The application for everything but the data path and operations. Its description is in `state`."""
    application = FastAPI(title="Isthmus", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for router in ROUTERS:
        application.router.routes.extend(router.routes)
    application.state.edge = edge
    application.state.description = openapi.Description(application, edge.site.public_url)
    application.add_exception_handler(HTTPException, _tell_framework_error)
    application.add_exception_handler(Exception, _tell_unexpected)
    return application


async def _tell_framework_error(request: Request, error: Exception) -> Response:
    """No such route, or not with this method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405 and request.method == "OPTIONS" and request.url.path.startswith("/api/"):
        return Response(status_code=204, headers={"Allow": ", ".join(_methods_of(request))})
    if status == 405:
        refusal = method_not_allowed(_methods_of(request))
    elif status == 404:
        refusal = Refusal(
            404, code="route_not_found", detail="There is nothing at this address.", hint="See /docs for what there is."
        )
    else:
        refusal = Refusal(status, code="bad_request", detail="The request could not be read.")
    return _response(request, refusal)


async def _tell_unexpected(request: Request, error: Exception) -> Response:
    """Answered here, logged by the outermost application, to which the framework raises it once more."""
    return _response(request, error)


def _response(request: Request, error: Exception) -> Response:
    edge: Edge = request.app.state.edge
    problem = judge(error)
    request.scope[ERROR_CODE] = problem.code
    if not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        return error_page(edge, request, problem)
    return problem_response(edge, request, problem)


def _methods_of(request: Request) -> list[str]:
    """All methods that this path takes, whichever route takes them; the framework knows only the first route's."""
    methods: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    if request.url.path.startswith("/api/"):
        methods |= {"HEAD", "OPTIONS"} if "GET" in methods else {"OPTIONS"}
    return sorted(methods)
