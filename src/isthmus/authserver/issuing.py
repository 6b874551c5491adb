"""Draws tokens and says of them what RFC 6749 §5.1 wants said. Only their hashes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from isthmus.authserver.client_types import REFRESH
from isthmus.authserver.keys import ACCESS_TOKEN, REFRESH_TOKEN, draw_id, draw_key, secret_hash
from isthmus.records import Client, Grant, IssuedToken

ACCESS_LIFETIME = timedelta(hours=1)
GRANT_LIFETIME = timedelta(days=180)
"""A grant ends then, whatever is refreshed: the person consents anew."""

IDLE_LIFETIME = timedelta(days=30)
"""A refresh token of a public client that is not used for so long is worthless."""


@dataclass(frozen=True, slots=True)
class Issued:
    """New tokens: what the client is told, and what is stored."""

    answer: dict[str, Any] = field(repr=False)
    tokens: tuple[IssuedToken, ...]

    @property
    def refresh_hash(self) -> str:
        return next((token.token_hash for token in self.tokens if token.kind == "refresh"), "")


def new_grant(
    client: Client, grant_type: str, scopes: Sequence[str], now: datetime, *, user_id: str = "", description: str = ""
) -> Grant:
    """A grant that begins now. One without a person lives as long as its only token."""
    lifetime = GRANT_LIFETIME if user_id else ACCESS_LIFETIME
    return Grant(
        id=draw_id(),
        client_id=client.client_id,
        grant_type=grant_type,
        scopes=tuple(scopes),
        user_id=user_id,
        description=description,
        created_at=now,
        expires_at=now + lifetime,
    )


def issue(
    client: Client,
    grant: Grant,
    scopes: Sequence[str],
    now: datetime,
    *,
    key_thumbprint: str = "",
    refresh: bool = True,
) -> Issued:
    """An access token with these scopes and, where `refresh` and the client may have it, a refresh token of the grant.

    A public client's refresh token is bound to the key as its access token is; a confidential client proves itself.
    """
    ends = grant.expires_at or now
    access_ends = min(now + ACCESS_LIFETIME, ends)
    access = draw_key(ACCESS_TOKEN)
    tokens = [IssuedToken(secret_hash(access), "access", grant.id, tuple(scopes), now, access_ends, key_thumbprint)]
    answer: dict[str, Any] = {
        "access_token": access,
        "token_type": "DPoP" if key_thumbprint else "Bearer",
        "expires_in": int((access_ends - now).total_seconds()),
        "scope": " ".join(scopes),
    }
    if refresh and grant.user_id and REFRESH in client.grant_types:
        public = client.authentication == "none"
        refresh_ends = min(now + IDLE_LIFETIME, ends) if public else ends
        answer["refresh_token"] = draw_key(REFRESH_TOKEN)
        hashed, bound_to = secret_hash(answer["refresh_token"]), key_thumbprint if public else ""
        tokens.append(IssuedToken(hashed, "refresh", grant.id, grant.scopes, now, refresh_ends, bound_to))
    return Issued(answer, tuple(tokens))
