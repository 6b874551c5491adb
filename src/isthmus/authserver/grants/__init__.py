"""The grants of the token endpoint, a file each; `Request` is what each of them is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isthmus.authserver.issuing import Issued
from isthmus.authserver.parameters import Parameters
from isthmus.errors import OAuthError
from isthmus.records import ActivityEntry, Client, Grant, User
from isthmus.storage.contract import Journal, Storage


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the token endpoint by a client that proved itself."""

    client: Client
    parameters: Parameters
    storage: Storage
    now: datetime
    address: str = ""
    key_thumbprint: str = ""


def issued_journal(request: Request, grant: Grant, issued: Issued) -> Journal:
    """That a client was given tokens: for whom, and what they allow."""
    details: dict[str, Any] = {
        "client": request.client.name,
        "grant_type": grant.grant_type,
        "scopes": list(grant.scopes),
        "grant": grant.id,
        "tokens": [token.kind for token in issued.tokens],
    }
    return journal(request, "token.issue", f"user:{grant.user_id}" if grant.user_id else "", details)


def journal(request: Request, action: str, person: str, details: dict[str, Any], result: str = "done") -> Journal:
    """One activity entry of this client, for the person where there is one."""
    client = f"client:{request.client.client_id}"
    entry = ActivityEntry(request.now, person or client, action, client, result, request.address, details)
    return Journal(activity=(entry,))


async def active_user(storage: Storage, user_id: str) -> User:
    """The person who gave a grant. Raises OAuthError `invalid_grant` if they are gone or switched off."""
    user = await storage.user(user_id)
    if user is None or user.disabled:
        raise invalid_grant("The person who consented can no longer sign in.")
    return user


def invalid_grant(why: str) -> OAuthError:
    return OAuthError(why, code="invalid_grant")
