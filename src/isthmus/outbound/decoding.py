"""Content codings of buffered answers, undone piece by piece under a running limit (RFC 9110 section 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from isthmus.errors import OutboundError, ResponseTooLarge, Unreachable
from isthmus.records import Headers

ACCEPTED = "gzip, deflate"
_STEP_BYTES = 64 * 1024
_NESTED = 2
_MEMBERS = 1000
_RATIO = 200
_RATIO_FROM_BYTES = 1 << 20


class Decoder:
    """Undoes the codings an answer names. `feed` each piece, then `finish`; `body` is what came out.

    Raises Unreachable (`encoding_not_understood`) and ResponseTooLarge (`response_too_large`, and
    `suspicious_compression` for more than 200 times the wire bytes beyond 1 MiB).
    """

    def __init__(self, host: str, headers: Headers, limit: int | None) -> None:
        self._host = host
        self._limit = limit
        self._stages = [_Stage(host, coding) for coding in reversed(_codings(host, headers))]
        self._parts: list[bytes] = []
        self._wire = 0
        self._decoded = 0

    @property
    def active(self) -> bool:
        """Whether anything is being undone; if not, pieces pass as they are."""
        return bool(self._stages)

    def feed(self, data: bytes) -> None:
        self._wire += len(data)
        for piece in self._through(data, 0):
            self._decoded += len(piece)
            self._check()
            self._parts.append(piece)

    def finish(self) -> bytes:
        """The whole decoded body; refuses one that was cut off in the middle."""
        if self._wire and not all(stage.complete for stage in self._stages):
            raise _not_understood(self._host, "is cut off or damaged")
        return b"".join(self._parts)

    def _through(self, data: bytes, depth: int) -> Iterator[bytes]:
        if depth == len(self._stages):
            yield data
            return
        for piece in self._stages[depth].decode(data):
            yield from self._through(piece, depth + 1)

    def _check(self) -> None:
        if self._limit is not None and self._decoded > self._limit:
            raise ResponseTooLarge(f"The answer of {self._host} is larger than {self._limit} bytes.")
        if self._stages and self._decoded > max(_RATIO_FROM_BYTES, self._wire * _RATIO):
            raise ResponseTooLarge(
                f"The answer of {self._host} unpacks to more than {_RATIO} times its size.",
                code="suspicious_compression",
                hint="Ask for the answer without compression (Accept-Encoding: identity).",
            )


class _Stage:
    """One coding. gzip may have several members; deflate is zlib, or raw as some servers send it."""

    def __init__(self, host: str, coding: str) -> None:
        self._host = host
        self._gzip = coding == "gzip"
        self._machine = zlib.decompressobj(31) if self._gzip else None
        self._first = b""
        self._members = 1
        self.complete = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Pieces of at most 64 KiB, so that whoever counts can stop in time."""
        if self._machine is None:
            self._first += data
            if len(self._first) < 2:
                return
            self._machine, data = zlib.decompressobj(_deflate_window(self._first)), self._first
        machine = self._machine
        while True:
            if self.complete:
                data = data.lstrip(b"\0")
                if not data:
                    return
                machine = self._next_member()
            try:
                piece = machine.decompress(data, _STEP_BYTES)
            except zlib.error:
                raise _not_understood(self._host, "is damaged") from None
            self.complete = machine.eof
            data = machine.unused_data if machine.eof else machine.unconsumed_tail
            if piece:
                yield piece
            # All input may be taken in while a full step of output was given and more is to come.
            if not data and (self.complete or len(piece) < _STEP_BYTES):
                return

    def _next_member(self) -> zlib._Decompress:
        """What follows the end is another gzip member."""
        self._members += 1
        if not self._gzip or self._members > _MEMBERS:
            raise _not_understood(self._host, "goes on after its end")
        self._machine = zlib.decompressobj(31)
        self.complete = False
        return self._machine


def _deflate_window(first: bytes) -> int:
    """zlib's header (RFC 1950 section 2.2) is told from raw deflate by its check bits."""
    is_zlib = first[0] & 0x0F == 8 and (first[0] << 8 | first[1]) % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _codings(host: str, headers: Headers) -> list[str]:
    named = [part.strip().lower() for name, value in headers if name == "content-encoding" for part in value.split(",")]
    codings = [coding.removeprefix("x-") for coding in named if coding not in ("", "identity")]
    if len(codings) > _NESTED or any(coding not in ("gzip", "deflate") for coding in codings):
        raise _not_understood(host, "is of a kind that was not asked for")
    return codings


def _not_understood(host: str, what: str) -> OutboundError:
    return Unreachable(
        f"The compression of the answer of {host} {what}.",
        code="encoding_not_understood",
        hint="Ask for the answer without compression (Accept-Encoding: identity).",
    )
