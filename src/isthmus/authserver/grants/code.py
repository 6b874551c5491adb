"""The authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6): one redemption; a second one ends what came of the first."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Any

from isthmus.authserver.client_types import CODE
from isthmus.authserver.grants import Request, active_user, invalid_grant, issued_journal, journal
from isthmus.authserver.issuing import issue, new_grant
from isthmus.authserver.keys import AUTHORIZATION_CODE, is_well_formed, secret_hash
from isthmus.errors import OAuthError
from isthmus.records import AuthorizationCode

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


async def redeem(request: Request) -> dict[str, Any]:
    """The token answer. Raises OAuthError `invalid_grant`, `invalid_request`."""
    given = request.parameters.require("code")
    code = None
    if is_well_formed(given, AUTHORIZATION_CODE):
        code = await request.storage.authorization_code(secret_hash(given))
    if code is None or code.client_id != request.client.client_id:
        raise invalid_grant("The code is not known.")
    if code.spent_at is not None:
        await _end(request, code)
    _check(request, code)
    await active_user(request.storage, code.user_id)
    grant = new_grant(
        request.client, CODE, code.scopes, request.now, user_id=code.user_id, description=code.description
    )
    issued = issue(request.client, grant, code.scopes, request.now, key_thumbprint=request.key_thumbprint)
    told = issued_journal(request, grant, issued)
    if not await request.storage.redeem_code(code.code_hash, grant, issued.tokens, now=request.now, journal=told):
        again = await request.storage.authorization_code(code.code_hash)
        await _end(request, again or code)
    return issued.answer


async def _end(request: Request, code: AuthorizationCode) -> None:
    """Somebody showed the code twice: whoever was first may be the thief (RFC 6749 §4.1.2)."""
    if code.grant_id:
        told = journal(request, "token.code_reused", f"user:{code.user_id}", {"grant": code.grant_id}, "alarm")
        await request.storage.revoke_grant(code.grant_id, told)
    raise invalid_grant("The code was used before; what was issued for it is revoked.")


def _check(request: Request, code: AuthorizationCode) -> None:
    if code.expires_at <= request.now:
        raise invalid_grant("The code has expired.")
    if request.parameters.get("redirect_uri") != code.redirect_uri:
        raise invalid_grant("The redirect_uri is not the one of the authorization request.")
    if code.key_thumbprint and code.key_thumbprint != request.key_thumbprint:
        raise invalid_grant("The code is bound to another key.")
    verifier = request.parameters.get("code_verifier")
    if not code.code_challenge:
        if verifier:
            raise invalid_grant("The code was generated without a code_challenge.")
        return
    if not verifier:
        raise OAuthError("The parameter code_verifier is missing.", code="invalid_request")
    if not _VERIFIER.fullmatch(verifier):
        raise invalid_grant("The code_verifier is malformed.")
    made = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    if not hmac.compare_digest(made, code.code_challenge.encode()):
        raise invalid_grant("The code_verifier does not fit the code_challenge.")
