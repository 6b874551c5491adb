"""An application for the edge to talk to: the real signatures, canned answers, and every call written down.

What the use cases decide is tested with them; here only what the edge makes of a request and of an answer counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from isthmus.authserver.keys import draw_key
from isthmus.authserver.sessions import Visit
from isthmus.broker.call import Answer, Call, StreamAnswer, StreamCall
from isthmus.errors import Conflict, InputError, NotAuthenticated, NotFound
from isthmus.records import Actor, Headers, Page, Role
from isthmus.settings import Settings
from isthmus.web.logs import LineWriter, Logs
from isthmus.web.server import create_asgi

ADDRESS = "192.0.2.7"
PUBLIC_URL = "http://127.0.0.1:8400"
SESSION = "session-token-of-ann"
ROLES: tuple[Role, ...] = ("administrator", "developer", "member")

SERVICE = {"link_name": "practice", "name": "Practice", "kind": "custom", "auth_type": "basic"}
CONNECTION = {
    "link_name": "crm",
    "name": "CRM",
    "service": "practice",
    "scopes": [],
    "use_credentials_of_login_user": False,
    "variables": {},
    "policy": {"methods": [], "path_prefixes": [], "credential_export": False, "keep_bodies": False},
    "status": "not_connected",
}
FACTS = {
    "connection": "crm",
    "name": "CRM",
    "service": "practice",
    "service_name": "Practice",
    "user": None,
    "asked_by": "Ann",
    "scopes": [{"name": "contacts.read", "display_name": "Read contacts"}],
    "host": "provider.example",
    "expires_at": "2030-01-01T00:00:00Z",
}


@dataclass
class Proceeding:
    location: str
    cookie_name: str
    browser_secret: str


@dataclass
class Finished:
    link_name: str
    name: str
    connected_as: str
    user: str | None = None


@dataclass
class Calls:
    """What the edge asked for, in order, and the error to raise next (if any)."""

    made: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    fail_with: Exception | None = None
    pause_seconds: float = 0.0

    async def note(self, name: str, *arguments: Any, **options: Any) -> None:
        self.made.append((name, arguments, options))
        if self.pause_seconds:
            await asyncio.sleep(self.pause_seconds)
        if self.fail_with is not None:
            raise self.fail_with

    def last(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return next((arguments, options) for called, arguments, options in reversed(self.made) if called == name)

    def count(self, name: str) -> int:
        return sum(called == name for called, _, _ in self.made)


class _Answers:
    """Methods by name, each with its canned answer; unknown names are errors."""

    def __init__(self, calls: Calls, answers: Mapping[str, Any]) -> None:
        self._calls = calls
        self.answers = dict(answers)

    def __getattr__(self, name: str) -> Any:
        answers = self.__dict__["answers"]
        if name not in answers:
            raise AttributeError(name)

        async def method(*arguments: Any, **options: Any) -> Any:
            await self._calls.note(name, *arguments, **options)
            return answers[name]

        return method


class Protect:
    def __init__(self, keys: Mapping[str, str]) -> None:
        self._roles = {key: role for role, key in keys.items()}
        self.addresses: list[str] = []
        self.sessions = {SESSION: Actor("user", "user:ann", "Ann", "administrator")}

    async def actor_for_key(self, token: str, address: str) -> Actor:
        self.addresses.append(address)
        role = self._roles.get(token)
        if role is None:
            raise NotAuthenticated("This API key is not known, has expired or was revoked.", code="invalid_token")
        return Actor("api_key", f"api_key:{role}", role, role, None, address)  # type: ignore[arg-type]

    async def actor_for_session(self, token: str, address: str) -> Actor:
        self.addresses.append(address)
        if token not in self.sessions:
            raise NotAuthenticated("This session has ended.", code="session_ended")
        return replace(self.sessions[token], address=address)


class Accounts(_Answers):
    def __init__(self, calls: Calls, protect: Protect) -> None:
        user = {"id": "u1", "email": "bob@example.com", "name": "Bob", "role": "member", "disabled": False}
        key = {"id": "k1", "name": "CI", "role": "member", "connections": None, "hint": "abcd"}
        super().__init__(
            calls,
            {
                "users": Page([user]),
                "user": user,
                "create_user": user,
                "update_user": user,
                "delete_user": None,
                "api_keys": Page([key]),
                "api_key": key,
                "create_api_key": {**key, "key": "isk_shown_once"},
                "revoke_api_key": None,
            },
        )
        self._protect = protect
        self.sign_in_error: Exception | None = None
        self.administered = True

    async def sign_in(self, email: str, password: str, visit: Visit) -> tuple[str, Actor]:
        address = visit.address
        await self._calls.note("sign_in", email, password, address)
        if self.sign_in_error is not None:
            raise self.sign_in_error
        if password != "right":
            raise NotAuthenticated("The e-mail address or the password is wrong.", code="sign_in_failed")
        token = f"fresh-session-{len(self._protect.sessions)}"
        actor = Actor("user", "user:ann", "Ann", "administrator", None, address)
        self._protect.sessions[token] = actor
        return token, actor

    async def has_administrator(self) -> bool:
        return self.administered

    async def sign_out(self, session_token: str, address: str = "") -> None:
        await self._calls.note("sign_out", session_token)
        self._protect.sessions.pop(session_token, None)


class Known:
    def mark(self, account: str) -> str:
        return "mark"


class Passkeys:
    available = True

    def sign_in_options(self, browser: str) -> dict[str, Any]:
        return {"challenge": "x", "rpId": "localhost"}

    async def sign_in(self, browser: str, text: str, visit: Visit) -> Any:
        raise NotAuthenticated("The passkey was not accepted.", code="passkey_refused")


class OpenId:
    offered = False
    name = "your organisation"


class Setup:
    """Set-up is over: the stand-in has an administrator."""

    async def check(self, token: str) -> None:
        raise Conflict("There is an administrator already.", code="administrator_exists")

    async def create(self, token: str, document: Mapping[str, Any], visit: Visit) -> tuple[str, Actor]:
        raise Conflict("There is an administrator already.", code="administrator_exists")


@dataclass
class Stored:
    status: int
    body: bytes


@dataclass
class Begun:
    handle: str
    stored: Stored | None = None


class Idempotency:
    def __init__(self) -> None:
        self.known: dict[str, tuple[str, Stored | None]] = {}

    async def begin(self, actor: Actor, route: str, key: str, body: bytes) -> Begun:
        handle = f"{actor.id} {route} {key}"
        request = hashlib.sha256(body).hexdigest()
        if handle not in self.known:
            self.known[handle] = (request, None)
            return Begun(handle)
        before, stored = self.known[handle]
        if before != request:
            raise InputError("Used for another request.", code="idempotency_key_reused", field="Idempotency-Key")
        if stored is None:
            raise Conflict("Still under way.", code="idempotency_in_progress")
        return Begun(handle, stored)

    async def finish(self, handle: str, status: int, body: bytes) -> None:
        self.known[handle] = (self.known[handle][0], Stored(status, body))

    async def abandon(self, handle: str) -> None:
        del self.known[handle]


class Invoker:
    """The third party: answers as told, and keeps what came to it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.answer = Answer(200, (("content-type", "application/json"),), b'{"ok":true}', 1.5, "")
        self.stream_status = 200
        self.stream_headers: Headers = (("content-type", "application/json"), ("content-length", "11"))
        self.chunks: Sequence[bytes] = (b'{"ok":true}',)
        self.break_after: int | None = None
        self.silent_after: int | None = None
        self.endless = False
        self.received: list[bytes] = []
        self.reads_body = True
        self.closed = 0
        self.sent = 0

    async def invoke(self, actor: Actor, link_name: str, call: Call) -> Answer:
        await self._calls.note("invoke", actor, link_name, call)
        return replace(self.answer, request_id=call.request_id)

    async def lease(self, actor: Actor, link_name: str, *, minimum_seconds: int, user: str | None) -> dict[str, Any]:
        await self._calls.note("lease", actor, link_name, minimum_seconds=minimum_seconds, user=user)
        return {"headers": {"Authorization": "Bearer leased"}, "expires_at": None}

    @asynccontextmanager
    async def stream(self, actor: Actor, link_name: str, call: StreamCall) -> AsyncIterator[StreamAnswer]:
        await self._calls.note("stream", actor, link_name, call)
        if link_name == "missing":
            raise NotFound("There is no connection 'missing'.", code="connection_not_found")
        if call.body is not None and self.reads_body:
            async for chunk in call.body:
                self.received.append(chunk)
        try:
            yield StreamAnswer(self.stream_status, self.stream_headers, self._flow())
        finally:
            self.closed += 1

    async def _flow(self) -> AsyncIterator[bytes]:
        number = 0
        while self.endless:
            self.sent += 65536
            yield b"x" * 65536
            await asyncio.sleep(0)
        for number, chunk in enumerate(self.chunks):
            if number == self.break_after:
                raise ConnectionError("the third party hung up")
            yield chunk
            if number == self.silent_after:
                await asyncio.sleep(30)


class StandIn:
    """Stands where `isthmus.app.Isthmus` stands."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(data_dir=Path("unused"), **settings)
        self.keys = {role: draw_key() for role in ROLES}
        self.calls = Calls()
        self.protect = Protect(self.keys)
        self.known = Known()
        self.passkeys = Passkeys()
        self.openid = OpenId()
        self.accounts = Accounts(self.calls, self.protect)
        self.setup = Setup()
        self.invoker = Invoker(self.calls)
        self.idempotency = Idempotency()
        entry = {"id": "1", "at": "2026-01-01T00:00:00Z"}
        self.directory = _Answers(
            self.calls,
            {
                "services": Page([SERVICE], "next"),
                "service": SERVICE,
                "create_service": SERVICE,
                "update_service": SERVICE,
                "delete_service": None,
                "clone_service": {**SERVICE, "link_name": "copy"},
                "connections": Page([CONNECTION]),
                "connection": CONNECTION,
                "create_connection": CONNECTION,
                "update_connection": CONNECTION,
                "delete_connection": None,
                "set_enabled": CONNECTION,
                "authorizations": Page([{**entry, "user": None, "status": "connected"}]),
                "delete_authorization": None,
                "timeline": Page([{**entry, "kind": "issued", "message": "The grant was given."}]),
                "calls": Page([]),
                "activity": Page([]),
                "snippet": {"deluge": "d", "python": "p", "curl": "c", "javascript": "j"},
            },
        )
        self.upkeep = _Answers(
            self.calls, {"test": {"ok": True, "status": 200}, "revoke": CONNECTION, "refresh": CONNECTION}
        )
        self.connect = _Answers(
            self.calls,
            {
                "begin": {"status": "connecting", "authorize_url": f"{PUBLIC_URL}/connect/token"},
                "describe": FACTS,
                "proceed": Proceeding("https://provider.example/authorize?state=s", "isthmus_connect_1", "secret"),
                "finish": Finished("crm", "CRM", "ann@provider.example"),
            },
        )
        self.ready_error: Exception | None = None
        self.life: list[str] = []
        self.lines: list[bytes] = []
        self.writer = LineWriter(self.lines.append)

    async def start(self) -> None:
        self.life.append("start")

    async def stop(self) -> None:
        self.life.append("stop")

    async def ready(self) -> Mapping[str, str]:
        if self.ready_error is not None:
            raise self.ready_error
        return {"database": "ok", "keys": "ok"}

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log lines written so far."""
        self.writer.flush()
        return [json.loads(line) for line in b"".join(self.lines).splitlines()]


@asynccontextmanager
async def running(app: Any, level: str = "info", writer: LineWriter | None = None) -> AsyncIterator[Any]:
    """The ASGI application, started and stopped as a server would; `app` is a StandIn or the real one."""

    async def build() -> Any:
        return app

    asgi = create_asgi(build, logs=Logs(level, writer or app.writer))
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(asgi({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    try:
        yield asgi
    finally:
        await to_app.put({"type": "lifespan.shutdown"})
        assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
        await life


@asynccontextmanager
async def connected_client(app: StandIn, *, address: str = ADDRESS) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as asgi:
        transport = httpx.ASGITransport(app=asgi, client=(address, 4711), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=app.settings.public_url) as client:
            yield client
