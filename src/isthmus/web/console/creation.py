"""Create Connection: pick the service, give it a client id and secret where it has none, name the connection."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from isthmus.broker.connections import propose_link_name
from isthmus.errors import InputError
from isthmus.web.assets import logo_of
from isthmus.web.console.asking import read_secrets, read_variables, secret_fields, variable_fields
from isthmus.web.console.connecting import begin
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

PICKED = 60
Cards = Mapping[str, dict[str, Any]]
NONE: Cards = MappingProxyType({})
OFTEN = (
    "google",
    "microsoft_graph",
    "slack",
    "zoom",
    "github",
    "hubspot",
    "salesforce",
    "zoho_crm",
    "stripe",
    "notion",
    "jira",
    "shopify",
)
"""What most people look for first, in this order."""
ServiceName = Annotated[str, Path(description="Link name of the service.")]


class Choice:
    """The services among which one looks: those of the page's query, a screenful at a time."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.kind = "custom" if screen.query("tab") == "custom" else "default"
        self._category, self._q, self._start = screen.query("category"), screen.query("q"), screen.query("start")
        self._marked = screen.query("marked") == "1"

    @property
    def is_first_look(self) -> bool:
        return not (self._q or self._category or self._start)

    async def show(
        self, template: str, *, section: str, here: str, connected: Cards = NONE, often: Cards = NONE
    ) -> Response:
        """The page at `here`, or the cards alone for a part of it; `connected` and `often` stand before the others."""
        screen = self._screen
        page = await screen.app.directory.cards(
            screen.actor,
            kind=self.kind,
            category=self._category,
            q=self._q,
            marked=self._marked,
            limit=PICKED,
            start=int(self._start) if self._start.isdecimal() else 0,
        )
        return screen.show(
            "console/parts/picks.html" if screen.is_fragment else template,
            section=section,
            here=here,
            leads=f"{here}/",
            kind=self.kind,
            category=self._category,
            q=self._q,
            marked=self._marked,
            categories=await screen.app.directory.categories(screen.actor, kind=self.kind),
            connected=[with_logo(card) for card in connected.values()],
            often=[with_logo(card) for card in often.values()],
            cards=[with_logo(card) for card in page.items if card["link_name"] not in {**connected, **often}],
            next=page.next_cursor,
        )


@router.get("/new/connection", response_class=Response)
async def pick_service(request: Request) -> Response:
    """Pick your Service: default and custom ones, by category, those with a connection first."""
    screen = Screen(request)
    screen.require("connections.manage")
    choice = Choice(screen)
    connected: Cards = {}
    often: Cards = {}
    if choice.is_first_look:
        directory, kind = screen.app.directory, choice.kind
        used = await directory.connections(screen.actor, limit=200)
        found = await directory.cards_of(screen.actor, {connection["service"] for connection in used.items})
        connected = {name: card for name, card in found.items() if card["kind"] == kind}
        known = await directory.cards_of(screen.actor, set(OFTEN) - set(connected)) if kind == "default" else {}
        often = {name: known[name] for name in OFTEN if name in known}
    return await choice.show(
        "console/pick.html", section="connections", here="/new/connection", connected=connected, often=often
    )


@router.get("/new/connection-link-name", response_class=Response)
async def check_link_name(request: Request) -> Response:
    """Whether a connection may have this link name: a line to show beside the field."""
    screen = Screen(request)
    link_name, wrong = screen.query("link_name"), ""
    try:
        await screen.app.directory.check_link_name(screen.actor, link_name)
    except InputError as error:
        wrong = f"{error.message} {error.hint}"
    return screen.show("console/parts/link_name.html", section="", wrong=wrong, link_name=link_name)


@router.get("/new/connection/{service}", response_class=Response)
async def show_form(request: Request, service: ServiceName) -> Response:
    """The form of a new connection to this service, or first the one for its client id and secret."""
    screen = Screen(request)
    screen.require("connections.manage")
    found = await screen.app.directory.service(screen.actor, service)
    if needs_client(found):
        return screen.go(f"/services/{service}/client?next=/new/connection/{service}")
    name = found["name"]
    form = Form([("name", name), ("link_name", await _free_link_name(screen, name))])
    form.set("scope", *found["default_scopes"])
    return _page(screen, found, form)


@router.post("/new/connection/{service}", response_class=Response)
async def create(request: Request, service: ServiceName) -> Response:
    """Create and Connect: the connection, then its authorization."""
    screen = Screen(request)
    found = await screen.app.directory.service(screen.actor, service)

    async def act() -> Response:
        form = screen.form
        document = {
            "service": service,
            "name": form.text("name"),
            "link_name": form.text("link_name") or propose_link_name(form.text("name")),
            "scopes": read_scopes(form),
            "use_credentials_of_login_user": form.flag("use_credentials_of_login_user"),
            "variables": read_variables(form, found),
        }
        try:
            _require_secrets(form, found)
            created = await screen.app.directory.create_connection(screen.actor, document)
        except InputError as error:
            form.refuse(error, {"scopes": "other_scopes"})
            return _page(screen, found, form, status=422)
        return await begin(screen, created, found, read_secrets(form, found))

    return await screen.once(act)


def needs_client(service: dict[str, Any]) -> bool:
    """Whether the service cannot be used before it has a client id."""
    return service["auth_type"] in ("oauth2", "oauth1") and not service["client_id"]


def read_scopes(form: Form) -> list[str]:
    """Ticked ones, then those entered freely, between blanks or commas."""
    others = form.text("other_scopes").replace(",", " ").split()
    return [scope for scope in form.texts("scope") if scope] + others


def with_logo(card: dict[str, Any]) -> dict[str, Any]:
    return {**card, "logo": logo_of(card["link_name"], card["logo"], card["family"])}


def _require_secrets(form: Form, service: dict[str, Any]) -> None:
    """Nothing is created where what is needed to connect is missing."""
    missing = [one for one in secret_fields(service) if not one.optional and not form.text(one.name)]
    if missing:
        problems = [{"field": one.name, "message": f"{one.label} is missing.", "hint": ""} for one in missing]
        raise InputError("A value is missing.", details={"problems": problems})


async def _free_link_name(screen: Screen, name: str) -> str:
    """A proposal that is not taken yet."""
    proposal = propose_link_name(name)[:46] or "connection"
    for number in range(1, 20):
        candidate = proposal if number == 1 else f"{proposal}_{number}"
        try:
            await screen.app.directory.check_link_name(screen.actor, candidate)
        except InputError:
            continue
        return candidate
    return ""


def _page(screen: Screen, service: dict[str, Any], form: Form, status: int = 200) -> Response:
    return screen.show(
        "console/create.html",
        section="connections",
        status=status,
        service=with_logo(service),
        form=form,
        variables=variable_fields(service),
        secrets=secret_fields(service),
        ticked=form.texts("scope"),
    )
