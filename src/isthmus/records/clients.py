"""Our own authorization server: clients and what was granted to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from isthmus.records.functions import Role
from isthmus.records.people import User

ClientType = Literal["server_based", "browser", "mobile", "device", "self"]


@dataclass(frozen=True, slots=True)
class Client:
    """A third-party application that uses our API. `role` is what it may do on its own account, by client credentials.

    `authentication` says how it proves itself at the token endpoint; `keys` is its JWK set, public keys only.
    """

    client_id: str
    name: str
    client_type: ClientType
    domain: str = ""
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ()
    authentication: Literal["client_secret", "private_key_jwt", "none"] = "client_secret"
    keys: Mapping[str, Any] | None = None
    role: Role = "member"
    require_pushed_authorization: bool = False
    require_dpop: bool = False
    disabled: bool = False
    version: int = 1
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """`secret_hash` is the SHA-256 of a secret of 256 random bits; `hint` its last four characters."""

    id: str
    client_id: str
    secret_hash: str = field(repr=False)
    hint: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client was given, by a person (`user_id`) or on its own account (""): all tokens of one family.

    Ends at `expires_at` whatever is refreshed; a revoked grant is gone with its tokens.
    """

    id: str
    client_id: str
    grant_type: str
    scopes: tuple[str, ...]
    user_id: str = ""
    description: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token of ours, kept as its SHA-256. `key_thumbprint` binds it to a DPoP key (RFC 9449).

    A refresh token that was spent keeps `spent_at` and the hash of the one that follows it.
    """

    token_hash: str = field(repr=False)
    kind: Literal["access", "refresh"]
    grant_id: str
    scopes: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    key_thumbprint: str = ""
    spent_at: datetime | None = None
    successor_hash: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A token with all that decides whether it may be used now, as one look-up finds it."""

    token: IssuedToken
    grant: Grant
    client: Client
    user: User | None


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code for one redemption within `expires_at`. `code_challenge` and `redirect_uri` are empty for the code that a
    self client generates. Once it was redeemed, `grant_id` is what came of it."""

    code_hash: str = field(repr=False)
    client_id: str
    user_id: str
    scopes: tuple[str, ...]
    expires_at: datetime
    redirect_uri: str = ""
    code_challenge: str = field(default="", repr=False)
    key_thumbprint: str = ""
    description: str = ""
    spent_at: datetime | None = None
    grant_id: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A client's request for consent under way: pushed (`request_uri`), or waiting for a person's decision."""

    token_hash: str = field(repr=False)
    kind: Literal["pushed", "consent"]
    client_id: str
    parameters: Mapping[str, str] = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """A device that waits for a person's decision (RFC 8628). `status`: pending, approved, denied, redeemed."""

    device_code_hash: str = field(repr=False)
    user_code_hash: str = field(repr=False)
    client_id: str
    scopes: tuple[str, ...]
    expires_at: datetime
    interval_seconds: int = 5
    status: str = "pending"
    user_id: str = ""
    last_polled_at: datetime | None = None
