"""The client id and secret of a service: registered at the vendor, entered here, the secret never shown again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from isthmus.errors import InputError
from isthmus.web.assets import logo_of
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.guides import read_guide
from isthmus.web.signin import safe_next

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

_STEPS_OF_THE_PAGE = frozenset({"Register"})
ServiceName = Annotated[str, Path(description="Link name of the service.")]


@router.get("/services/{service}/client", response_class=Response)
async def show_client(request: Request, service: ServiceName) -> Response:
    """What to register at the vendor, and the form for what it gives."""
    screen = Screen(request)
    screen.require("services.manage")
    found = await screen.app.directory.service(screen.actor, service)
    form = Form([("client_id", found["client_id"]), ("next", screen.query("next"))])
    return await _page(screen, found, form)


@router.post("/services/{service}/client", response_class=Response)
async def save_client(request: Request, service: ServiceName) -> Response:
    """Save client id and secret; an empty secret keeps the one there is."""
    screen = Screen(request)
    form = screen.form
    found = await screen.app.directory.service(screen.actor, service)
    changes = {"client_id": form.text("client_id")}
    if form.text("client_secret"):
        changes["client_secret"] = form.text("client_secret")
    try:
        if not changes["client_id"]:
            raise InputError("The client id is missing.", field="client_id", hint="Copy it from the vendor's page.")
        await screen.app.directory.update_service(screen.actor, service, changes)
    except InputError as error:
        form.refuse(error)
        return await _page(screen, found, form, status=422)
    target = safe_next(form.text("next"))
    return screen.go(target if target != "/" else f"/services/{service}", "client_saved")


async def _page(screen: Screen, service: dict[str, Any], form: Form, status: int = 200) -> Response:
    guide = await screen.app.directory.guide(screen.actor, service["link_name"])
    return screen.show(
        "console/client.html",
        section="connections" if form.text("next") else "services",
        status=status,
        service=service,
        logo=logo_of(service["link_name"], service["logo"], service["family"]),
        form=form,
        guide=read_guide(guide["markdown"], without=_STEPS_OF_THE_PAGE),
    )
