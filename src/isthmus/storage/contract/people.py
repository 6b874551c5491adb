"""People, their keys, sessions and ways to sign in. See `isthmus.storage.contract` for what holds of every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from isthmus.records import ApiKey, Identity, Page, Passkey, Session, User
from isthmus.storage.contract.changes import Journal


class PeopleRows(Protocol):
    # --- people, keys, sessions
    async def user(self, user_id: str) -> User | None: ...
    async def user_by_email(self, email: str) -> User | None:
        """E-mail addresses are kept and compared in lower case."""

    async def users(self, *, limit: int, cursor: str | None = None) -> Page[User]: ...
    async def count_administrators(self) -> int:
        """Not disabled ones."""

    async def add_user(self, user: User, journal: Journal) -> None: ...
    async def save_user(self, user: User, journal: Journal) -> bool: ...
    async def delete_user(self, user_id: str, journal: Journal) -> bool: ...
    async def api_key_by_hash(self, secret_hash: str) -> ApiKey | None: ...
    async def api_key(self, key_id: str) -> ApiKey | None: ...
    async def api_keys(self, *, limit: int, cursor: str | None = None) -> Page[ApiKey]: ...
    async def add_api_key(self, key: ApiKey, journal: Journal) -> None: ...
    async def revoke_api_key(self, key_id: str, *, now: datetime, journal: Journal) -> bool: ...
    async def touch_api_keys(self, used: Mapping[str, datetime]) -> None: ...
    async def add_session(self, session: Session) -> None: ...
    async def session(self, token_hash: str, *, now: datetime) -> Session | None: ...
    async def delete_session(self, token_hash: str) -> bool: ...
    async def sessions_of(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        """Unexpired ones, the one that was seen last first."""

    async def confirm_session(self, token_hash: str, *, now: datetime) -> bool:
        """Set `confirmed_at`; False where the session has ended."""

    async def delete_sessions_of(self, user_id: str, *, but: str = "") -> int:
        """All of a person's but the one with the token hash `but`; how many."""

    # --- passkeys, identities at an OpenID provider
    async def passkey(self, passkey_id: str) -> Passkey | None: ...
    async def passkeys_of(self, user_id: str) -> Sequence[Passkey]:
        """Oldest first."""

    async def add_passkey(self, passkey: Passkey, journal: Journal) -> None:
        """Conflict where the credential is known already, whosever it is."""

    async def use_passkey(self, passkey_id: str, *, seen: int, sign_count: int, synced: bool, now: datetime) -> bool:
        """Note a use: WHERE sign_count is still `seen`. False if another use was noted meanwhile, or it is gone."""

    async def delete_passkey(self, user_id: str, passkey_id: str, journal: Journal) -> bool:
        """False where this person has no such passkey."""

    async def identity(self, issuer: str, subject: str) -> Identity | None: ...
    async def identities_of(self, user_id: str) -> Sequence[Identity]:
        """By issuer."""

    async def add_identity(self, identity: Identity, journal: Journal, *, user: User | None = None) -> None:
        """With a new person where one is given. Conflict where somebody has it already, or the address is taken."""

    async def touch_identity(self, issuer: str, subject: str, *, email: str, now: datetime) -> None:
        """The address it had last, and when it was last used."""

    async def delete_identity(self, user_id: str, issuer: str, subject: str, journal: Journal) -> bool:
        """False where this person has no such identity."""
