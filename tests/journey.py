"""The ways a user goes over HTTP: make services and connections, consent in a browser."""

from __future__ import annotations

import re
import urllib.parse
from http.cookies import SimpleCookie
from typing import Any

from tests.served import Reply, Served

from isthmus.practice import definitions, sample_values


class Browser:
    """Just enough of one: keeps cookies, follows nothing by itself."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.cookies: dict[str, str] = {}

    def go(self, method: str, url: str, form: dict[str, str] | None = None) -> Reply:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept": "text/html",
        }
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._served.url}
        reply = self._served.ask(method, url.removeprefix(self._served.url), key="", headers=headers, body=body)
        for header in reply.headers.get_all("Set-Cookie") or []:  # type: ignore[attr-defined]
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return reply


def make_service(served: Served, practice: Any, like: str, **changes: Any) -> dict[str, Any]:
    document = next(d for d in definitions(practice.url) if d["link_name"] == like)
    reply = served.ask("POST", "/api/v1/services", {**document, **changes})
    assert reply.status == 201, reply.body
    return dict(reply.document)


def make_connection(served: Served, service: str, link_name: str, **more: Any) -> dict[str, Any]:
    document = {"link_name": link_name, "name": link_name, "service": service, **more}
    reply = served.ask("POST", "/api/v1/connections", document)
    assert reply.status == 201, reply.body
    return dict(reply.document)


def consent(served: Served, practice: Any, authorize_url: str, account: str = "ada") -> Reply:
    """Open the connect link, press Proceed, agree at the third party, come back. The last reply."""
    browser = Browser(served)
    page = browser.go("GET", authorize_url)
    assert page.status == 200, page.body
    assert b"Proceed" in page.body
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.body.decode()))
    away = browser.go("POST", authorize_url, hidden)
    assert away.status == 303, away.body
    callback = practice.approve(away.headers["Location"], account=account)
    return browser.go("GET", callback)


def connect(served: Served, practice: Any, link_name: str, service: str, **document: Any) -> None:
    """Authorize a connection, whatever its type."""
    reply = served.ask(
        "POST", f"/api/v1/connections/{link_name}/connect", {**sample_values().get(service, {}), **document}
    )
    assert reply.status == 200, reply.body
    if reply.document["status"] == "connecting":
        back = consent(served, practice, reply.document["authorize_url"])
        assert back.status == 303, back.body
    shown = served.ask("GET", f"/api/v1/connections/{link_name}").document
    assert shown["status"] == "connected", shown


def connect_all(served: Served, practice: Any) -> list[str]:
    """One connection of each practice service, named like it, all connected."""
    names = [document["link_name"] for document in definitions(practice.url)]
    for name in names:
        make_service(served, practice, name)
        make_connection(served, name, name)
        connect(served, practice, name, name)
    return names
