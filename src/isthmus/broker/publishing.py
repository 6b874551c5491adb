"""For who publishes updates of the catalog: a key pair, and a signed bundle of definition files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from isthmus.broker.views import iso
from isthmus.catalog.bundle import PURPOSE, write_bundle
from isthmus.catalog.files import definition_files, read_documents
from isthmus.catalog.reading import Problem
from isthmus.errors import InputError
from isthmus.protocols.signed import SEED_BYTES, new_key, public_key, sign


def make_key(file: Path) -> str:
    """A new private key in `file`, for its owner alone to read; its public key. Raises InputError where there is one."""
    key = new_key(secrets.token_bytes(SEED_BYTES))
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(key)
    except OSError as problem:
        hint = "Name a file that does not exist, in a directory that does."
        raise InputError(f"The key cannot be written: {problem.strerror}.", field="FILE", hint=hint) from problem
    return public_key(key)


def bundle(paths: Sequence[Path], key_file: Path, *, now: datetime, serial: int | None = None) -> tuple[bytes, int]:
    """The signed bundle of these files and directories, and its serial: the present second where none is given.

    Raises InputError for what is no definition, and for a key that cannot be used.
    """
    files = [file for path in paths for file in (definition_files(path) if path.is_dir() else [path])]
    documents = []
    for file in files:
        for document in read_documents(file):
            if isinstance(document, Problem):
                raise InputError(f"{file}: {document.message}", field=document.field, hint=document.hint)
            documents.append(document)
    chosen = serial or int(now.timestamp())
    content = write_bundle(documents, serial=chosen, published_at=iso(now) or "")
    return sign(content, PURPOSE, _read_key(key_file)), chosen


def public_key_of(key_file: Path) -> str:
    """The public key that goes with a private one. Raises InputError."""
    return public_key(_read_key(key_file))


def _read_key(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        hint = "Make a key with `isthmus catalog key FILE`."
        raise InputError(f"The key cannot be read: {problem.strerror}.", field="--key", hint=hint) from problem
