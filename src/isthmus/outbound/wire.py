"""One connection and the HTTP/1.1 exchanges on it, one at a time.

Framing is read by llhttp (httptools); this module counts, times and holds back. It knows nothing of names,
policies or pools. A connection that showed anything unexpected is never used again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import cast

import httptools

from isthmus.errors import OutboundError, ResponseTooLarge, TimedOut, Unreachable
from isthmus.outbound.limits import HEAD_BYTES, Limits
from isthmus.outbound.remembered import Remembered

# Reading stops above the first mark and goes on below the second; writing likewise (the transport's own marks).
_HIGH_BYTES = 256 * 1024
_LOW_BYTES = 64 * 1024
_INTERIM_ANSWERS = 8

_names = Remembered[bytes, str](lambda name: name.decode("latin-1").lower())


class Connection(asyncio.Protocol):
    """A connection to one pinned address. `start`, `write`, `head`, `read`, then `finish`; or `abort` at any time."""

    def __init__(self, host: str, address: str) -> None:
        self.host = host
        self.address = address
        self.alive = False
        self.exchanges = 0
        self.idle_since = 0.0
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.head_seen = False
        self.complete = False
        self.received_bytes = 0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._limits: Limits | None = None
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._write_paused = False
        self._read_paused = False
        self._uploading = False
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._last_moved = 0.0

    # --- one exchange

    def start(self, method: str, limits: Limits, deadline: float) -> None:
        """Begin an exchange that must be over by `deadline` (loop time)."""
        self._parser = httptools.HttpResponseParser(self)
        self._limits = limits
        self._bodiless = method == "HEAD"
        self._until_close = False
        self._keep_alive = False
        self._interim = 0
        self._header_bytes = 0
        self._header_count = 0
        self._pieces: list[bytes] = []
        self._buffered = 0
        self.status = 0
        self.headers = []
        self.head_seen = False
        self.complete = False
        self.received_bytes = 0
        self.body_bytes = 0
        self.uploaded_bytes = 0
        self.exchanges += 1
        if not self.alive:
            self._error = _lost(self.host)
        self._deadline = deadline
        self._last_moved = self._loop.time()
        self._watch(limits)

    def write(self, data: bytes) -> None:
        """Send bytes that are already framed."""
        if self._transport is not None and self.alive:
            self._transport.write(data)

    async def upload(self, body: AsyncIterable[bytes], length: int | None) -> None:
        """Send a body as it comes: `length` bytes exactly, or chunked where the length is not known.

        Waits while the other side does not take more. A body that does not keep its length ends the connection.
        """
        self._uploading = True
        left = length
        async for piece in body:
            if not piece:
                continue
            if left is not None:
                left -= len(piece)
                if left < 0:
                    raise _broken_upload(self.host)
            await self._send_piece(piece, chunked=left is None)
            self.uploaded_bytes += len(piece)
            if self.complete or not self.alive:
                return
        if left:
            raise _broken_upload(self.host)
        if left is None:
            self.write(b"0\r\n\r\n")
        self._uploading = False

    async def head(self) -> None:
        """Wait until `status` and `headers` are there. Raises OutboundError."""
        while not self.head_seen:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def read(self) -> bytes | None:
        """The next bytes of the body as they came, None at its end. Raises OutboundError."""
        while True:
            if self._buffered:
                pieces, self._pieces, self._buffered = self._pieces, [], 0
                if self._read_paused and self._transport is not None and self.alive:
                    self._read_paused = False
                    self._last_moved = self._loop.time()
                    self._transport.resume_reading()
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if self._error is not None:
                raise self._error
            if self.complete:
                return None
            await self._wait()

    def finish(self) -> bool:
        """End the exchange; True if the connection is clean and may serve another one, otherwise it is closed."""
        reusable = (
            self.complete
            and self._keep_alive
            and self.alive
            and self._error is None
            and not self._uploading
            and not self._write_paused
        )
        self._parser = None
        self._pieces = []
        self._buffered = 0
        if not reusable:
            self.abort()
        elif self._read_paused and self._transport is not None:
            self._read_paused = False
            self._transport.resume_reading()
        return reusable

    def fail(self, error: BaseException) -> None:
        """End the exchange with an error, which whoever waits for the answer gets."""
        if self._error is None and not self.complete:
            self._error = error
        self._wake()
        self.abort()

    def abort(self) -> None:
        """Close at once, without waiting for anything."""
        self.alive = False
        self._stop_watching()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # --- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.alive = True

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._limits is None or self._error is not None:
            # Nobody asked: an answer to a question not yet put must never meet one.
            self.abort()
            return
        self.received_bytes += len(data)
        self._last_moved = self._loop.time()
        if not self._is_within_limits(self._limits):
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep_alive = False
            if not self.complete:
                self.fail(_not_understood(self.host))

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        self._transport = None
        self._stop_watching()
        if self._parser is not None and not self.complete:
            if self._until_close and exc is None and self._error is None:
                self.complete = True
            elif self._error is None:
                self._error = _lost(self.host)
        self._wake()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # --- what the parser calls

    def on_message_begin(self) -> None:
        if self.complete:
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        self._header_bytes += len(name) + len(value)
        limits = self._limits
        if limits is None or self._header_count > limits.headers or self._header_bytes > HEAD_BYTES:
            self.fail(_too_many_headers(self.host))
        elif not self.head_seen:
            self.headers.append((_names[name], value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self) -> None:
        if self._parser is None or self.head_seen:
            return
        status = self._parser.get_status_code()
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            self.fail(_not_understood(self.host))
            return
        if status < 200:
            self._pass_interim(status)
            return
        self.status = status
        self.head_seen = True
        names = {name for name, _ in self.headers}
        self._until_close = not ({"content-length", "transfer-encoding"} & names)
        if self._bodiless:
            self.complete = True
            self._keep_alive = not self._until_close and self._parser.should_keep_alive()
        self._wake()

    def on_body(self, piece: bytes) -> None:
        if self.complete or self._error is not None:
            self._keep_alive = False
            return
        self._pieces.append(piece)
        self._buffered += len(piece)
        self.body_bytes += len(piece)
        if self._buffered > _HIGH_BYTES and not self._read_paused and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._parser is None or not self.head_seen or self.complete:
            return
        self.complete = True
        self._keep_alive = self._parser.should_keep_alive()
        self._wake()

    # --- inside

    async def _send_piece(self, piece: bytes, *, chunked: bool) -> None:
        self.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else bytes(piece))
        while self._write_paused and self.alive:
            self._drained = self._loop.create_future()
            await self._drained
        self._last_moved = self._loop.time()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _is_within_limits(self, limits: Limits) -> bool:
        if not self.head_seen and self.received_bytes > HEAD_BYTES + _HIGH_BYTES:
            self.fail(_too_many_headers(self.host))
        elif limits.wire_bytes is not None and self.received_bytes > limits.wire_bytes + HEAD_BYTES:
            self.fail(_too_large(self.host, limits.wire_bytes))
        return self._error is None

    def _pass_interim(self, status: int) -> None:
        """An interim answer (RFC 9110 section 15.2) is passed over; switching protocols was not asked for."""
        self._interim += 1
        self.headers = []
        if status == 101 or self._interim > _INTERIM_ANSWERS:
            self.fail(_not_understood(self.host))

    def _watch(self, limits: Limits) -> None:
        """Have a timer run at the first moment at which a limit could have passed. One that runs sooner is left: the
        next exchange finds it, and most exchanges are over before any runs."""
        due = self._deadline
        if limits.idle_seconds is not None:
            due = min(due, self._last_moved + limits.idle_seconds)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        """Whether a limit has passed. The idle time is looked at when it could have, not re-armed with every byte."""
        self._timer = None
        limits = self._limits
        if self._parser is None or limits is None:
            return
        now = self._loop.time()
        if self._read_paused:
            self._last_moved = now
        if self._deadline <= now:
            self.fail(TimedOut(f"The host {self.host} did not answer in full within the time limit.", code="timed_out"))
        elif limits.idle_seconds is not None and self._last_moved + limits.idle_seconds <= now:
            self.fail(TimedOut(f"The host {self.host} was silent for {limits.idle_seconds:g} seconds.", code="idle"))
        else:
            self._watch(limits)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _lost(host: str) -> OutboundError:
    return Unreachable(f"The connection to {host} was lost before the answer was complete.", code="connection_lost")


def _not_understood(host: str) -> OutboundError:
    return Unreachable(f"The host {host} sent something that is not HTTP/1.1.", code="answer_not_understood")


def _too_many_headers(host: str) -> OutboundError:
    return ResponseTooLarge(f"The answer of {host} has too many or too large headers.", code="headers_too_large")


def _too_large(host: str, limit: int) -> OutboundError:
    return ResponseTooLarge(f"The answer of {host} is larger than {limit} bytes.", code="response_too_large")


def _broken_upload(host: str) -> OutboundError:
    return Unreachable(
        f"The request body to {host} did not have the length it was announced with.",
        code="request_body_incomplete",
        hint="Send exactly as many bytes as Content-Length says.",
    )
