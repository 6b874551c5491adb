"""How long and how large one exchange may become."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.settings import Settings

# One head: status line, headers and trailers together.
HEAD_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one exchange; None is no limit.

    `total_seconds` runs from resolving the name to the last byte, `connect_seconds` covers name, connection and
    TLS. `idle_seconds` bounds the silence of a third party while it is being waited for. `wire_bytes` counts the
    body as it comes, framing included. `headers` is a number of headers.
    """

    total_seconds: float
    connect_seconds: float
    wire_bytes: int | None
    decoded_bytes: int | None
    headers: int
    idle_seconds: float | None = None

    @classmethod
    def buffered(cls, settings: Settings) -> Limits:
        """The limits of a buffered call, from the settings."""
        return cls(
            total_seconds=settings.request_seconds,
            connect_seconds=settings.connect_seconds,
            wire_bytes=settings.wire_bytes,
            decoded_bytes=settings.response_bytes,
            headers=settings.response_headers,
        )

    @classmethod
    def streamed(cls, settings: Settings) -> Limits:
        """The limits of a streamed call, from the settings: time only, and the number of headers."""
        return cls(
            total_seconds=settings.stream_seconds,
            connect_seconds=settings.connect_seconds,
            wire_bytes=None,
            decoded_bytes=None,
            headers=settings.response_headers,
            idle_seconds=settings.stream_idle_seconds,
        )
