"""The token endpoint and what surrounds it: revocation (RFC 7009), introspection (RFC 7662)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from isthmus.authserver.authentication import Authentication
from isthmus.authserver.client_types import CLIENT_CREDENTIALS, CODE, DEVICE, REFRESH
from isthmus.authserver.grants import Request, client_credentials, code, device, journal, refresh
from isthmus.authserver.keys import ACCESS_TOKEN, REFRESH_TOKEN, is_well_formed, secret_hash
from isthmus.authserver.parameters import Parameters
from isthmus.authserver.proofs import Proofs
from isthmus.authserver.protect import TOUCHED_EVERY, Protect, is_active
from isthmus.errors import OAuthError, StorageError
from isthmus.records import Client, TokenHolder
from isthmus.storage.contract import Storage

GRANTS: dict[str, Callable[[Request], Awaitable[dict[str, Any]]]] = {
    CODE: code.redeem,
    REFRESH: refresh.refresh,
    CLIENT_CREDENTIALS: client_credentials.give,
    DEVICE: device.poll,
}


class TokenEndpoint:
    """Gives, judges and ends tokens for clients that prove themselves."""

    def __init__(
        self,
        *,
        storage: Storage,
        authentication: Authentication,
        proofs: Proofs,
        protect: Protect,
        clock: Callable[[], datetime],
        issuer: str,
    ) -> None:
        self._storage = storage
        self._authentication = authentication
        self._proofs = proofs
        self._protect = protect
        self._clock = clock
        self._issuer = issuer

    async def give(
        self, authorization: str | None, parameters: Parameters, *, proof: str | None = None, address: str = ""
    ) -> dict[str, Any]:
        """The answer of RFC 6749 §5.1. `proof` is the value of the DPoP header.

        Raises OAuthError with the code of RFC 6749 §5.2, RFC 8628 §3.5 or RFC 9449 §5.
        """
        parameters.check()
        client = await self._authentication.client_of(authorization, parameters)
        grant_type = parameters.require("grant_type")
        if grant_type not in GRANTS:
            raise OAuthError("This grant type is not offered.", code="unsupported_grant_type")
        if grant_type not in client.grant_types:
            raise OAuthError("This client may not use this grant type.", code="unauthorized_client")
        self.check_resource(parameters)
        thumbprint = await self._thumbprint(client, proof)
        request = Request(client, parameters, self._storage, self._clock(), address, thumbprint)
        try:
            answer = await GRANTS[grant_type](request)
        except OAuthError:
            self._protect.forget()  # what was shown twice ended its grant
            raise
        if grant_type == REFRESH:
            self._protect.forget()  # a pair that nobody claimed is void
        await self._note_use(client, request.now)
        return answer

    async def revoke(self, authorization: str | None, parameters: Parameters, *, address: str = "") -> None:
        """End a token of this client: a refresh token ends its whole grant. What is not known is ended already."""
        parameters.check()
        client = await self._authentication.client_of(authorization, parameters)
        holder = await self._find(parameters.require("token"))
        if holder is None or holder.grant.client_id != client.client_id:
            return
        request = Request(client, parameters, self._storage, self._clock(), address)
        person = f"user:{holder.grant.user_id}" if holder.grant.user_id else ""
        told = journal(request, "token.revoke", person, {"grant": holder.grant.id, "kind": holder.token.kind})
        if holder.token.kind == "refresh":
            await self._storage.revoke_grant(holder.grant.id, told)
        else:
            await self._storage.revoke_token(holder.token.token_hash, told)
        self._protect.forget()

    async def introspect(self, authorization: str | None, parameters: Parameters) -> dict[str, Any]:
        """`{"active": false}`, or what is known of a token of this client.

        A client with the scope `tokens.introspect` may ask about every token; a public client may not ask at all.
        """
        parameters.check()
        client = await self._authentication.client_of(authorization, parameters)
        if client.authentication == "none":
            raise OAuthError("A client that proves nothing may not introspect.", code="invalid_client")
        holder = await self._find(parameters.require("token"))
        if holder is None or not _may_ask(client, holder) or not is_active(holder, self._clock()):
            return {"active": False}
        return self._describe(holder)

    def check_resource(self, parameters: Parameters) -> None:
        """Raise OAuthError `invalid_target` where a token is wanted for another API than ours (RFC 8707)."""
        if parameters.get("resource").rstrip("/") not in ("", self._issuer):
            raise OAuthError("Tokens are issued for this server's own API only.", code="invalid_target")

    async def _thumbprint(self, client: Client, proof: str | None) -> str:
        if proof is not None:
            return await self._proofs.dpop_thumbprint(proof, method="POST", url=f"{self._issuer}/oauth/v2/token")
        if client.require_dpop:
            raise OAuthError("This client must send a DPoP proof.", code="invalid_dpop_proof")
        return ""

    async def _note_use(self, client: Client, now: datetime) -> None:
        if client.last_used_at is not None and now - client.last_used_at < TOUCHED_EVERY:
            return
        with suppress(StorageError):  # the tokens are given already, and the client must hear of them
            await self._storage.touch_client(client.client_id, now=now)

    async def _find(self, token: str) -> TokenHolder | None:
        if not is_well_formed(token, ACCESS_TOKEN) and not is_well_formed(token, REFRESH_TOKEN):
            return None
        return await self._storage.token_holder(secret_hash(token))

    def _describe(self, holder: TokenHolder) -> dict[str, Any]:
        token, grant = holder.token, holder.grant
        told: dict[str, Any] = {
            "active": True,
            "scope": " ".join(token.scopes),
            "client_id": grant.client_id,
            "sub": f"user:{grant.user_id}" if grant.user_id else f"client:{grant.client_id}",
            "aud": self._issuer,
            "iss": self._issuer,
            "iat": int(token.issued_at.timestamp()),
            "exp": int(token.expires_at.timestamp()),
            "token_type": "DPoP" if token.key_thumbprint else "Bearer",
        }
        if holder.user is not None:
            told["username"] = holder.user.email
        if token.key_thumbprint:
            told["cnf"] = {"jkt": token.key_thumbprint}
        if token.kind == "refresh":
            del told["token_type"]
        return told


def _may_ask(client: Client, holder: TokenHolder) -> bool:
    return holder.grant.client_id == client.client_id or "tokens.introspect" in client.scopes
