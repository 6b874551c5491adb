"""`isthmus visit`: plays the person in a browser, for the demo on a machine that has none.

Goes to addresses of this machine only: a consent at a real provider is for a person to give.
"""

from __future__ import annotations

import ipaddress
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Annotated

import typer

from isthmus.cli.outcome import told
from isthmus.errors import ConnectError, DestinationDenied, Unreachable

STEPS = 12
SECONDS = 60.0


@told
def visit(url: Annotated[str, typer.Argument(help="The address that `isthmus connect` shows.")]) -> None:
    """Open a connect link, press Proceed, and consent at the practice third party."""
    visitor = _Visitor()
    page = visitor.go(url)
    for _ in range(STEPS):
        if page.location is not None:
            page = visitor.go(page.location)
        elif page.status >= 400:
            raise ConnectError(
                f"{page.place} answered {page.status}.", hint="Open the address in a browser to read why."
            )
        elif page.form is not None:
            page = visitor.go(page.form.target(page.url), page.form.filled())
        else:
            print(f"Done at {page.place}.")
            return
    raise ConnectError(f"No end was found after {STEPS} steps.", hint="Open the address in a browser.")


@dataclass
class _Form(HTMLParser):
    """The first form of a page, as it would be sent by its first button."""

    action: str = ""
    values: dict[str, str] = field(default_factory=dict)
    _seen: int = 0
    _choice: str = ""

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._seen += 1
            if self._seen == 1:
                self.action = given.get("action", "")
        if self._seen != 1:
            return
        if tag in ("input", "button") and given.get("name"):
            self.values.setdefault(given["name"], given.get("value", ""))
        elif tag == "select":
            self._choice = given.get("name", "")
        elif tag == "option" and self._choice:
            self.values.setdefault(self._choice, given.get("value", ""))

    def filled(self) -> dict[str, str]:
        return dict(self.values)

    def target(self, page: str) -> str:
        return urllib.parse.urljoin(page, self.action) if self.action else page

    @property
    def found(self) -> bool:
        return self._seen > 0


@dataclass(frozen=True)
class _Page:
    url: str
    status: int
    location: str | None
    form: _Form | None

    @property
    def place(self) -> str:
        """The address without its query, which may hold a code."""
        return self.url.partition("?")[0]


class _Visitor:
    """Keeps cookies, follows nothing by itself."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(
            _Still(), urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def go(self, url: str, form: dict[str, str] | None = None) -> _Page:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not _is_here(parts.hostname or ""):
            raise DestinationDenied(
                "Only addresses of this machine are visited.", hint="Open the address in a browser instead."
            )
        origin = f"{parts.scheme}://{parts.netloc}"
        request = urllib.request.Request(url, headers={"Accept": "text/html", "Origin": origin})  # noqa: S310
        if form is not None:
            request.data = urllib.parse.urlencode(form).encode()
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return _read(url, answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            return _read(url, answer.code, answer.headers, answer.read())
        except OSError as problem:
            raise Unreachable(f"{origin} does not answer.", hint="Start it: isthmus demo") from problem


class _Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def _read(url: str, status: int, headers: Message, body: bytes) -> _Page:
    form = _Form()
    form.feed(body.decode(errors="replace"))
    location = headers.get("Location")
    return _Page(url, status, urllib.parse.urljoin(url, location) if location else None, form if form.found else None)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
