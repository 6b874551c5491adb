"""What the catalog is made of here: the product's services, an update's over them, the installation's own over both.

An update is a signed bundle in the data directory. It is verified whenever it is read, replaced as a whole, and never by
an older one; the one before stays beside it. What cannot be read is told, and what was good last stays in use.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from isthmus.catalog.bundle import MOST_BYTES, PURPOSE, Bundle, read_bundle
from isthmus.catalog.catalog import built_in, read_own
from isthmus.catalog.files import stamp
from isthmus.catalog.index import Index
from isthmus.errors import InputError, IsthmusError
from isthmus.protocols.signed import content_of
from isthmus.settings import Settings

PRESENT, BEFORE = "update.bundle", "update.before.bundle"
_HEAD_BYTES = 256


@dataclass(frozen=True, slots=True)
class Layers:
    """What was read, what is wrong with it (nothing: None), and the stamps of the files that it was read from."""

    index: Index
    update: Bundle | None = None
    own: Index | None = None
    problem: IsthmusError | None = None
    stamps: tuple[str, str] = field(default=("", ""), repr=False)


class CatalogFiles:
    """Reads the layers from disk, and puts a new update there. Blocking, and safe to use in several processes."""

    def __init__(self, settings: Settings) -> None:
        self._own = settings.catalog_dir
        self._keys = settings.catalog_keys
        self.place = settings.data_dir / "catalog"

    def read(self, last: Layers | None = None) -> Layers:
        """The layers as they are on disk; where a part cannot be read, that part of `last`, and the problem.

        Without `last` raises InputError for an own directory that cannot be read: whoever starts the server is there
        to mend it."""
        stamps = self.stamps()
        update, problem = self._read_update()
        own = last.own if last else None
        try:
            own = read_own(self._own) if self._own is not None else None
        except InputError as fault:
            if last is None:
                raise
            problem = fault
        if problem is not None and last is not None and _serial(last.update) > _serial(update):
            update = last.update
        parts = [built_in(), *([update.index] if update else []), *([own] if own else [])]
        return Layers(Index.joined(parts) if len(parts) > 1 else parts[0], update, own, problem, stamps)

    def stamps(self) -> tuple[str, str]:
        """Other texts whenever the files of the update or of the own directory are others."""
        own = stamp(self._own) if self._own is not None else ""
        return (stamp(self.place, (".bundle",)) if self._keys else "", own)

    def accept(self, signed: bytes) -> Bundle | None:
        """Keep this update as the one in use; None where it is the one that is there.

        Raises InputError as `verify`, and (`bundle_stale`) for a serial that does not grow. Raises OSError where it
        cannot be written. Nothing on disk has changed then.
        """
        bundle = self.verify(signed)
        with self._alone():
            kept = [found for name in (PRESENT, BEFORE) if (found := self._read_file(name)) is not None]
            present = self._read_bytes(PRESENT)
            newest = max((one.serial for one in kept), default=0)
            if present == signed and bundle.serial >= newest:
                return None
            if bundle.serial <= newest:
                raise InputError(
                    f"The bundle's serial {bundle.serial} is not newer than {newest}, which was taken before.",
                    code="bundle_stale",
                    hint="Nothing was changed. A publisher gives each bundle a higher serial.",
                )
            self._write(signed)
        return bundle

    def verify(self, signed: bytes) -> Bundle:
        """The bundle, if a trusted key signed it. Raises InputError (`signature_missing`, `signature_wrong`,
        `bundle_malformed`)."""
        return read_bundle(content_of(signed, PURPOSE, self._keys))

    def _read_update(self) -> tuple[Bundle | None, IsthmusError | None]:
        problem: IsthmusError | None = None
        for name in (PRESENT, BEFORE):
            signed = self._read_bytes(name) if self._keys else None
            if signed is None:
                continue
            try:
                return self.verify(signed), problem
            except InputError as fault:
                message = f"The update of the catalog on disk cannot be used: {fault.message}"
                problem = problem or InputError(message, code=fault.code, hint="Run `isthmus catalog update`.")
        return None, problem

    def _read_file(self, name: str) -> Bundle | None:
        signed = self._read_bytes(name)
        with suppress(InputError):
            return self.verify(signed) if signed is not None else None
        return None

    def _read_bytes(self, name: str) -> bytes | None:
        """None where there is no such file, or one that is no bundle by its size."""
        try:
            with (self.place / name).open("rb") as file:
                signed = file.read(MOST_BYTES + _HEAD_BYTES + 1)
        except OSError:
            return None
        return signed if len(signed) <= MOST_BYTES + _HEAD_BYTES else b""

    def _write(self, signed: bytes) -> None:
        new, old = self.place / "update.new", self.place / "update.old"
        present = self.place / PRESENT
        with new.open("wb") as file:
            file.write(signed)
            file.flush()
            os.fsync(file.fileno())
        if self._read_file(PRESENT) is not None:
            old.unlink(missing_ok=True)
            os.link(present, old)
            old.replace(self.place / BEFORE)
        new.replace(present)
        directory = os.open(self.place, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process takes an update into this data directory meanwhile."""
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.place / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _serial(update: Bundle | None) -> int:
    return update.serial if update is not None else 0
