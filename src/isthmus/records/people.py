"""Who acts: people, keys, sessions; and what they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from isthmus.records.functions import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `kind`: user, api_key, system (our own duties and the terminal of the operator).

    `id` is unique over all kinds (`user:...`, `api_key:...`, `client:...`, `system`). `connections` and `functions`
    limit an API key or access token to those link names and function names; None means all. With an access token,
    `client_id` is the client that uses it, whoever it acts for, and `scopes` what it was granted; None means that
    scopes do not limit this actor.
    """

    kind: Literal["user", "api_key", "client", "system"]
    id: str
    name: str
    role: Role
    connections: tuple[str, ...] | None = None
    address: str = ""
    functions: tuple[str, ...] | None = None
    client_id: str = ""
    scopes: tuple[str, ...] | None = None

    @property
    def is_limited(self) -> bool:
        """Whether the actor reaches only some connections or functions."""
        return self.connections is not None or self.functions is not None


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str
    name: str
    role: Role
    password_hash: str | None = field(default=None, repr=False)
    disabled: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`secret_hash` is the SHA-256 of the whole key (256 random bits); `hint` its last four characters."""

    id: str
    name: str
    role: Role
    secret_hash: str = field(repr=False)
    hint: str = ""
    connections: tuple[str, ...] | None = None
    created_by: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    functions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `token_hash` is the SHA-256 of the cookie's value.

    `address` and `browser` tell where it began, `way` how (`password`, `passkey`, `openid`); `confirmed_at` is when the
    person last proved who they are. All are None in a session that an older version began.
    """

    token_hash: str = field(repr=False)
    user_id: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_seen_at: datetime | None = None
    address: str | None = None
    browser: str | None = None
    way: str | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Passkey:
    """A public key of a person's authenticator (WebAuthn). `id` is the credential id in base64url, `credential` the
    attested credential data: nothing of it is a secret. `synced`: it was backed up when it was last used."""

    id: str
    user_id: str
    name: str
    credential: bytes = field(repr=False)
    sign_count: int = 0
    synced: bool = False
    created_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a person is at an OpenID provider: `subject` is unique there and never given to another person."""

    issuer: str
    subject: str
    user_id: str
    email: str
    created_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """Who did what to what, when, from where, and how it ended. `details` never holds a secret."""

    at: datetime
    actor: str
    action: str
    target: str
    result: str
    address: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    @classmethod
    def by(
        cls, actor: Actor, at: datetime, action: str, target: str, details: Mapping[str, Any] | None = None
    ) -> ActivityEntry:
        """What this actor did. Where a client acted for a person, the entry names both."""
        told = dict(details or {})
        if actor.client_id and actor.kind != "client":
            told["client_id"] = actor.client_id
        return cls(at, actor.id, action, target, "done", actor.address, told)


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    """The answer given to a POST under an Idempotency-Key; None `status` while the first is still under way.

    `answer_sealed` is bound to ("idempotency", key_hash, "answer").
    """

    key_hash: str
    request_hash: str
    created_at: datetime
    status: int | None = None
    answer_sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key of the vault, wrapped by the key-encryption key `key_id`."""

    version: int
    key_id: str
    wrapped: bytes = field(repr=False)
    created_at: datetime | None = None
