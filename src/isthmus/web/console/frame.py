"""What every page of the console shares: who is signed in, the rail, the forms' tokens, and how errors are told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute

from isthmus.app import Isthmus
from isthmus.broker.access import RIGHTS, require
from isthmus.broker.idempotency import Begun
from isthmus.errors import Conflict
from isthmus.records import Actor
from isthmus.web.api.route import ACTOR, edge_of
from isthmus.web.console.forms import Form
from isthmus.web.credentials import read_cookies
from isthmus.web.edge import READING, Edge
from isthmus.web.errors import Problem
from isthmus.web.origin import FORM_FIELD, form_token
from isthmus.web.pages import (
    error_page,
    form_secret,
    keep_form_secret,
    page,
    require_own_form,
    see_other,
    visitor_of,
    with_problem_headers,
)
from isthmus.web.signin import safe_next

_PATIENCE = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_FORM = "isthmus.form"
_DONE_COOKIE = "isthmus_done"
_DONE_SECONDS = 60

DONE = {
    "access_ended": "The access was ended, with all its tokens.",
    "account_saved": "Your account was saved.",
    "application_deleted": "The client was deleted; its tokens ended.",
    "application_saved": "The client was saved.",
    "client_saved": "The client id and secret were saved.",
    "connected": "Connected.",
    "connection_created": "The connection was created.",
    "connection_deleted": "The connection was deleted.",
    "connection_disabled": "The connection was disabled: nothing is called or refreshed until it is enabled.",
    "connection_enabled": "The connection was enabled.",
    "connection_saved": "The connection was saved.",
    "function_created": "The function was created.",
    "function_deleted": "The function was deleted.",
    "function_published": "The function was published.",
    "function_rolled_back": "The function was rolled back.",
    "function_saved": "The draft was saved.",
    "identity_unlinked": "The organisation's account was taken off yours.",
    "key_revoked": "The API key was revoked.",
    "passkey_added": "The passkey was added. You can sign in with it from now on.",
    "passkey_removed": "The passkey was removed. Remove it from your device as well.",
    "password_changed": "Your password was changed. You are signed out everywhere else, and applications lost their access.",
    "policy_saved": "The policy was saved.",
    "revoked": "The grant was taken back.",
    "secret_ended": "The secret was ended.",
    "service_acknowledged": "The change was acknowledged.",
    "service_created": "The service was created.",
    "service_deleted": "The service was deleted.",
    "service_saved": "The service was saved.",
    "session_ended": "That browser was signed out.",
    "sessions_ended": "You are signed out everywhere else, and applications lost their access.",
    "tested": "The test was good.",
    "trigger_deleted": "The trigger was deleted.",
    "trigger_saved": "The trigger was saved.",
    "user_created": "The user was created.",
    "user_deleted": "The user was deleted.",
    "user_saved": "The user was saved.",
}
"""What a page says once after a form. The cookie carries the word on the left only, so nobody can plant a sentence."""


class Place(NamedTuple):
    """An entry of the rail; `right` is what a role needs to see it."""

    section: str
    label: str
    path: str
    icon: str
    key: str
    right: str


RAIL: tuple[tuple[Place, ...], ...] = (
    (
        Place("home", "Home", "/", "home", "h", "connections.read"),
        Place("connections", "Connections", "/connections", "connections", "c", "connections.read"),
        Place("services", "Services", "/services", "services", "s", "services.read"),
        Place("functions", "Functions", "/functions", "functions", "f", "functions.read"),
        Place("activity", "Activity", "/activity", "activity", "a", "activity.read"),
    ),
    (
        Place("developer", "Developer console", "/developer", "developer", "d", "clients.register"),
        Place("users", "Users", "/users", "users", "u", "activity.read"),
        Place("keys", "API keys", "/keys", "keys", "k", "activity.read"),
        Place("settings", "Settings", "/settings", "settings", "", "activity.read"),
    ),
)


BAR = ("home", "connections", "services", "functions")
"""What the bar at the foot of a phone shows; the rest is under More."""


class Screen:
    """One request of a signed-in person, and the ways to answer it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.edge: Edge = edge_of(request)
        self.actor = cast(Actor, request.scope[ACTOR])

    @property
    def app(self) -> Isthmus:
        return self.edge.app

    @property
    def form(self) -> Form:
        """The form that was sent; it is known to come from a page of ours."""
        return cast(Form, self.request.scope[_FORM])

    @property
    def is_fragment(self) -> bool:
        """Whether a part of a page is asked for by a page that is open."""
        return self.request.headers.get("hx-request") == "true"

    def may(self, right: str) -> bool:
        return self.actor.role in RIGHTS[right]

    def require(self, right: str) -> None:
        """Raise AccessDenied, before a form is shown that could not be sent."""
        require(self.actor, right)

    def query(self, name: str) -> str:
        """A query parameter, at most 200 characters; empty where it is missing."""
        return self.request.query_params.get(name, "")[:200]

    def cursor(self) -> str | None:
        return self.request.query_params.get("cursor") or None

    def show(self, template: str, *, section: str, status: int = 200, **values: Any) -> Response:
        """A page in the frame, or a part of one."""
        edge, secret = self.edge, form_secret(self.edge, self.request)
        cookie = edge.site.host_cookie_name(_DONE_COOKIE)
        done = DONE.get(read_cookies(self.request.scope["headers"]).get(cookie, ""), "")
        response = page(
            edge,
            self.request,
            template,
            status=status,
            section=section,
            visitor=self.actor,
            may=self.may,
            rail=[places for group in RAIL if (places := [place for place in group if self.may(place.right)])],
            bar=BAR,
            done=done,
            token=lambda action: form_token(secret, action),
            draw_once=lambda: secrets.token_hex(16),
            **values,
        )
        keep_form_secret(edge, response, secret)
        if done:
            response.headers.append("Set-Cookie", edge.site.cookie(cookie, "", path="/", max_age=0))
        return response

    def go(self, path: str, done: str = "") -> Response:
        """303 to a page of ours, which says once what was done."""
        return went_well(self.edge, path, done)

    async def once(self, act: Callable[[], Coroutine[Any, Any, Response]]) -> Response:
        """Do what the form asks for, once: a second sending of the same form is led to where the first one went."""
        key, store = self.form.text("once"), self.app.idempotency
        if not key.isalnum():
            return await act()
        begun = await self._begin_once(key)
        if begun.stored is not None:
            return see_other(begun.stored.body.decode())
        try:
            response = await act()
        except BaseException:
            await store.abandon(begun.handle)
            raise
        if response.status_code != 303:
            await store.abandon(begun.handle)
        else:
            await store.finish(begun.handle, 303, response.headers["location"].encode())
        return response

    async def _begin_once(self, key: str) -> Begun:
        for pause in _PATIENCE:
            try:
                return await self.app.idempotency.begin(self.actor, self.request.scope["path"], key, b"")
            except Conflict:
                await asyncio.sleep(pause)
        return await self.app.idempotency.begin(self.actor, self.request.scope["path"], key, b"")


def went_well(edge: Edge, path: str, done: str = "") -> Response:
    """303 to a page of the console, which says once what was done (a word of DONE)."""
    response = see_other(edge.site.base_path + path)
    if done:
        name = edge.site.host_cookie_name(_DONE_COOKIE)
        response.headers.append("Set-Cookie", edge.site.cookie(name, done, path="/", max_age=_DONE_SECONDS))
    return response


class ConsoleRoute(APIRoute):
    """A route for a signed-in person. What changes something is a form of ours; errors are pages in the frame."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            edge = edge_of(request)
            try:
                visitor = await visitor_of(edge, request)
                if visitor is None:
                    return _sign_in_first(edge, request)
                request.scope[ACTOR] = visitor
                if request.method not in READING:
                    form = Form.read(await request.body())
                    require_own_form(edge, request, form.text(FORM_FIELD), request.scope["path"])
                    request.scope[_FORM] = form
                return await handle(request)
            except Exception as error:
                problem = edge.judge(error, request.scope)
                if ACTOR not in request.scope:
                    return error_page(edge, request, problem)
                return _told_in_frame(Screen(request), problem)

        return respond


def _sign_in_first(edge: Edge, request: Request) -> Response:
    """On to signing in, and back to this page afterwards. A part of a page sends the whole page there."""
    query = request.scope["query_string"].decode("latin-1")
    wanted = safe_next(request.scope["path"] + (f"?{query}" if query and "&" not in query else ""))
    location = f"{edge.site.base_path}/login"
    if request.method in READING and wanted != "/":
        location += f"?next={wanted}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": f"{edge.site.base_path}/login"})
    return see_other(location)


def _told_in_frame(screen: Screen, problem: Problem) -> Response:
    response = screen.show(
        "console/error.html",
        section="",
        status=problem.status,
        title=problem.title,
        message=problem.detail,
        hint=problem.hint,
        code=problem.code,
        ways=(("/", "Home"), ("/connections", "Connections")),
    )
    return with_problem_headers(response, problem)
