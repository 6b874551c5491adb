"""Structured logs: one JSON object a line on standard output.

Lines of ordinary calls are collected and written in one go, every 200 ms or 64 KiB and at shutdown: writing costs
more than the line. Warnings and errors are written at once. No line holds a query value, a header or a body; of an
unexpected exception the type and the places are told, not its text, which may quote anything.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson

from isthmus.web.asgi import AnswerCutOff

# It would bring a library that paints terminals, and six MiB with it, where it is there; ours is another form.
_painted = "rich" in sys.modules
if not _painted:
    sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if not _painted:
    del sys.modules["rich"]

FLUSH_SECONDS = 0.2
FLUSH_BYTES = 64 * 1024
PIPE_BYTES = 4096
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NOISY = ("fido2", "granian", "_granian", "asyncio", "aiosqlite", "sqlalchemy", "alembic")


class LineWriter:
    """Collects lines and writes them whole; `write` is any function that takes bytes."""

    def __init__(self, write: Callable[[bytes], object] | None = None) -> None:
        self._write = write or _to_standard_output
        self._lines: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: bytes) -> None:
        """Write soon. `line` has no line break."""
        self._lines.append(line)
        self._size += len(line)
        if self._size >= FLUSH_BYTES:
            self.flush()
        elif self._timer is None:
            try:
                self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
            except RuntimeError:
                self.flush()

    def flush(self) -> None:
        """Write everything now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines, self._size = self._lines, [], 0
        if lines:
            lines.append(b"")
            self._write(b"\n".join(lines))


class Logs:
    """Where the web edge logs to. `info` tells whether ordinary calls are logged at all."""

    def __init__(self, level: str, writer: LineWriter | None = None) -> None:
        self.writer = writer or LineWriter()
        self.level = _LEVELS[level]
        self.info = self.level <= logging.INFO

    def configure(self) -> None:
        """Send structlog's and the standard library's logs the same way."""
        structlog.configure(
            processors=[_add_time, self._to_line],
            wrapper_class=structlog.make_filtering_bound_logger(self.level),
            logger_factory=structlog.ReturnLoggerFactory(),
            cache_logger_on_first_use=False,
        )
        root = logging.getLogger()
        root.handlers = [_StandardHandler(self)]
        root.setLevel(self.level)
        for name in _NOISY:
            noisy = logging.getLogger(name)
            noisy.handlers, noisy.propagate = [], True
            noisy.setLevel(max(self.level, logging.WARNING))

    def call(self, fields: Mapping[str, Any]) -> None:
        """One line about one call; `fields` begins with "at" and "event"."""
        if self.info:
            self.writer.add(orjson.dumps(fields, default=str))

    def event(self, level: str, event: str, **fields: Any) -> None:
        """One line about something that happened. Warnings and errors are on the disk when this returns."""
        number = _LEVELS[level]
        if number < self.level:
            return
        line = {"at": datetime.now(UTC), "level": level, "event": event, **fields}
        self.writer.add(orjson.dumps(line, default=str))
        if number >= logging.WARNING:
            self.writer.flush()

    def unexpected(self, error: BaseException, *, request_id: str, **fields: Any) -> None:
        """An exception that nobody foresaw: its type and where it came from."""
        self.event("error", "unexpected", request_id=request_id, error=_name(error), places=places(error), **fields)

    def _to_line(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
        level = str(event.pop("level", _method))
        self.event(level if level in _LEVELS else "info", str(event.pop("event", "")), **event)
        return ""


def whole_lines(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of whole lines, of at most 4 KiB where a line is not longer than that."""
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + PIPE_BYTES) + 1
        if not end:
            end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def places(error: BaseException) -> list[str]:
    """`file:line function` of each frame, innermost last, at most 20."""
    frames = traceback.extract_tb(error.__traceback__)[-20:]
    return [f"{frame.filename.rsplit('/site-packages/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]


class _StandardHandler(logging.Handler):
    """The standard library's log records as lines of ours. Of other packages only warnings are told, and of those the
    words without the values put into them: many a library logs whole URLs."""

    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], AnswerCutOff):
            return  # raised by us for the server to see; the call's own line tells of it
        ours = record.name.split(".")[0] == "isthmus"
        if not ours and record.levelno < logging.WARNING:
            return
        level = "error" if record.levelno >= logging.ERROR else record.levelname.lower()
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields.update(error=_name(record.exc_info[1]), places=places(record.exc_info[1]))
        text = record.getMessage() if ours else str(record.msg)
        self._logs.event(level if level in _LEVELS else "info", text, **fields)


def _add_time(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.setdefault("level", method)
    return event


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _to_standard_output(data: bytes) -> None:
    """Several processes may share a pipe, which keeps pieces of up to 4 KiB whole: so whole lines, piece by piece."""
    with suppress(OSError, ValueError):  # nobody reads any more; serving goes on
        descriptor = sys.stdout.fileno()
        for piece in whole_lines(data):
            rest = piece
            while rest:
                rest = rest[os.write(descriptor, rest) :]
