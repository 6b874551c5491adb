"""Sealing: AES-256-GCM under a key of its own for each place, so that a value opens there and nowhere else."""

from __future__ import annotations

import secrets
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from isthmus.errors import KeyUnavailable, SealBroken
from isthmus.records import WrappedKey
from isthmus.vault.keys import KEY_BYTES, NONCE_BYTES, KeyProvider

FORMAT = 1
_HEADER = struct.Struct(">BI")
_OVERHEAD = _HEADER.size + NONCE_BYTES + 16
_CACHED_CIPHERS = 4096
_PURPOSE = b"isthmus seal"


class Vault:
    """Seals and opens. Sealed bytes are: format (1), key version (4, big-endian), nonce (12), ciphertext and tag.

    Holds the data keys of all versions; new values are sealed under the newest. Safe to show: its repr tells
    versions only.
    """

    def __init__(self, data_keys: Mapping[int, bytes]) -> None:
        if not data_keys:
            raise KeyUnavailable("The key ring is empty.", hint="Make the first data key.")
        self._data_keys = dict(data_keys)
        self._newest = max(self._data_keys)
        self._watcher: Callable[[str, str, str], None] | None = None
        self._ciphers: OrderedDict[tuple[int, str, str, str], AESGCM] = OrderedDict()

    @classmethod
    def open_ring(cls, provider: KeyProvider, entries: Sequence[WrappedKey]) -> Vault:
        """The vault with all data keys of the ring, unwrapped.

        Raises KeyUnavailable if an entry was wrapped under another key than the provider's, or is damaged; it
        names both key ids. Nothing is written.
        """
        data_keys: dict[int, bytes] = {}
        for entry in entries:
            if entry.key_id != provider.key_id:
                raise KeyUnavailable(
                    f"The data is sealed under the key-encryption key {entry.key_id}; the key given is {provider.key_id}.",
                    hint=f"Give the key with the key id {entry.key_id}; the data has not been touched.",
                    details={"expected_key_id": entry.key_id, "given_key_id": provider.key_id},
                )
            data_keys[entry.version] = provider.unwrap(entry.wrapped, _ring_context(entry.version))
        return cls(data_keys)

    def seal(self, plaintext: bytes, *, table: str, row: str, field: str) -> bytes:
        """`plaintext`, to be kept in this field of this row of this table."""
        version = self._newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = self._cipher(version, table, row, field)
        return (
            _HEADER.pack(FORMAT, version) + nonce + cipher.encrypt(nonce, plaintext, _place(table, row, field, version))
        )

    def open(self, sealed: bytes, *, table: str, row: str, field: str) -> bytes:
        """What was sealed for this place.

        Raises SealBroken if it was changed, cut, sealed for another place, or under a key that the ring lacks.
        """
        if len(sealed) < _OVERHEAD:
            raise self._broken(table, row, field)
        version_of_format, version = _HEADER.unpack_from(sealed)
        if version_of_format != FORMAT or version not in self._data_keys:
            raise self._broken(table, row, field)
        nonce = sealed[_HEADER.size : _HEADER.size + NONCE_BYTES]
        cipher = self._cipher(version, table, row, field)
        try:
            return cipher.decrypt(nonce, sealed[_HEADER.size + NONCE_BYTES :], _place(table, row, field, version))
        except InvalidTag:
            raise self._broken(table, row, field) from None

    def derived(self, purpose: str) -> str:
        """A text of 256 bits that only the holder of the ring can know: the same in every process, and after a restart."""
        return derive(self._data_keys[min(self._data_keys)], b"isthmus text" + _lengths_first(purpose)).hex()

    def watch(self, broken: Callable[[str, str, str], None]) -> None:
        """Have `broken(table, row, field)` called for every value that does not open, before the error is raised."""
        self._watcher = broken

    def _broken(self, table: str, row: str, field: str) -> SealBroken:
        if self._watcher is not None:
            self._watcher(table, row, field)
        return SealBroken(f"The sealed {field} in {table} does not open.")

    def _cipher(self, version: int, table: str, row: str, field: str) -> AESGCM:
        place = (version, table, row, field)
        cipher = self._ciphers.get(place)
        if cipher is None:
            key = derive(self._data_keys[version], _PURPOSE + _lengths_first(table, row, field))
            cipher = self._ciphers[place] = AESGCM(key)
            if len(self._ciphers) > _CACHED_CIPHERS:
                self._ciphers.popitem(last=False)
        else:
            self._ciphers.move_to_end(place)
        return cipher

    def __repr__(self) -> str:
        return f"Vault(key_versions={sorted(self._data_keys)})"


def new_data_key(provider: KeyProvider, version: int, now: datetime) -> WrappedKey:
    """A new random data key, wrapped: the ring's entry for this version, from 1."""
    if not 1 <= version < 1 << 32:
        raise ValueError("a key version is a whole number from 1 that fits four bytes")
    wrapped = provider.wrap(secrets.token_bytes(KEY_BYTES), _ring_context(version))
    return WrappedKey(version, provider.key_id, wrapped, now)


def derive(key: bytes, info: bytes, *, salt: bytes | None = None, length: int = KEY_BYTES) -> bytes:
    """HKDF with SHA-256 (RFC 5869). Data keys are uniformly random, so they need no salt (3.1)."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(key)


def _lengths_first(*parts: str) -> bytes:
    """The parts, each after its length: no two lists of parts give the same bytes."""
    encoded = (part.encode("utf-8", "surrogatepass") for part in parts)
    return b"".join(struct.pack(">I", len(part)) + part for part in encoded)


def _place(table: str, row: str, field: str, version: int) -> bytes:
    return _lengths_first(table, row, field) + struct.pack(">I", version)


def _ring_context(version: int) -> bytes:
    return b"isthmus data key" + struct.pack(">I", version)
