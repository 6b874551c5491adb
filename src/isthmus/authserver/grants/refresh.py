"""Refreshing (RFC 6749 §6). A public client's refresh token is good for one use (RFC 9700 §4.14.2); a confidential
client, which proves itself each time, keeps its own.

A client that lost the answer may repeat the request with the spent token for `GRACE`, as long as what followed was not
used: it then gets a new pair, and the lost one is void. Anything else means that two hold the token: the grant ends.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from isthmus.authserver.grants import Request, active_user, invalid_grant, journal
from isthmus.authserver.issuing import issue
from isthmus.authserver.keys import REFRESH_TOKEN, is_well_formed, secret_hash
from isthmus.authserver.scopes import narrow, read_scopes
from isthmus.errors import OAuthError
from isthmus.records import TokenHolder

GRACE = timedelta(seconds=30)
_ATTEMPTS = 3


async def refresh(request: Request) -> dict[str, Any]:
    """The token answer. Raises OAuthError `invalid_grant`, `invalid_scope`."""
    given = request.parameters.require("refresh_token")
    hashed = secret_hash(given) if is_well_formed(given, REFRESH_TOKEN) else ""
    for _ in range(_ATTEMPTS):
        holder = await _holder(request, hashed)
        scopes = narrow(read_scopes(request.parameters.get("scope")), holder.token.scopes)
        rotates = holder.client.authentication == "none"
        issued = issue(
            request.client,
            holder.grant,
            scopes,
            request.now,
            key_thumbprint=request.key_thumbprint,
            refresh=rotates,
        )
        if not rotates:
            await request.storage.add_token(issued.tokens[0])
            return issued.answer
        if holder.token.spent_at is not None and request.now - holder.token.spent_at > GRACE:
            break
        if await request.storage.rotate_token(
            holder.token, issued.tokens, successor_hash=issued.refresh_hash, now=request.now
        ):
            return issued.answer
        if holder.token.spent_at is not None:
            break
    raise await _reused(request, holder)


async def _holder(request: Request, hashed: str) -> TokenHolder:
    holder = await request.storage.token_holder(hashed) if hashed else None
    if holder is None or holder.token.kind != "refresh":
        raise invalid_grant("The refresh token is not known, or was revoked.")
    if holder.grant.client_id != request.client.client_id:
        raise await _reused(request, holder)
    if min(holder.token.expires_at, holder.grant.expires_at or request.now) <= request.now:
        raise invalid_grant("The refresh token has expired.")
    if holder.token.key_thumbprint and holder.token.key_thumbprint != request.key_thumbprint:
        raise invalid_grant("The refresh token is bound to another key.")
    await active_user(request.storage, holder.grant.user_id)
    return holder


async def _reused(request: Request, holder: TokenHolder) -> OAuthError:
    """End the grant: its refresh token is in more than one pair of hands."""
    details = {"grant": holder.grant.id, "issued_to": holder.grant.client_id}
    told = journal(request, "token.refresh_reused", f"user:{holder.grant.user_id}", details, "alarm")
    await request.storage.revoke_grant(holder.grant.id, told)
    return invalid_grant("The refresh token was used before; the grant is revoked.")
