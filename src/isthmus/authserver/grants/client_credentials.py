"""Client credentials (RFC 6749 §4.4): the client acts on its own account, with the role it was registered with."""

from __future__ import annotations

from typing import Any

from isthmus.authserver.client_types import CLIENT_CREDENTIALS
from isthmus.authserver.grants import Request, issued_journal
from isthmus.authserver.issuing import issue, new_grant
from isthmus.authserver.scopes import narrow, read_scopes


async def give(request: Request) -> dict[str, Any]:
    """The token answer, without a refresh token. Raises OAuthError `invalid_scope`."""
    scopes = narrow(read_scopes(request.parameters.get("scope")), request.client.scopes)
    grant = new_grant(request.client, CLIENT_CREDENTIALS, scopes, request.now)
    issued = issue(request.client, grant, scopes, request.now, key_thumbprint=request.key_thumbprint)
    await request.storage.add_grant(grant, issued.tokens, issued_journal(request, grant, issued))
    return issued.answer
