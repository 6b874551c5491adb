"""A browser's session as cookies have it: from where somebody comes, and how a new session reaches the browser."""

from __future__ import annotations

import re

from fastapi import Request, Response

from isthmus.authserver.known_browsers import KNOWN_FOR
from isthmus.authserver.protect import SESSION_ABSOLUTE
from isthmus.authserver.sessions import Visit
from isthmus.web.asgi import peer_address
from isthmus.web.credentials import read_cookies
from isthmus.web.edge import Edge
from isthmus.web.pages import see_other

_KNOWN_COOKIE = "isthmus_known"
_BROWSERS = (
    (r"Edg(?:A|iOS)?/", "Edge"),
    (r"OPR/", "Opera"),
    (r"(?:Firefox|FxiOS)/", "Firefox"),
    (r"(?:Chromium|HeadlessChrome)/", "Chromium"),
    (r"(?:Chrome|CriOS)/", "Chrome"),
    (r"Safari/", "Safari"),
)
_SYSTEMS = (
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux|X11", "Linux"),
)


def describe_browser(user_agent: str) -> str:
    """`Firefox on Linux`; what a browser says of itself, which may be untrue. Empty for one that is not known."""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), "")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, user_agent)), "")
    return f"{browser} on {system}" if browser and system else browser or system


def visit_of(edge: Edge, request: Request) -> Visit:
    """From where this request comes, for signing in."""
    mark = read_cookies(request.scope["headers"]).get(edge.site.host_cookie_name(_KNOWN_COOKIE), "")
    agent = request.headers.get("user-agent", "")[:500]
    return Visit(peer_address(request.scope), describe_browser(agent), mark)


def session_token(edge: Edge, request: Request) -> str:
    """The cookie value of this browser's session; empty where it has none."""
    return read_cookies(request.scope["headers"]).get(edge.site.session_cookie, "")


async def begin_session(edge: Edge, request: Request, token: str, target: str, *, email: str = "") -> Response:
    """On to `target` with the new session; the one this browser had before ends. With `email`, the browser is known
    for that account from now on."""
    previous = session_token(edge, request)
    if previous:
        await edge.app.accounts.sign_out(previous)
    response = see_other(f"{edge.site.base_path}{target}")
    response.headers.append("Set-Cookie", session_cookie(edge, token, int(SESSION_ABSOLUTE.total_seconds())))
    if email:
        name, mark = edge.site.host_cookie_name(_KNOWN_COOKIE), edge.app.known.mark(email)
        kept = edge.site.cookie(name, mark, path="/", max_age=int(KNOWN_FOR.total_seconds()))
        response.headers.append("Set-Cookie", kept)
    return response


def session_cookie(edge: Edge, token: str, max_age: int) -> str:
    return edge.site.cookie(edge.site.session_cookie, token, path="/", max_age=max_age)
