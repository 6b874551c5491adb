"""Everything the practice party remembers: clients, grants, tokens, dials, what was asked of it."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from isthmus.practice.dials import DIALS as DIALS
from isthmus.practice.dials import check
from isthmus.practice.messages import Request

CLIENT_SECRET = "s3cr+t/=:&% x"
CONSUMER_SECRET = "c0ns+mer/=:&% s"
USERNAME = "ada"
PASSWORD = "pa:ss wörd"
API_KEY = "practice-key-1"
APP_ID = "app-1"
APP_KEY = "practice-key-2"
ACCOUNT_ID = "acct-1"

CLIENTS = {
    "practice-client": "basic",
    "practice-basic-raw": "basic_raw",
    "practice-post": "post",
    "practice-public": "none",
}
"""Client id -> how it must authenticate."""

PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {"id": 1, "login": "ada", "name": "ada", "email": "ada@example.com"},
    "grace": {"id": 2, "login": "grace", "name": "grace", "email": "grace@example.com"},
}


@dataclass(slots=True)
class Family:
    """A grant: all access and refresh tokens that came of one consent."""

    client: str
    account: str
    scopes: list[str]
    dead: bool = False


@dataclass(slots=True)
class RefreshToken:
    family: Family
    used_at: float | None = None
    successor: dict[str, Any] | None = None


@dataclass(slots=True)
class AccessToken:
    family: Family
    ends_at: float | None
    dead: bool = False


@dataclass(slots=True)
class Code:
    family: Family
    redirect_uri: str
    challenge: str | None
    made_at: float
    used: bool = False


@dataclass(slots=True)
class Temporary:
    """OAuth 1.0a temporary credentials, and what became of them."""

    consumer: str
    secret: str
    callback: str
    account: str | None = None
    verifier: str | None = None


@dataclass(slots=True)
class Token1:
    consumer: str
    secret: str
    account: str


@dataclass(slots=True)
class State:
    dials: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(DIALS))
    turned: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a dial is turned; another one stands here from then on."""
    codes: dict[str, Code] = field(default_factory=dict)
    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    temporary: dict[str, Temporary] = field(default_factory=dict)
    tokens1: dict[str, Token1] = field(default_factory=dict)
    nonces: set[tuple[str, str, str]] = field(default_factory=set)
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=5000))
    vendor: list[dict[str, Any]] = field(default_factory=list)
    vendor_log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = ("token_calls", "refresh_calls", "reuse_detected", "families_killed", "api_calls", "unauthorized")
        self.counters = dict.fromkeys(names, 0)

    def now(self) -> float:
        """The practice party's clock, which a dial can set wrong."""
        return time.time() + float(self.dials["clock_skew_seconds"])

    def count(self, name: str) -> None:
        self.counters[name] += 1

    def kill(self, family: Family) -> None:
        """End a grant with all its tokens."""
        if not family.dead:
            family.dead = True
            self.count("families_killed")

    def number(self) -> int:
        """The next identifier; none is given twice."""
        self.made += 1
        return self.made

    def note(
        self,
        request: Request,
        status: int,
        outcome: str,
        *,
        client: str | None = None,
        grant_type: str | None = None,
        credential: str | None = None,
        account: str | None = None,
    ) -> None:
        """Remember a request; the credential by its fingerprint only."""
        self.log.append(
            {
                "at": time.time(),
                "method": request.method,
                "path": request.path,
                "grant_type": grant_type,
                "client": client,
                "credential": fingerprint(credential) if credential else None,
                "status": status,
                "outcome": outcome,
                "account": account,
            }
        )

    def turn(self, changes: dict[str, Any]) -> None:
        """Set dials, and do the one-time actions among them. Raises ValueError, with nothing changed, for a wrong one."""
        problems = [problem for name, value in changes.items() if (problem := check(name, value))]
        if problems:
            raise ValueError("; ".join(problems))
        if changes.get("revoke_all") or changes.get("revoke_access_tokens"):
            for token in self.access.values():
                token.dead = True
        if changes.get("revoke_all"):
            for spent in self.refresh.values():
                spent.family.dead = True
            self.codes.clear()
            self.temporary.clear()
            self.tokens1.clear()
        self.dials.update({name: value for name, value in changes.items() if name in DIALS})
        self.turned.set()
        self.turned = asyncio.Event()


def draw(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(24)}"


def fingerprint(value: str) -> str:
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:8]
