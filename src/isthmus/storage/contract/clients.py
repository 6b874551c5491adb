"""Clients of our own API, and what was granted to them. See `isthmus.storage.contract` for what holds of every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from isthmus.records import (
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    ClientSecret,
    DeviceAuthorization,
    Grant,
    IssuedToken,
    Page,
    TokenHolder,
)
from isthmus.storage.contract.changes import Journal


class ClientRows(Protocol):
    # --- clients of our own API
    async def client(self, client_id: str) -> Client | None: ...
    async def clients(self, *, limit: int, cursor: str | None = None, created_by: str | None = None) -> Page[Client]:
        """By name."""

    async def add_client(self, client: Client, secret: ClientSecret | None, journal: Journal) -> None: ...
    async def save_client(self, client: Client, journal: Journal) -> None:
        """As save_service. `client_id`, `client_type`, `created_by` and `created_at` never change."""

    async def delete_client(self, client_id: str, journal: Journal) -> bool:
        """With its secrets, grants, tokens and all that it has under way."""

    async def touch_client(self, client_id: str, *, now: datetime) -> None:
        """`last_used_at`, never backwards."""

    async def client_secrets(self, client_id: str) -> Sequence[ClientSecret]:
        """Oldest first, ended ones included."""

    async def rotate_client_secret(
        self, secret: ClientSecret, *, ends: Mapping[str, datetime], journal: Journal
    ) -> None:
        """Add `secret`; the others end at the times that `ends` gives by id, where they do not end sooner."""

    async def delete_client_secret(self, client_id: str, secret_id: str, journal: Journal) -> bool: ...

    # --- requests for consent, codes, devices
    async def add_authorization_request(self, request: AuthorizationRequest) -> None: ...
    async def authorization_request(self, token_hash: str, *, now: datetime) -> AuthorizationRequest | None:
        """None when expired."""

    async def take_authorization_request(self, token_hash: str, *, now: datetime) -> AuthorizationRequest | None:
        """Atomic DELETE ... RETURNING of an unexpired row: exactly one caller gets it."""

    async def add_authorization_code(self, code: AuthorizationCode, journal: Journal) -> None: ...
    async def authorization_code(self, code_hash: str) -> AuthorizationCode | None:
        """Spent and expired ones included, until they are purged."""

    async def redeem_code(
        self, code_hash: str, grant: Grant, issued: Sequence[IssuedToken], *, now: datetime, journal: Journal
    ) -> bool:
        """One transaction: the code is spent, the grant and its tokens are there. False, and nothing written, if it was
        spent before or has expired."""

    async def add_device_authorization(self, device: DeviceAuthorization) -> None: ...
    async def device_authorization(self, device_code_hash: str) -> DeviceAuthorization | None:
        """Expired ones included, until they are purged."""

    async def device_by_user_code(self, user_code_hash: str, *, now: datetime) -> DeviceAuthorization | None: ...
    async def poll_device(
        self, device_code_hash: str, *, last_polled_at: datetime | None, now: datetime, interval_seconds: int
    ) -> bool:
        """Note a poll: WHERE last_polled_at is still that. False if another poll was noted meanwhile."""

    async def decide_device(
        self, user_code_hash: str, *, status: str, user_id: str, now: datetime, journal: Journal
    ) -> bool:
        """`approved` or `denied`, once, by this person. False if it was decided before or has expired."""

    async def redeem_device(
        self, device_code_hash: str, grant: Grant, issued: Sequence[IssuedToken], *, now: datetime, journal: Journal
    ) -> bool:
        """As redeem_code, for an approved device."""

    async def note_proof(self, proof_hash: str, *, expires_at: datetime) -> bool:
        """True for the first one who shows this proof (assertion, DPoP), over all processes."""

    # --- grants and tokens
    async def token_holder(self, token_hash: str) -> TokenHolder | None:
        """The token with its grant, client and person, in one look-up; expired and spent ones included."""

    async def add_grant(self, grant: Grant, issued: Sequence[IssuedToken], journal: Journal) -> None: ...
    async def rotate_token(
        self, spent: IssuedToken, issued: Sequence[IssuedToken], *, successor_hash: str, now: datetime
    ) -> bool:
        """Spend a refresh token and issue what follows it, WHERE its successor is still `spent.successor_hash`. Where
        there was one already, it is taken back with the grant's access tokens, if it is unused. False, and nothing
        written, otherwise."""

    async def add_token(self, token: IssuedToken) -> None: ...
    async def grant(self, grant_id: str) -> Grant | None: ...
    async def grants(
        self,
        *,
        now: datetime,
        limit: int,
        cursor: str | None = None,
        client_id: str | None = None,
        user_id: str | None = None,
    ) -> Page[Grant]:
        """Unexpired ones, newest first."""

    async def revoke_grant(self, grant_id: str, journal: Journal) -> bool:
        """With its tokens."""

    async def revoke_grants(self, journal: Journal, *, client_id: str | None = None, user_id: str | None = None) -> int:
        """Of a client, of a person, or of that person with that client; how many. What they agreed to and was not yet
        fetched, as a code or by a device, goes as well."""

    async def revoke_token(self, token_hash: str, journal: Journal) -> bool:
        """One access token; its grant stays."""

    async def touch_grants(self, used: Mapping[str, datetime]) -> None:
        """Batch of last_used_at by grant id; never backwards."""
