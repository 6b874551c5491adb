"""Why an attempt to sign in elsewhere came to nothing, carried to the next page by a word in a cookie."""

from __future__ import annotations

from fastapi import Request, Response

from isthmus.authserver.openid_refusals import REFUSALS
from isthmus.errors import NotAuthenticated
from isthmus.web.credentials import read_cookies
from isthmus.web.edge import Edge
from isthmus.web.pages import see_other

_NAME, _SECONDS = "isthmus_refused", 60


def refused(edge: Edge, error: NotAuthenticated, path: str) -> Response:
    """Back to a page of ours, which says once why."""
    response = see_other(edge.site.base_path + path)
    name = edge.site.host_cookie_name(_NAME)
    response.headers.append("Set-Cookie", edge.site.cookie(name, error.code, path="/", max_age=_SECONDS))
    return response


def words_of_refusal(edge: Edge, request: Request) -> str:
    """Why the last attempt of this browser came to nothing. The cookie has a word only, so nobody plants a sentence."""
    code = read_cookies(request.scope["headers"]).get(edge.site.host_cookie_name(_NAME), "")
    known = REFUSALS.get(code)
    return f"{known.message} {known.hint or ''}".strip() if known else ""


def forget_refusal(edge: Edge, response: Response) -> Response:
    """The response, after which the words are not said again."""
    name = edge.site.host_cookie_name(_NAME)
    response.headers.append("Set-Cookie", edge.site.cookie(name, "", path="/", max_age=0))
    return response
