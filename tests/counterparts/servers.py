"""Independent servers, unmodified: each started in a process of its own, with the hands to drive its consent."""

from __future__ import annotations

import base64
import http.cookiejar
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.served import free_port
from tests.world import PUBLIC_URL

HERE = Path(__file__).parent
SECRET = "s+e/c=r:e&t%41 with blanks"


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Browser:
    """Keeps cookies; follows nothing by itself."""

    def __init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(NoRedirects, jar, urllib.request.ProxyHandler({}))

    def go(self, url: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, str]:
        """Status, where it sends us (absolute), and the page."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data=data, headers=headers)
        try:
            answer = self._opener.open(request, timeout=20)
        except urllib.error.HTTPError as other:
            answer = other
        with answer:
            location = answer.headers.get("Location") or ""
            page = answer.read().decode(errors="replace")
            return answer.status, urllib.parse.urljoin(url, location) if location else "", page


class Counterpart:
    """One server process; ended by its pid."""

    ready_path = "/"

    def __init__(self, **asked: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.host = f"127.0.0.1:{self.port}"
        self.directory = tempfile.TemporaryDirectory()
        self.asked = {"client_secret": SECRET, "lifetime": 3600, "redirect_uris": redirect_uris(), **asked}
        self._log = open(Path(self.directory.name) / "output", "w+b")  # noqa: SIM115 - lives as long as the server

    def command(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> Any:
        words = self.command()  # which completes what is asked
        environ = {**os.environ, "COUNTERPART": json.dumps(self.asked)}
        self._process = subprocess.Popen(words, env=environ, stdout=self._log, stderr=subprocess.STDOUT)
        ends = time.monotonic() + 30
        while True:
            try:
                Browser().go(self.url + self.ready_path)
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > ends:
                    self._log.seek(0)
                    self.__exit__()
                    pytest.fail(f"{type(self).__name__} did not start:\n{self._log_text()}", pytrace=False)
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=15)

    def _log_text(self) -> str:
        return (Path(self.directory.name) / "output").read_text(errors="replace")[-3000:]

    def approve(self, authorize_url: str) -> str:
        """Go through sign-in and consent by the forms shown, until we are sent to the callback."""
        browser = Browser()
        status, location, page = browser.go(authorize_url)
        here = authorize_url
        for _ in range(20):
            if urllib.parse.urlsplit(location).path.startswith(("/oauth/callback/", "/login/openid/callback")):
                return location
            if location:
                here = location
                status, location, page = browser.go(here)
            elif "<form" in page:
                hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
                form = {name: _unescape(value) for name, value in hidden.items()} | {"allow": "Authorize"}
                status, location, page = browser.go(here, form, Referer=here)
            else:
                break
        raise AssertionError(f"no callback: {status} {page[:500]}")


def _unescape(text: str) -> str:
    return text.replace("&amp;", "&").replace("&quot;", '"').replace("&#x27;", "'")


def redirect_uris() -> list[str]:
    names = ("oidc", "oidc_post", "dot", "first", "second")
    return [f"{PUBLIC_URL}/oauth/callback/{name}" for name in names]


class OidcProvider(Counterpart):
    ready_path = "/.well-known/openid-configuration"

    def command(self) -> list[str]:
        self.asked["issuer"] = self.url
        folder = HERE / "node"
        if not (folder / "node_modules" / "oidc-provider").is_dir():
            pytest.fail("oidc-provider is not installed: run `make setup`.", pytrace=False)
        own = folder / "node_modules" / "node" / "bin" / "node"
        return [str(own) if own.exists() else "node", str(folder / "server.mjs")]

    def definition(self, link_name: str = "oidc", client: str = "code-basic") -> dict[str, Any]:
        personless = client == "machine"
        return {
            "link_name": link_name,
            "name": "oidc-provider",
            "auth_type": "oauth2",
            "client_id": client,
            "client_secret": SECRET,
            "client_authentication": "post" if client == "code-post" else "basic",
            "grant_type": "client_credentials" if personless else "authorization_code",
            "authorize_url": "" if personless else f"{self.url}/auth",
            "access_token_url": f"{self.url}/token",
            "revoke_token_url": f"{self.url}/token/revocation",
            "issuer": self.url,
            "issuer_in_response": not personless,
            "default_scopes": ["read"] if personless else ["openid", "offline_access"],
            "authorize_parameters": {} if personless else {"prompt": "consent"},
            "base_url": f"{self.url}/api",
            "hosts": [self.host],
            "test": {"method": "GET", "url": f"{self.url}/api/me", "identity": "name"},
        }


class DjangoOAuthToolkit(Counterpart):
    ready_path = "/o/authorize/"

    def command(self) -> list[str]:
        self.asked["database"] = str(Path(self.directory.name) / "db.sqlite3")
        return [sys.executable, str(HERE / "django_app.py"), str(self.port)]

    def definition(self, link_name: str = "dot", client: str = "code") -> dict[str, Any]:
        personless = client == "machine"
        return {
            "link_name": link_name,
            "name": "django-oauth-toolkit",
            "auth_type": "oauth2",
            "client_id": client,
            "client_secret": SECRET,
            "grant_type": "client_credentials" if personless else "authorization_code",
            "authorize_url": "" if personless else f"{self.url}/o/authorize/",
            "access_token_url": f"{self.url}/o/token/",
            "revoke_token_url": f"{self.url}/o/revoke_token/",
            "default_scopes": ["read", "write"],
            "base_url": f"{self.url}/api",
            "hosts": [self.host],
            "test": {"method": "GET", "url": f"{self.url}/api/me", "identity": "name"},
        }

    def approve(self, authorize_url: str) -> str:
        """Signed in first; the consent form follows."""
        browser = Browser()
        browser.go(f"{self.url}/login")
        _, _, page = browser.go(authorize_url)
        fields = re.findall(r"<input[^>]*>", page)
        form: dict[str, str] = {"allow": "Authorize"}
        for field in fields:
            name, value = re.search(r'name="([^"]+)"', field), re.search(r'value="([^"]*)"', field)
            if name and 'type="hidden"' in field:
                form[name.group(1)] = _unescape(value.group(1)) if value else ""
        status, location, page = browser.go(authorize_url, form)
        assert "/oauth/callback/" in location, (status, page[:500])
        return location


class OAuth1Server(Counterpart):
    ready_path = "/authorize"

    def __init__(self, **asked: Any) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.rsa_private_key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        super().__init__(consumer_secret=SECRET, rsa_public_key=public.decode(), **asked)

    def command(self) -> list[str]:
        return [sys.executable, str(HERE / "oauth1_app.py"), str(self.port)]

    def definition(
        self, link_name: str = "first", method: str = "HMAC-SHA1", placement: str = "header"
    ) -> dict[str, Any]:
        with_rsa = method == "RSA-SHA1"
        return {
            "link_name": link_name,
            "name": "oauthlib",
            "auth_type": "oauth1",
            "client_id": "rsa-consumer" if with_rsa else "hmac-consumer",
            "client_secret": self.rsa_private_key if with_rsa else SECRET,
            "signature_method": method,
            "param_type": placement,
            "request_token_url": f"{self.url}/request_token",
            "authorize_url": f"{self.url}/authorize",
            "access_token_url": f"{self.url}/access_token",
            "base_url": self.url,
            "hosts": [self.host],
            "test": {
                "method": "POST" if placement == "form" else "GET",
                "url": f"{self.url}/api/me",
                "identity": "name",
            },
        }


class Radicale(Counterpart):
    ready_path = "/.web/"
    username = "ada"
    password = "p:ä ss+/=&%41"

    def command(self) -> list[str]:
        folder = Path(self.directory.name)
        (folder / "users").write_text(f"{self.username}:{self.password}\n", encoding="utf-8")
        options = {
            "server-hosts": self.host,
            "auth-type": "htpasswd",
            "auth-htpasswd-filename": str(folder / "users"),
            "auth-htpasswd-encryption": "plain",
            "auth-delay": "0",
            "storage-filesystem-folder": str(folder / "collections"),
        }
        words = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [sys.executable, "-m", "radicale", *words]

    def __enter__(self) -> Any:
        super().__enter__()
        self._put(f"{self.url}/ada/calendar/", "MKCALENDAR", "")
        event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
        event += "DTSTART:20260101T000000Z\r\nSUMMARY:tea\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        self._put(f"{self.url}/ada/calendar/1.ics", "PUT", event)
        return self

    def _put(self, url: str, method: str, body: str) -> None:
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "text/calendar"}
        request = urllib.request.Request(url, data=body.encode(), method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status in (200, 201, 204)

    def definition(self, link_name: str = "calendar") -> dict[str, Any]:
        return {
            "link_name": link_name,
            "name": "Radicale",
            "auth_type": "basic",
            "base_url": f"{self.url}/ada",
            "hosts": [self.host],
            "test": {"method": "GET", "url": f"{self.url}/ada/calendar/1.ics"},
        }
