"""Every page that the console can show has a picture: a new one is not forgotten."""

from __future__ import annotations

import re

from fastapi.routing import APIRoute
from tests.console.gallery import EMPTY_PAGES, MOMENTS, NAMED, PAGES, SIGNED_OUT

from isthmus.web.application import ROUTERS

NO_PAGES = {
    "/login/passkey",  # what the browser needs for a passkey, as JSON
    "/account/passkeys/options",
    "/login/openid",  # on to the organisation's provider, and back from it
    "/login/openid/callback",
    "/new/connection-link-name",  # parts of a page that is open
    "/new/service-link-name",
}
SET_UP = "/setup/{token}"  # shot before the stage has an administrator


def page_routes() -> list[APIRoute]:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [route for route in routes if "GET" in (route.methods or ()) and "Pages" in route.tags]


def route_of(path: str) -> str:
    """The route that answers; of several the first, as the application takes them."""
    bare = re.sub(r"[{}]", "", path.partition("?")[0])
    return next((route.path for route in page_routes() if route.path_regex.match(bare)), "")


def test_every_page_has_a_picture() -> None:
    shown = {**SIGNED_OUT, **PAGES, **EMPTY_PAGES, **NAMED, **MOMENTS}
    drawn = {route_of(path) for path in shown.values()} | {SET_UP}
    assert {route.path for route in page_routes()} - NO_PAGES - drawn == set()


def test_what_is_no_page_is_still_a_route() -> None:
    assert {route.path for route in page_routes()} >= NO_PAGES | {SET_UP}
