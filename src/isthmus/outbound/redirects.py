"""What a redirect asks for, as a request that carries no credential (RFC 9110 section 15.4)."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

from isthmus.outbound.target import malformed
from isthmus.records import Headers, HttpRequest, HttpResponse

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "host"})
_SAFE_ELSEWHERE = frozenset({"accept", "accept-language", "accept-encoding", "user-agent"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class Hop:
    """The request to send next, without any credential; only where `same_origin` may one be attached again."""

    request: HttpRequest
    same_origin: bool


@dataclass(frozen=True, slots=True)
class Following:
    """A redirect's request while its destination is still unchecked."""

    url: str = field(repr=False)
    request: HttpRequest

    def at(self, url: str, *, same_origin: bool) -> Hop | None:
        """The hop to the checked URL. To another origin goes no body and no header but the harmless ones; a
        method that needs its body, or that changes something, does not go there at all (None)."""
        request = self.request
        if same_origin:
            headers: Headers = tuple(pair for pair in request.headers if pair[0].lower() not in _CREDENTIALS)
            return Hop(replace(request, url=url, headers=headers), True)
        if request.method not in _BODILESS or request.body or request.form is not None:
            return None
        headers = tuple(pair for pair in request.headers if pair[0].lower() in _SAFE_ELSEWHERE)
        return Hop(HttpRequest(request.method, url, headers), False)


def next_request(request: HttpRequest, response: HttpResponse) -> Following | None:
    """The request that a redirect asks for, or None where the answer is no redirect.

    303 makes anything but HEAD a GET; 301 and 302 make a POST a GET; 307 and 308 change nothing.
    Raises DestinationDenied (`url_malformed`).
    """
    location = response.header("location")
    if response.status not in _REDIRECTS or location is None:
        return None
    url = _resolve(request.url, location)
    to_get = request.method == "POST" if response.status in (301, 302) else response.status == 303
    if not to_get or request.method == "HEAD":
        return Following(url, request)
    headers = tuple(pair for pair in request.headers if not pair[0].lower().startswith("content-"))
    return Following(url, HttpRequest("GET", request.url, headers))


def _resolve(base: str, location: str) -> str:
    """The Location against the URL it answers, fragment dropped, read as UTF-8 where it is that."""
    text = location.partition("#")[0]
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    if not text or _CONTROL.search(text):
        raise malformed("The redirect's Location is malformed.")
    text = text.replace(" ", "%20")
    if _ABSOLUTE.match(text):
        return text
    return urljoin(base, text)
