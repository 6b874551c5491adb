"""What a run is told at once, without being suspended: the clock, time zones, digests, random bytes, persons.

Each answer is checked against what a stranger may ask: types, sizes, names.
"""

from __future__ import annotations

import codecs
import hashlib
import hmac
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from isthmus.functions.host import Surroundings
from isthmus.functions.sandbox.values import Unfit, text, whole

MAX_EXTRACTED = 16 * 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_CHARSETS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "iso8859-15", "cp1252", "cp1250", "cp1251")
_MORE_CHARSETS = ("ascii", "shift_jis", "euc_jp", "gb18030", "gb2312", "gbk", "big5", "euc_kr", "koi8-r", "iso8859-2")


@cache
def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone; raises Unfit for a name that there is not."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unfit(f"There is no time zone {name[:60]!r}; use an IANA name like Europe/Berlin.") from None


class Answers:
    """Answers the instant questions of one run; `answer` raises Unfit with words for the function's author."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self.zone = zone_named(surroundings.timezone)
        self._known: dict[str, Callable[..., Any]] = {
            "now": self.now,
            "to_epoch": self._to_epoch,
            "from_epoch": self._from_epoch,
            "offset": self._offset,
            "hmac": _hmac,
            "random": self.random,
            "decode": _decode,
            "encode": _encode,
            "compress": _compress,
            "extract": _extract,
            "who": self._who,
        }

    def knows(self, name: object) -> bool:
        """Whether this is an instant question."""
        return name in self._known

    def answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """The answer, in the sandbox's shapes."""
        try:
            return self._known[name](*arguments)
        except (TypeError, OverflowError) as problem:
            raise Unfit(f"{name} was asked wrongly.") from problem

    def instant(self) -> datetime:
        """The clock."""
        return self._surroundings.now()

    def now(self) -> datetime:
        """The clock, as the run's time zone shows it."""
        return self._surroundings.now().astimezone(self.zone).replace(tzinfo=None)

    def random(self, length: object) -> bytes:
        """Random bytes."""
        size = whole(length, "A random value", 0, 4096)
        return self._surroundings.random(size) if self._surroundings.random else os.urandom(size)

    def _zone(self, name: object) -> ZoneInfo:
        return zone_named(text(name, "A time zone", 100)) if name else self.zone

    def _to_epoch(self, wall: Any, zone: Any = "") -> int:
        if not isinstance(wall, datetime):
            raise Unfit("A date-time is needed.")
        return (wall.replace(tzinfo=self._zone(zone)) - _EPOCH) // timedelta(milliseconds=1)

    def _from_epoch(self, milliseconds: Any, zone: Any = "") -> datetime:
        instant = whole(milliseconds, "A date-time", -(1 << 62), 1 << 62)
        try:
            moment = _EPOCH + timedelta(milliseconds=instant)
            return moment.astimezone(self._zone(zone)).replace(tzinfo=None)
        except (OverflowError, ValueError):
            raise Unfit("The date lies outside the years 1 to 9999.") from None

    def _offset(self, wall: Any, zone: Any = "") -> list[Any]:
        """Seconds east of UTC, and the zone's abbreviation."""
        if not isinstance(wall, datetime):
            raise Unfit("A date-time is needed.")
        there = wall.replace(tzinfo=self._zone(zone))
        offset = there.utcoffset() or timedelta()
        return [int(offset.total_seconds()), there.tzname() or ""]

    def _who(self, name: Any) -> str:
        around = self._surroundings
        known = {
            "loginuser": around.person.name,
            "loginuserid": around.person.email,
            "loginuserrole": around.person.role,
            "adminuser": around.administrator.name,
            "adminuserid": around.administrator.email,
            "appname": around.application,
            "appuri": around.application_url,
        }
        return known.get(text(name, "A system variable"), "")


def _hmac(algorithm: Any, key: Any, data: Any) -> bytes:
    if algorithm not in _DIGESTS or not isinstance(key, bytes) or not isinstance(data, bytes):
        raise Unfit(f"A keyed digest is one of {', '.join(_DIGESTS)}.")
    return hmac.digest(key, data, hashlib.new(algorithm, usedforsecurity=False).name)


def _charset(name: Any) -> str:
    try:
        found = codecs.lookup(text(name, "A character set", 40)).name
    except LookupError:
        found = ""
    if found not in _CHARSETS and found not in _MORE_CHARSETS:
        raise Unfit(f"The character set {str(name)[:40]!r} is not known; use UTF-8, ISO-8859-1 or windows-1252.")
    return found


def _decode(content: Any, charset: Any) -> str:
    if not isinstance(content, bytes):
        raise Unfit("Only the content of a file can be decoded.")
    return content.decode(_charset(charset), "replace")


def _encode(content: Any, charset: Any) -> bytes:
    if not isinstance(content, str):
        raise Unfit("Only a text can be encoded.")
    return content.encode(_charset(charset), "replace")


def _compress(files: Any) -> bytes:
    if not isinstance(files, list) or not files or len(files) > 1_000:
        raise Unfit("An archive holds from 1 to 1,000 files.")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in files:
            if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[1], bytes):
                raise Unfit("Only files can be compressed.")
            # A fixed date: the same files make the same archive.
            archive.writestr(zipfile.ZipInfo(text(entry[0], "A file name", 255)), entry[1], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _extract(content: Any) -> list[Any]:
    """[[name, content], ...]; what unpacks to more than the limit is refused by what it really holds, not by what it
    says it holds."""
    if not isinstance(content, bytes):
        raise Unfit("Only a file can be extracted.")
    found: list[Any] = []
    left = MAX_EXTRACTED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist()[:1_001]:
                if entry.is_dir():
                    continue
                with archive.open(entry) as member:
                    data = member.read(left + 1)
                left -= len(data)
                if left < 0 or len(found) >= 1_000:
                    raise Unfit(f"The archive holds more than {MAX_EXTRACTED >> 20} MB or 1,000 files.")
                found.append([entry.filename.rsplit("/", 1)[-1], data])
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        raise Unfit("The file is not an archive that can be extracted.") from None
    return found
