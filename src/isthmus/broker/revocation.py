"""Take a grant back at the provider (RFC 7009), as far as the provider offers it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from isthmus.broker.credentials import open_credential
from isthmus.broker.exchange import Exchange
from isthmus.broker.services import Services
from isthmus.broker.steps import Held, Steps
from isthmus.broker.tokens import draw_moment
from isthmus.errors import IsthmusError
from isthmus.protocols.oauth2 import judge_revocation, revocation_request
from isthmus.protocols.steps import judge_step
from isthmus.records import Authorization, Connection, OAuth2Credential
from isthmus.storage.contract import Storage
from isthmus.vault import Vault

_AT_ONCE = 8


class Revoker:
    """Never raises for what the provider does: the outcome is a word for the activity log."""

    def __init__(
        self,
        *,
        storage: Storage,
        services: Services,
        exchange: Exchange,
        steps: Steps,
        vault: Vault,
        clock: Callable[[], datetime],
    ) -> None:
        self._steps = steps
        self._clock = clock
        self._storage = storage
        self._services = services
        self._exchange = exchange
        self._vault = vault

    async def revoke(self, connection: Connection, authorization: Authorization) -> str:
        """`revoked`, `not_offered`, `refused` or `unreachable`."""
        try:
            registered = await self._services.find(connection.service)
            variables = {**connection.variables, **authorization.variables}
            resolved = self._services.resolve(registered, variables, partial=True)
            service = resolved.service
            step = service.revoke_request or (service.login.logout if service.login is not None else None)
            if step is None and (service.auth_type != "oauth2" or not service.revoke_token_url):
                return "not_offered"
            credential = open_credential(self._vault, authorization)
            if step is not None:
                held = Held(credential, credential.values, connection.scopes)
                judge_step(step, await self._steps.send(resolved, step, held))
                return "revoked"
            if not isinstance(credential, OAuth2Credential):
                return "not_offered"
            moment = draw_moment(self._clock())
            if credential.refresh_token:
                request = revocation_request(
                    service, resolved.client, credential.refresh_token, hint="refresh_token", moment=moment
                )
                if not judge_revocation(await self._exchange.send(resolved, request)):
                    return "refused"
            request = revocation_request(
                service, resolved.client, credential.access_token, hint="access_token", moment=moment
            )
            done = judge_revocation(await self._exchange.send(resolved, request))
        except IsthmusError as problem:
            return "unreachable" if not problem.permanent else "refused"
        return "revoked" if done or credential.refresh_token else "refused"

    async def revoke_all(self, connection: Connection) -> dict[str, int]:
        """Every authorization of the connection; how many ended in which way."""
        outcomes: Counter[str] = Counter()
        cursor: str | None = None
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(authorization: Authorization) -> str:
            async with gate:
                return await self.revoke(connection, authorization)

        while True:
            page = await self._storage.authorizations(connection.id, limit=100, cursor=cursor)
            outcomes.update(await asyncio.gather(*(one(row) for row in page.items)))
            cursor = page.next_cursor
            if cursor is None:
                return dict(outcomes)
