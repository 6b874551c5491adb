"""Passwords: what is acceptable, and their Argon2id hashes, worked out in threads so that the server keeps serving."""

from __future__ import annotations

import asyncio
import base64
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from isthmus.errors import InputError

SHORTEST = 8
LONGEST = 1024


def check_acceptable(password: object) -> str:
    """The password, unmodified. Raises InputError unless it has 8 to 1024 characters; no rule on which."""
    if not isinstance(password, str) or not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            code="password_length",
            field="password",
            hint="Choose a longer phrase; any characters are welcome.",
        )
    return password


class Passwords:
    """Hashes and verifies. At most `at_once` hashes are worked out at the same time: each takes 64 MiB."""

    def __init__(self, *, time_cost: int = 3, memory_kib: int = 65536, parallelism: int = 4, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism, type=Type.ID
        )
        self._room = asyncio.Semaphore(at_once)
        self._nobodys = _hash_of_nothing(time_cost, memory_kib, parallelism)

    async def hash(self, password: str) -> str:
        """The encoded Argon2id hash, parameters included."""
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is right. Takes as long where there is no such person (`stored` is None)."""
        async with self._room:
            matches = await asyncio.to_thread(self._matches, stored or self._nobodys, password)
        return matches and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def _hash_of_nothing(time_cost: int, memory_kib: int, parallelism: int) -> str:
    """A well-formed hash that no password has: verifying against it costs what any verification costs."""
    salt, digest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={memory_kib},t={time_cost},p={parallelism}${salt}${digest}"
