"""The first administrator, made in the browser by whoever holds the one-time link that the server prints."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from isthmus.authserver.accounts import Accounts
from isthmus.authserver.refusals import administrator_exists
from isthmus.authserver.sessions import Visit
from isthmus.errors import NotFound
from isthmus.records import Actor


class Setup:
    """The set-up link works until there is an administrator, and never again. `token` is the secret part of it: the
    same in every process of this installation, so that none has to tell the others."""

    def __init__(self, *, accounts: Accounts, public_url: str, token: str) -> None:
        self._accounts = accounts
        self._public_url = public_url
        self._token = token

    async def link(self) -> str | None:
        """The link to print, or None once there is an administrator."""
        if await self._accounts.has_administrator():
            return None
        return f"{self._public_url}/setup/{self._token}"

    async def check(self, token: str) -> None:
        """Raises Conflict (`administrator_exists`) when set-up is over, NotFound (`setup_link_unknown`) for another token."""
        if await self._accounts.has_administrator():
            raise administrator_exists()
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            raise NotFound(
                "This set-up link is not the one that the server printed.",
                code="setup_link_unknown",
                hint="Copy the whole link from the output of `isthmus serve`.",
            )

    async def create(self, token: str, document: Mapping[str, Any], visit: Visit) -> tuple[str, Actor]:
        """Make the administrator and sign in: the session's cookie value and who it is. Raises as `check`, InputError."""
        await self.check(token)
        await self._accounts.create_first_administrator(document, visit.address)
        return await self._accounts.sign_in(str(document["email"]), str(document["password"]), visit)
