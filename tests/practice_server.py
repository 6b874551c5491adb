"""The practice third party in a process of its own, and the hands to drive it with."""

from __future__ import annotations

import base64
import json
import re
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tests.forked import Forked
from tests.ports import free_port
from tests.served import OPENER

from isthmus.practice.state import CLIENT_SECRET, PASSWORD, USERNAME


class PracticeServer:
    """Started by `with`; ended by its process."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: Forked | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server

    def __enter__(self) -> PracticeServer:
        words = ("practice", "--port", str(self.port))
        self._process = Forked("isthmus", *words, stdout=self._output, stderr=self._output)
        ends = time.monotonic() + 20
        while True:
            try:
                self.counters()
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > ends:
                    self._output.seek(0)
                    raise AssertionError(self._output.read().decode(errors="replace")) from None
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=15)

    def ask(self, path: str, document: Any = None, *, method: str | None = None) -> Any:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with OPENER.open(request, timeout=20) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{path}: {refused.code} {refused.read()!r}") from refused

    def ask_api(self, path: str) -> Any:
        """What the API itself answers, asked past the product (Basic)."""
        login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(f"{self.url}/basic/api{path}", headers={"Authorization": f"Basic {login}"})
        with OPENER.open(request, timeout=20) as response:
            return json.loads(response.read())

    def dials(self, **values: Any) -> dict[str, Any]:
        return dict(self.ask("/practice/dials", values))

    def counters(self) -> dict[str, int]:
        return dict(self.ask("/practice/counters"))

    def log(self) -> list[dict[str, Any]]:
        return list(self.ask("/practice/log"))

    def garbage(self) -> list[str]:
        return list(self.ask("/practice/garbage"))

    def reset(self) -> None:
        self.ask("/practice/reset", {})

    def vendor(self, exchanges: list[dict[str, Any]]) -> None:
        self.ask("/practice/vendor", {"exchanges": exchanges})

    def vendor_log(self) -> list[dict[str, Any]]:
        return list(self.ask("/practice/vendor/log"))

    def approve(self, authorize_url: str, account: str = "ada", decision: str = "allow") -> str:
        """Consent as a person would, by the page's form; the callback URL, not followed."""
        with OPENER.open(authorize_url, timeout=20) as page:
            text = page.read().decode()
        assert re.search(r"<form method=post>", text), text
        return self.consent(authorize_url, account, decision)

    def consent(self, authorize_url: str, account: str = "ada", decision: str = "allow") -> str:
        """What the page's form sends; the callback URL, not followed."""
        body = urllib.parse.urlencode({"account": account, "decision": decision}).encode()
        request = urllib.request.Request(authorize_url, data=body, method="POST")
        try:
            with OPENER.open(request, timeout=20) as answer:
                raise AssertionError(f"no redirect but {answer.status}")
        except urllib.error.HTTPError as away:
            if away.code != 303:
                raise AssertionError(away.read()) from away
            return str(away.headers["Location"])

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code, asked for past the product."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        login = base64.b64encode(f"practice-client:{urllib.parse.quote_plus(CLIENT_SECRET)}".encode()).decode()
        body, headers = urllib.parse.urlencode(form).encode(), {"Authorization": f"Basic {login}"}
        request = urllib.request.Request(f"{self.url}/oauth2/token", data=body, headers=headers)
        with OPENER.open(request, timeout=20) as answer:
            return dict(json.loads(answer.read()))
