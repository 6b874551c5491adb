"""Drives one service of the catalog through what its vendor answers: connect, refresh, who-am-I, refusal.

Every request goes out through the product's own door and reaches the practice party, which plays the vendor by the
service's fixture. The form of a fixture is told in `fixtures/README.md`.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tests.practice_server import PracticeServer
from tests.world import ADMIN, PUBLIC_URL

from isthmus.app import Isthmus
from isthmus.broker.call import Call
from isthmus.errors import ConnectError, IsthmusError, ReauthorizationRequired
from isthmus.outbound import Outbound
from isthmus.records import HttpRequest, HttpResponse
from isthmus.settings import Settings

FIXTURES = Path(__file__).parent / "fixtures"
PHASES = {
    "connect": ("request_token", "token", "step", "login", "who_am_i", "api"),
    "refresh": ("refresh", "login", "step", "who_am_i", "api"),
    "refuse": ("request_token", "error", "who_am_i_error"),
    "end": ("refresh_error",),
}
TOKENS = ("made-up-access-token-1", "made-up-access-token-2")
REFRESH_TOKENS = ("made-up-refresh-token-1", "made-up-refresh-token-2")
CLIENT = {"client_id": "made-up-client-id", "client_secret": "made-up-client-secret"}
_KEYS = frozenset(
    "client variables scopes enter authorize authorize_query callback exchanges then access_tokens refresh_tokens".split()
)
_EXCHANGE_KEYS = frozenset(
    "name for request basic headers query form json text status answer_headers type body".split()
)


class VendorDoor(Outbound):
    """The product's door, which checks each destination as ever and then takes it to the practice party instead."""

    def __init__(self, settings: Settings, practice: PracticeServer) -> None:
        super().__init__(settings)
        self._practice = practice

    async def send(self, request: HttpRequest, *, hosts: Sequence[str] | None, **more: Any) -> HttpResponse:
        target = self.check(request.url, hosts)
        assert target.scheme == "https"
        host = target.host if target.port == 443 else f"{target.host}:{target.port}"
        moved = f"{self._practice.url}/vendor/{host}{target.path}"
        return await super().send(replace(request, url=moved), hosts=None, **more)


def fixture_names() -> list[str]:
    return sorted(path.stem for path in FIXTURES.glob("*.json"))


def read_fixture(name: str) -> dict[str, Any]:
    """The fixture of a service. Raises ValueError for a key that means nothing, so that a typing error asserts nothing."""
    fixture: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    unknown = set(fixture) - _KEYS
    for exchange in fixture.get("exchanges", ()):
        unknown |= set(exchange) - _EXCHANGE_KEYS
        if exchange["name"] not in {name for names in PHASES.values() for name in names}:
            unknown.add(f"exchange {exchange['name']}")
    if unknown:
        raise ValueError(f"{name}.json: unknown {', '.join(sorted(unknown))}")
    return fixture


@dataclass(slots=True)
class Drive:
    """One service on its way through its fixture."""

    isthmus: Isthmus
    practice: PracticeServer
    name: str
    fixture: dict[str, Any]
    connection: str = ""
    turn: int = 0

    @property
    def link(self) -> str:
        return self.connection or self.name

    @property
    def redirect_uri(self) -> str:
        return f"{PUBLIC_URL}/oauth/callback/{self.name}"

    @property
    def then(self) -> Mapping[str, Any]:
        return self.fixture["then"]

    async def run(self) -> None:
        service = await self.isthmus.directory.service(ADMIN, self.name)
        self._check_parts(service)
        if service["auth_type"] in ("oauth2", "oauth1") or "client" in self.fixture:
            await self.isthmus.directory.update_service(ADMIN, self.name, {**CLIENT, **self.fixture.get("client", {})})
        document = {"link_name": self.link, "service": self.name, "variables": self.fixture.get("variables", {})}
        if "scopes" in self.fixture:
            document["scopes"] = self.fixture["scopes"]
        await self.isthmus.directory.create_connection(ADMIN, document)
        self._play("connect")
        await self._connect()
        await self._check_connected()
        await self._call()
        self._check_played("connect")
        if self._has("refresh") or service["auth_type"] == "login":
            await self._refresh()
        await self._refuse()
        if self._has("refresh_error"):
            await self._end()

    def _check_parts(self, service: Mapping[str, Any]) -> None:
        """A fixture that leaves a part out proves nothing about it: what each type must bring."""
        names = {exchange["name"] for exchange in self.fixture["exchanges"]}
        wanted = {"who_am_i"} if service["test"] else set()
        if service["auth_type"] == "oauth2":
            wanted |= {"token", "error"}
            if service["grant_type"] == "authorization_code" and service["lifetimes"]["refresh"] in (
                "rotates",
                "keeps",
            ):
                wanted.add("refresh")
        elif service["auth_type"] == "oauth1" and service["oauth1_flow"] == "three_legged":
            wanted |= {"request_token", "token", "error"}
        elif service["auth_type"] == "login" and service["login"]["requests"]:
            wanted |= {"login", "error"}
        elif service["test"]:
            wanted.add("who_am_i_error")
        assert wanted <= names, f"the fixture has no {', '.join(sorted(wanted - names))}"

    def _has(self, name: str) -> bool:
        return any(exchange["name"] == name for exchange in self.fixture["exchanges"])

    # --- the phases

    async def _connect(self) -> None:
        begun = await self.isthmus.connect.begin(ADMIN, self.link, self.fixture.get("enter", {}))
        if begun["status"] == "connected":
            return
        proceeding = await self.isthmus.connect.proceed(begun["authorize_url"].rsplit("/", 1)[1], None)
        state = self._check_authorize(proceeding.location)
        cookies = {proceeding.cookie_name: proceeding.browser_secret}
        parameters = self._signed({**state, **self.fixture.get("callback", {})})
        await self.isthmus.connect.finish(self.name, parameters, cookies, None)

    def _signed(self, callback: Mapping[str, str]) -> list[tuple[str, str]]:
        """The callback with `{callback_signature}` filled: HMAC-SHA256 of the others, sorted, with the client secret."""
        others = sorted((name, value) for name, value in callback.items() if value != "{callback_signature}")
        secret = {**CLIENT, **self.fixture.get("client", {})}["client_secret"].encode()
        digest = hmac.new(secret, "&".join(f"{name}={value}" for name, value in others).encode(), "sha256").hexdigest()
        return [(name, digest if value == "{callback_signature}" else value) for name, value in callback.items()]

    def _check_authorize(self, location: str) -> dict[str, str]:
        """The page the person is sent to is the vendor's; gives what the vendor sends back with them."""
        parts = urlsplit(location)
        page = f"{parts.scheme}://{parts.netloc}{parts.path}" + (f"#{parts.fragment}" if parts.fragment else "")
        assert page == self.fixture["authorize"]
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name, value in self.fixture.get("authorize_query", {}).items():
            wanted = self._filled(value) if isinstance(value, str) else value
            assert bool(query.get(name)) if wanted == "*" else query.get(name) == wanted, f"{name}: {query.get(name)!r}"
        if "oauth_token" in query:
            return {"oauth_token": query["oauth_token"], "oauth_verifier": "made-up-verifier"}
        return {"state": query["state"], "code": "made-up-code"}

    async def _check_connected(self) -> None:
        shown = await self.isthmus.directory.connection(ADMIN, self.link)
        reason = shown["status_reason"]
        assert shown["status"] == "connected", reason
        assert reason is None or reason["code"] in ("scope_not_granted", "not_yet_used"), reason
        for key in ("connected_as", "granted_scopes"):
            if key in self.then:
                assert shown[key] == self.then[key]
        wanted = self.then.get("expires_in")
        if shown["expires_at"] is None or wanted is None:
            assert (shown["expires_at"], wanted) == (None, None)
        else:
            left = (datetime.fromisoformat(shown["expires_at"]) - datetime.now(UTC)).total_seconds()
            assert wanted - 120 < left <= wanted + 5
        page = await self.isthmus.directory.authorizations(ADMIN, self.link)
        assert len(page.items) == 1

    async def _call(self) -> None:
        for exchange in self._exchanges("api"):
            answer = await self.isthmus.invoker.invoke(
                ADMIN, self.link, Call(url=_split(exchange["request"])[1], method=_split(exchange["request"])[0])
            )
            assert answer.status == exchange.get("status", 200), self._log()

    async def _refresh(self) -> None:
        self.turn = 1
        self._play("refresh")
        await self.isthmus.upkeep.refresh(ADMIN, self.link)
        seen = await self.isthmus.upkeep.test(ADMIN, self.link) if self._has("who_am_i") else {"ok": True}
        assert seen["ok"], self._log()
        await self._call()
        self._check_played("refresh", but=("step",))

    async def _refuse(self) -> None:
        """A refusal leaves what was connected before as it was."""
        before = await self.isthmus.directory.connection(ADMIN, self.link)
        self._play("refuse")
        refused: IsthmusError | None = None
        try:
            await self._connect()
        except ConnectError as problem:
            refused = problem
        assert refused is not None, "the vendor refused, and the connection was made all the same"
        if "error" in self.then:
            assert refused.code == self.then["error"], (refused.code, refused.message)
        after = await self.isthmus.directory.connection(ADMIN, self.link)
        kept = ("status", "connected_as", "granted_scopes", "expires_at")
        assert [before[key] for key in kept] == [after[key] for key in kept]
        self._check_played("refuse")

    async def _end(self) -> None:
        self._play("end")
        ended = False
        try:
            await self.isthmus.upkeep.refresh(ADMIN, self.link)
        except ReauthorizationRequired:
            ended = True
        assert ended, self._log()
        shown = await self.isthmus.directory.connection(ADMIN, self.link)
        assert shown["status"] == "reauthorization_required"

    # --- the vendor

    def _exchanges(self, *names: str) -> list[dict[str, Any]]:
        return [exchange for exchange in self.fixture["exchanges"] if exchange["name"] in names]

    def _play(self, phase: str) -> None:
        self.practice.vendor([self._exchange(exchange) for exchange in self._of(phase)])

    def _of(self, phase: str) -> Iterable[dict[str, Any]]:
        """The exchanges of a phase: those that say so with `for`, and those of its names that do not say."""
        return [
            exchange
            for exchange in self.fixture["exchanges"]
            if (exchange["for"] == phase if "for" in exchange else exchange["name"] in PHASES[phase])
        ]

    def _check_played(self, phase: str, but: tuple[str, ...] = ()) -> None:
        log = self.practice.vendor_log()
        missed = [entry for entry in log if entry["outcome"] != "played"]
        assert not missed, missed
        wanted = {exchange["name"] for exchange in self._of(phase)} - set(but)
        played = {entry["name"] for entry in log}
        assert wanted <= played, f"not asked for: {', '.join(sorted(wanted - played))}"

    def _log(self) -> str:
        return json.dumps(self.practice.vendor_log(), indent=1)

    def _exchange(self, exchange: Mapping[str, Any]) -> dict[str, Any]:
        method, url = _split(self._filled(exchange["request"]))
        parts = urlsplit(url)
        expect: dict[str, dict[str, Any]] = {part: {} for part in ("headers", "query", "form", "json", "text")}
        for part, wanted in expect.items():
            given = exchange.get(part, {})
            if isinstance(given, list):
                given = {piece: piece for piece in given}
            for name, value in given.items():
                wanted[self._filled(name) if part == "text" else name] = None if value is None else self._filled(value)
        expect["query"] |= dict(parse_qsl(parts.query, keep_blank_values=True))
        if "basic" in exchange:
            user, password = (self._filled(half) for half in exchange["basic"])
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            expect["headers"]["Authorization"] = f"Basic {pair}"
        headers = dict(exchange.get("answer_headers", {}))
        headers["Content-Type"], body = _body(exchange)
        answer = {"status": exchange.get("status", 200), "headers": headers, "body": body}
        return {
            "name": exchange["name"],
            "method": method,
            "host": parts.netloc,
            "path": parts.path or "/",
            "expect": {part: wanted for part, wanted in expect.items() if wanted},
            "answer": answer,
        }

    def _filled(self, text: str) -> str:
        """Placeholders of a fixture: what differs between the turns, and what we chose ourselves."""
        client = {**CLIENT, **self.fixture.get("client", {})}
        tokens = self.fixture.get("access_tokens", TOKENS)
        refresh_tokens = self.fixture.get("refresh_tokens", REFRESH_TOKENS)
        values = {
            "access_token": tokens[min(self.turn, len(tokens) - 1)],
            "refresh_token": refresh_tokens[0],
            "redirect_uri": self.redirect_uri,
            **client,
        }
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value).replace(f"{{{name}|quoted}}", quote(value, safe=""))
        return text


def _split(request: str) -> tuple[str, str]:
    method, _, url = request.partition(" ")
    return method, url


def _body(exchange: Mapping[str, Any]) -> tuple[str, str]:
    body, kind = exchange.get("body", {}), exchange.get("type", "json")
    if kind == "form":
        return "application/x-www-form-urlencoded", body if isinstance(body, str) else urlencode(body)
    if kind == "json":
        return "application/json", json.dumps(body)
    assert isinstance(body, str)
    return {"text": "text/plain", "html": "text/html", "xml": "application/xml"}.get(kind, kind), body
