"""Connect and Reconnect: on to the consent, or the values that the service asks for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from isthmus.errors import IsthmusError
from isthmus.web.assets import logo_of
from isthmus.web.console.asking import (
    fill_variables,
    read_secrets,
    read_variables,
    secret_fields,
    variable_fields,
)
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.errors import is_expected, judge

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

LinkName = Annotated[str, Path(description="Link name of the connection.")]


@router.get("/connections/{link_name}/connect", response_class=Response)
async def show_connect(request: Request, link_name: LinkName) -> Response:
    """What connecting this account takes."""
    screen = Screen(request)
    connection, service = await _find(screen, link_name)
    return connect_page(screen, connection, service, fill_variables(Form(), connection["variables"]))


@router.post("/connections/{link_name}/connect", response_class=Response)
async def connect(request: Request, link_name: LinkName) -> Response:
    """Begin the authorization, or connect at once with the values given."""
    screen = Screen(request)
    connection, service = await _find(screen, link_name)
    return await begin(screen, connection, service, read_secrets(screen.form, service))


async def begin(
    screen: Screen, connection: dict[str, Any], service: dict[str, Any], secrets: dict[str, Any]
) -> Response:
    """On to the consent page, or to the connection that is connected; the form again where something is wrong."""
    link_name = connection["link_name"]
    document = dict(secrets)
    if variables := read_variables(screen.form, service):
        document["variables"] = variables
    try:
        answer = await screen.app.connect.begin(screen.actor, link_name, document)
    except IsthmusError as error:
        if not is_expected(error):
            raise
        screen.form.headline = "The account could not be connected."
        screen.form.refuse(error)
        return connect_page(screen, connection, service, screen.form, status=judge(error).status)
    if answer["status"] == "connected":
        return screen.go(f"/connections/{link_name}", "connected")
    path = answer["authorize_url"].removeprefix(screen.edge.site.public_url)
    return screen.go(path)


def connect_page(
    screen: Screen, connection: dict[str, Any], service: dict[str, Any], form: Form, status: int = 200
) -> Response:
    """The form to connect an existing connection."""
    return screen.show(
        "console/connect.html",
        section="connections",
        status=status,
        connection=connection,
        service=service,
        logo=logo_of(service["link_name"], service["logo"], service["family"]),
        form=form,
        variables=variable_fields(service),
        secrets=secret_fields(service),
    )


async def _find(screen: Screen, link_name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    connection = await screen.app.directory.connection(screen.actor, link_name)
    return connection, await screen.app.directory.service(screen.actor, connection["service"])
