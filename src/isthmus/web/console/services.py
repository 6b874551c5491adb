"""Services: the lists, the Service Summary, and custom services from the first field to the last connection."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from isthmus.broker.advice import advise
from isthmus.broker.connections import propose_link_name
from isthmus.errors import Conflict, InputError
from isthmus.web.assets import logo_of
from isthmus.web.console import service_form
from isthmus.web.console.clients import ServiceName
from isthmus.web.console.conditions import condition_of
from isthmus.web.console.creation import Choice, needs_client
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.guides import read_guide

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)


@router.get("/services", response_class=Response)
async def list_services(request: Request) -> Response:
    """Default and custom services."""
    return await Choice(Screen(request)).show("console/services.html", section="services", here="/services")


@router.get("/new/service", response_class=Response)
async def show_new(request: Request) -> Response:
    """The form of a custom service."""
    screen = Screen(request)
    screen.require("services.manage")
    return _form_page(screen, service_form.empty())


@router.post("/new/service", response_class=Response)
async def create_service(request: Request) -> Response:
    """Create Service; or fill the form from an issuer's metadata, or give it more rows."""
    screen = Screen(request)
    screen.require("services.manage")
    form = screen.form
    if form.text("act") == "discover":
        return await _discover(screen)
    if form.text("act"):
        return _form_page(screen, form, spare=3)

    async def act() -> Response:
        document = service_form.read_document(form)
        document["link_name"] = form.text("link_name") or propose_link_name(form.text("name"))
        try:
            created = await screen.app.directory.create_service(screen.actor, document)
        except InputError as error:
            form.headline = "The service could not be created yet."
            form.refuse(error, service_form.NAMES)
            return _form_page(screen, form, status=422)
        return screen.go(f"/services/{created['link_name']}", "service_created")

    return await screen.once(act)


@router.post("/new/service-advice", response_class=Response)
async def advise_on_service(request: Request) -> Response:
    """What strikes a second pair of eyes about the form as it stands: a part of the page."""
    screen = Screen(request)
    found = advise(service_form.read_document(screen.form))
    return screen.show("console/parts/advice.html", section="", advice=found)


@router.get("/new/service-link-name", response_class=Response)
async def check_link_name(request: Request) -> Response:
    """Whether a service may have this link name: a line to show beside the field."""
    screen = Screen(request)
    link_name, wrong = screen.query("link_name"), ""
    try:
        await screen.app.directory.check_service_link_name(screen.actor, link_name)
    except InputError as error:
        wrong = f"{error.message} {error.hint}"
    return screen.show("console/parts/link_name.html", section="", wrong=wrong, link_name=link_name)


@router.get("/services/{service}", response_class=Response)
async def show_service(request: Request, service: ServiceName) -> Response:
    """The Service Summary."""
    screen = Screen(request)
    return await _summary(screen, service)


@router.post("/services/{service}/acknowledge", response_class=Response)
async def acknowledge_changes(request: Request, service: ServiceName) -> Response:
    """Agree to what changed of a default service in use."""
    screen = Screen(request)
    await screen.app.notices.acknowledge(screen.actor, service)
    return screen.go(f"/services/{service}", "service_acknowledged")


@router.get("/services/{service}/edit", response_class=Response)
async def show_edit(request: Request, service: ServiceName) -> Response:
    """The form of an existing custom service."""
    screen = Screen(request)
    screen.require("services.manage")
    found = await screen.app.directory.service(screen.actor, service)
    return _form_page(screen, service_form.write_document(found), service=found)


@router.post("/services/{service}/edit", response_class=Response)
async def edit_service(request: Request, service: ServiceName) -> Response:
    """Save a custom service."""
    screen = Screen(request)
    form = screen.form
    found = await screen.app.directory.service(screen.actor, service)
    if form.text("act"):
        return _form_page(screen, form, service=found, spare=3)
    try:
        changes = service_form.read_document(form, found)
        await screen.app.directory.update_service(screen.actor, service, changes)
    except InputError as error:
        form.refuse(error, service_form.NAMES)
        return _form_page(screen, form, service=found, status=422)
    return screen.go(f"/services/{service}", "service_saved")


@router.get("/services/{service}/clone", response_class=Response)
async def show_clone(request: Request, service: ServiceName) -> Response:
    """Name and link name of the copy."""
    screen = Screen(request)
    screen.require("services.manage")
    found = await screen.app.directory.service(screen.actor, service)
    form = Form([("name", f"{found['name']} copy"), ("link_name", f"{service}_copy"[:50])])
    return screen.show("console/clone.html", section="services", service=found, form=form)


@router.post("/services/{service}/clone", response_class=Response)
async def clone_service(request: Request, service: ServiceName) -> Response:
    """Make a custom service that begins as a copy of this one."""
    screen = Screen(request)
    form = screen.form
    document = {"name": form.text("name"), "link_name": form.text("link_name")}
    try:
        copy = await screen.app.directory.clone_service(screen.actor, service, document)
    except InputError as error:
        form.refuse(error)
        found = await screen.app.directory.service(screen.actor, service)
        return screen.show("console/clone.html", section="services", status=422, service=found, form=form)
    return screen.go(f"/services/{copy['link_name']}", "service_created")


@router.get("/services/{service}/delete", response_class=Response)
async def ask_delete(request: Request, service: ServiceName) -> Response:
    """What uses the service, and the form that deletes it."""
    screen = Screen(request)
    screen.require("services.manage")
    return await _confirm(screen, service, Form())


@router.post("/services/{service}/delete", response_class=Response)
async def delete_service(request: Request, service: ServiceName) -> Response:
    """Delete a custom service that no connection uses."""
    screen = Screen(request)
    form = screen.form
    form.headline = "The service was not deleted."
    if form.text("typed") != service:
        form.wrong("typed", f"Type the link name {service} to delete the service.")
        return await _confirm(screen, service, form, status=422)
    try:
        await screen.app.directory.delete_service(screen.actor, service)
    except Conflict as error:
        form.wrong("", f"{error.message} {error.hint}")
        return await _confirm(screen, service, form, status=409)
    return screen.go("/services?tab=custom", "service_deleted")


async def _discover(screen: Screen) -> Response:
    form = screen.form
    try:
        found = await screen.app.discovery.discover(screen.actor, form.text("issuer"))
    except InputError as error:
        form.headline = "Nothing was discovered."
        form.refuse(error)
        return _form_page(screen, form, status=422)
    form.set("auth_type", "oauth2")
    return _form_page(screen, service_form.write_document(found, form), discovered=True)


async def _summary(screen: Screen, link_name: str) -> Response:
    found = await screen.app.directory.service(screen.actor, link_name)
    used = await screen.app.directory.connections(screen.actor, service=link_name, limit=50)
    guide = await screen.app.directory.guide(screen.actor, link_name)
    return screen.show(
        "console/service.html",
        section="services",
        service=found,
        logo=logo_of(link_name, found["logo"], found["family"]),
        rows=[(connection, condition_of(connection)) for connection in used.items],
        needs_client=needs_client(found),
        guide=read_guide(guide["markdown"]),
        advice=advise(found) if found["kind"] == "custom" else [],
        grants=dict(service_form.GRANTS),
        signs={" ": "Space", ",": "Comma", "+": "Plus"},
    )


async def _confirm(screen: Screen, link_name: str, form: Form, status: int = 200) -> Response:
    found = await screen.app.directory.service(screen.actor, link_name)
    used = await screen.app.directory.connections(screen.actor, service=link_name, limit=50)
    return screen.show(
        "console/service_delete.html", section="services", status=status, service=found, form=form, rows=used.items
    )


def _form_page(
    screen: Screen,
    form: Form,
    *,
    service: dict[str, Any] | None = None,
    status: int = 200,
    spare: int = 1,
    discovered: bool = False,
) -> Response:
    grants: tuple[tuple[str, str], ...] = service_form.GRANTS
    if form.text("grant_type") not in ("", *(name for name, _ in grants)):
        grants = (*grants, (form.text("grant_type"), form.text("grant_type")))
    present = service or {}
    return screen.show(
        "console/service_form.html",
        section="services",
        status=status,
        form=form,
        service=service,
        spare=spare,
        discovered=discovered,
        lists=service_form,
        grants=grants,
        has_secret=bool(present.get("has_client_secret")),
        advice=advise(service_form.read_document(form, service)) if form.sent or service else [],
        redirect_base=f"{screen.edge.site.public_url}/oauth/callback/",
    )
