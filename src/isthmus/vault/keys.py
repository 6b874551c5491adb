"""Key-encryption keys: where one comes from, and how it wraps the data keys. The key itself stays in here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from isthmus.errors import KeyUnavailable
from isthmus.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12
_TAG_BYTES = 16
_FORMAT = b"\x01"


class KeyProvider(Protocol):
    """Wraps data keys under a key-encryption key that it does not give away.

    Small enough for a key service on the network to implement: it is asked once per data key at start.
    """

    @property
    def key_id(self) -> str:
        """Names the key without telling anything of it; the same key has the same name everywhere."""

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """`plaintext` encrypted under the key and bound to `context`."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What was wrapped. Raises KeyUnavailable if it was wrapped by another key, for another context, or damaged."""


class LocalKey:
    """A key-encryption key in this process's memory: the part that FileKey and EnvironmentKey share."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a key-encryption key has 32 bytes")
        self._cipher = AESGCM(key)
        # A hash with a purpose of its own: 64 bits of it name the key and say nothing about its 256.
        self._key_id = hashlib.sha256(b"isthmus key id\x00" + key).hexdigest()[:16]

    @property
    def key_id(self) -> str:
        return self._key_id

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, plaintext, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        body = wrapped[1:]
        if wrapped[:1] == _FORMAT and len(body) >= NONCE_BYTES + _TAG_BYTES:
            try:
                return self._cipher.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], context)
            except InvalidTag:
                pass
        raise KeyUnavailable(f"A data key does not unwrap under the key-encryption key {self._key_id}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_id={self._key_id!r})"


class EnvironmentKey(LocalKey):
    """The key from `ISTHMUS_MASTER_KEY`: 32 bytes in base64."""

    def __init__(self, encoded: str) -> None:
        key = _decode(encoded)
        if key is None:
            raise KeyUnavailable(
                "ISTHMUS_MASTER_KEY is not a key.",
                hint="It takes 32 random bytes in base64, as `openssl rand -base64 32` prints them.",
            )
        super().__init__(key)


class FileKey(LocalKey):
    """The key from a file that only its owner may read: 32 bytes in base64 on one line."""

    def __init__(self, path: Path) -> None:
        super().__init__(_read(path))

    @classmethod
    def create(cls, path: Path) -> FileKey:
        """The key in a new file; where another process was first, the key that it made.

        The file appears with its whole content or not at all: it is written aside, synced, and then linked to its
        name, which fails where that is taken. A key that is used is thus one that outlives a power cut.
        """
        aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(aside, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            try:
                os.link(aside, path)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
            _sync_directory(path.parent)
        except OSError as problem:
            raise KeyUnavailable(
                f"The key file {path} cannot be made: {problem.strerror}.",
                hint="Set ISTHMUS_DATA_DIR to a directory that the server may write to, or give ISTHMUS_MASTER_KEY.",
            ) from None
        return cls(path)


def key_provider(settings: Settings, *, allow_create: bool, expected: str | None = None) -> KeyProvider:
    """The key that the settings name: `ISTHMUS_MASTER_KEY`, else the file `master.key` in the data directory.

    A missing file is made only with `allow_create`: never give that where the ring has entries, since a new key
    could open none of them. `expected` is the key id that the ring was wrapped with, for the message.
    Raises KeyUnavailable: restore the file, or give the key in the environment.
    """
    if settings.master_key:
        return EnvironmentKey(settings.master_key)
    path = settings.data_dir / "master.key"
    if path.exists():
        return FileKey(path)
    if allow_create:
        return FileKey.create(path)
    which = f" with the key id {expected}" if expected else ""
    raise KeyUnavailable(
        f"There is no key file {path}, but there is data sealed under a key-encryption key{which}.",
        hint="Restore that file (mode 0600) from where you keep it, or give its content as ISTHMUS_MASTER_KEY. "
        "The data has not been touched.",
        details={"key_id": expected} if expected else None,
    )


def _read(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as problem:
        raise KeyUnavailable(f"The key file {path} cannot be read: {problem.strerror}.") from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise KeyUnavailable(f"The key file {path} is not a regular file.")
        if mode & 0o077:
            raise KeyUnavailable(
                f"The key file {path} may be read by others (mode {stat.S_IMODE(mode):04o}).",
                hint=f"Run `chmod 600 {path}`, and consider who may have read it.",
            )
        content = os.read(handle, 1024)
    finally:
        os.close(handle)
    key = _decode(content.decode("ascii", "replace"))
    if key is None:
        raise KeyUnavailable(
            f"The key file {path} does not hold a key.",
            hint="It holds 32 bytes in base64 on one line; restore it from where you keep a copy.",
        )
    return key


def _decode(encoded: str) -> bytes | None:
    try:
        key = base64.b64decode(encoded.strip().encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return key if len(key) == KEY_BYTES else None


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, 0o600)
        file.write(content)
        file.flush()
        os.fsync(handle)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
