"""The developer console: applications that use our API, their secrets, and what they were granted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from isthmus.authserver.client_types import RULES
from isthmus.authserver.scopes import SCOPES, USE_ONE, describe_scope
from isthmus.errors import Conflict, InputError, NotFound
from isthmus.records import ClientType
from isthmus.web.api.parameters import is_identifier
from isthmus.web.console.client_snippets import client_snippets
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

_SECTION = "developer"
_OVERLAPS = (("604800", "a week"), ("86400", "a day"), ("3600", "an hour"), ("0", "not at all"))
_MINUTES = ("3", "5", "10")
_NAMES = {"scope": "scopes"}


async def _client_id(client_id: Annotated[str, Path(description="The client id.")]) -> str:
    if not is_identifier(client_id):
        raise NotFound("There is no such client.", code="client_not_found", field="client_id")
    return client_id


ClientId = Annotated[str, Depends(_client_id)]


@router.get("/developer", response_class=Response)
async def list_clients(request: Request) -> Response:
    """The registered applications."""
    screen = Screen(request)
    screen.require("clients.register")
    page = await screen.app.clients.clients(screen.actor, cursor=screen.cursor())
    return screen.show("console/developer.html", section=_SECTION, clients=page.items, next_cursor=page.next_cursor)


@router.get("/developer/new", response_class=Response)
async def choose_type(request: Request) -> Response:
    """**Add Client ID**: which type of client it is, then the fields that this type needs."""
    screen = Screen(request)
    screen.require("clients.register")
    chosen = screen.query("type")
    if chosen not in RULES:
        return screen.show("console/client_type.html", section=_SECTION, types=RULES)
    return _form_page(screen, chosen, Form([("scopes", scope) for scope in _first_scopes()]))


@router.post("/developer/new", response_class=Response)
async def create(request: Request) -> Response:
    """Register the application; its secret is on this page and never again."""
    screen, form = Screen(request), Screen(request).form
    kind = form.text("client_type")
    if kind not in RULES:
        return screen.go("/developer/new")
    if form.text("act"):
        return _form_page(screen, kind, form, spare=3)
    document = {"client_type": kind, **_read(form, kind)}
    try:
        made = await screen.app.clients.create(screen.actor, document)
    except InputError as error:
        form.refuse(error, _NAMES)
        return _form_page(screen, kind, form, status=422)
    return _shown_once(screen, made, "Client created")


@router.get("/developer/clients/{client_id}", response_class=Response)
async def read(request: Request, client_id: ClientId) -> Response:
    """One application: its id, secrets, scopes, what it was granted, and code to begin with."""
    screen = Screen(request)
    return await _client_page(screen, client_id, Form())


@router.get("/developer/clients/{client_id}/edit", response_class=Response)
async def show_edit(request: Request, client_id: ClientId) -> Response:
    """The fields of the application as they are."""
    screen = Screen(request)
    client = await screen.app.clients.client(screen.actor, client_id)
    form = Form([("name", client["name"]), ("domain", client["domain"])])
    form.set("redirect_uris", *client["redirect_uris"])
    form.set("scopes", *client["scopes"])
    form.set("more_scopes", " ".join(scope for scope in client["scopes"] if scope.startswith(USE_ONE)))
    form.set("client_credentials", "yes" if "client_credentials" in client["grant_types"] else "")
    form.set("disabled", "yes" if client["disabled"] else "")
    return _form_page(screen, client["client_type"], form, client=client)


@router.post("/developer/clients/{client_id}/edit", response_class=Response)
async def save(request: Request, client_id: ClientId) -> Response:
    """Save the application."""
    screen, form = Screen(request), Screen(request).form
    client = await screen.app.clients.client(screen.actor, client_id)
    if form.text("act"):
        return _form_page(screen, client["client_type"], form, client=client, spare=3)
    changes = {**_read(form, client["client_type"]), "disabled": form.flag("disabled")}
    try:
        await screen.app.clients.update(screen.actor, client_id, changes)
    except InputError as error:
        form.refuse(error, _NAMES)
        return _form_page(screen, client["client_type"], form, client=client, status=422)
    return screen.go(f"/developer/clients/{client_id}", "application_saved")


@router.post("/developer/clients/{client_id}/secret", response_class=Response)
async def rotate(request: Request, client_id: ClientId) -> Response:
    """A new secret, on this page and never again; the former ones work for as long as was chosen."""
    screen = Screen(request)
    overlap = screen.form.text("overlap")
    chosen = int(overlap) if overlap in dict(_OVERLAPS) else int(_OVERLAPS[0][0])
    try:
        made = await screen.app.clients.rotate_secret(screen.actor, client_id, {"overlap_seconds": chosen})
    except Conflict as error:
        screen.form.wrong("overlap", f"{error.message} {error.hint}")
        return await _client_page(screen, client_id, screen.form, status=409)
    return _shown_once(screen, made, "New client secret")


@router.post("/developer/clients/{client_id}/secrets/{secret_id}/end", response_class=Response)
async def end_secret(
    request: Request, client_id: ClientId, secret_id: Annotated[str, Path(description="The secret's id.")]
) -> Response:
    """End one secret at once."""
    screen = Screen(request)
    await screen.app.clients.end_secret(screen.actor, client_id, secret_id)
    return screen.go(f"/developer/clients/{client_id}", "secret_ended")


@router.post("/developer/clients/{client_id}/code", response_class=Response)
async def generate_code(request: Request, client_id: ClientId) -> Response:
    """**Generate Code** for a self client: shown once."""
    screen, form = Screen(request), Screen(request).form
    minutes = form.text("minutes")
    wanted = {
        "scope": " ".join(form.texts("scope")),
        "minutes": int(minutes) if minutes in _MINUTES else int(_MINUTES[0]),
        "description": form.text("description"),
    }
    try:
        made = await screen.app.clients.generate_code(screen.actor, client_id, wanted)
    except InputError as error:
        form.refuse(error)
        return await _client_page(screen, client_id, form, status=422)
    client = await screen.app.clients.client(screen.actor, client_id)
    return screen.show("console/client_code.html", section=_SECTION, client=client, code=made, issuer=_issuer(screen))


@router.post("/developer/clients/{client_id}/grants/{grant_id}/revoke", response_class=Response)
async def revoke_grant(
    request: Request, client_id: ClientId, grant_id: Annotated[str, Path(description="The grant's id.")]
) -> Response:
    """End what was granted, with all its tokens."""
    screen = Screen(request)
    await screen.app.clients.revoke_grant(screen.actor, grant_id)
    return screen.go(f"/developer/clients/{client_id}", "access_ended")


@router.post("/developer/clients/{client_id}/delete", response_class=Response)
async def delete(request: Request, client_id: ClientId) -> Response:
    """Delete the application whose name was typed; its tokens end at once."""
    screen = Screen(request)
    client = await screen.app.clients.client(screen.actor, client_id)
    if screen.form.text("typed") != client["name"]:
        screen.form.headline = "The client was not deleted."
        screen.form.wrong("typed", f"Type {client['name']} to delete it.")
        return await _client_page(screen, client_id, screen.form, status=422)
    await screen.app.clients.delete(screen.actor, client_id)
    return screen.go("/developer", "application_deleted")


@router.get("/account/applications", response_class=Response)
async def own_applications(request: Request) -> Response:
    """**Applications with access to my account.**"""
    screen = Screen(request)
    page = await screen.app.clients.own_grants(screen.actor, cursor=screen.cursor())
    return screen.show("console/applications.html", section="account", grants=page.items, next_cursor=page.next_cursor)


@router.post("/account/applications/{grant_id}/revoke", response_class=Response)
async def revoke_own(request: Request, grant_id: Annotated[str, Path(description="The grant's id.")]) -> Response:
    """End an application's access to the own account."""
    screen = Screen(request)
    await screen.app.clients.revoke_grant(screen.actor, grant_id)
    return screen.go("/account/applications", "access_ended")


def _read(form: Form, kind: ClientType) -> dict[str, Any]:
    """The document that the form describes; fields that this type lacks are left out."""
    rules = RULES[kind]
    more = form.text("more_scopes").replace(",", " ").split()
    scopes = [scope for scope in form.texts("scopes") if scope in SCOPES]
    document: dict[str, Any] = {
        "name": form.text("name"),
        "domain": form.text("domain"),
        "scopes": list(dict.fromkeys([*scopes, *more])),
    }
    if rules.redirects:
        document["redirect_uris"] = " ".join(form.texts("redirect_uris")).split()
    if rules.confidential:
        own = form.flag("client_credentials")
        document["grant_types"] = [name for name in rules.grant_types if own or name != "client_credentials"]
    return document


def _form_page(
    screen: Screen,
    kind: ClientType,
    form: Form,
    *,
    client: dict[str, Any] | None = None,
    spare: int = 1,
    status: int = 200,
) -> Response:
    chosen = set(form.texts("scopes"))
    return screen.show(
        "console/client_form.html",
        section=_SECTION,
        status=status,
        kind=kind,
        rules=RULES[kind],
        form=form,
        client=client,
        spare=spare,
        overlaps=_OVERLAPS,
        scopes=[(scope, sentence, scope in chosen) for scope, sentence in SCOPES.items()],
    )


async def _client_page(screen: Screen, client_id: str, form: Form, *, status: int = 200) -> Response:
    client = await screen.app.clients.client(screen.actor, client_id)
    grants = await screen.app.clients.grants_of_client(screen.actor, client_id, cursor=screen.cursor())
    return screen.show(
        "console/application.html",
        section=_SECTION,
        status=status,
        client=client,
        rules=RULES[client["client_type"]],
        scopes=[(scope, describe_scope(scope)) for scope in client["scopes"]],
        grants=grants.items,
        next_cursor=grants.next_cursor,
        form=form,
        overlaps=_OVERLAPS,
        minutes=_MINUTES,
        snippets=client_snippets(_issuer(screen), client),
    )


def _shown_once(screen: Screen, client: dict[str, Any], title: str) -> Response:
    secret = client.get("client_secret", "")
    return screen.show("console/client_secret.html", section=_SECTION, client=client, secret=secret, title=title)


def _first_scopes() -> tuple[str, ...]:
    return ("connections.read", "connections.use", "functions.execute")


def _issuer(screen: Screen) -> str:
    return screen.edge.site.public_url
