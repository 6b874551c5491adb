"""The clocks of services whose calls are signed: how far each is from ours, learnt from what it answers (RFC 5849 §3.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from isthmus.broker.tokens import draw_nonce
from isthmus.records import HttpRequest, HttpResponse

SKEW_SECONDS = 30
_REFUSALS = frozenset({400, 401, 403})


class Sign(Protocol):
    """Makes the request to send; called again for every attempt, since each needs a fresh nonce."""

    def __call__(self, *, nonce: str, timestamp: int) -> HttpRequest: ...


class Clocks:
    """An offset per service, in the memory of this process."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._offsets: dict[str, int] = {}

    def timestamp(self, service: str) -> int:
        """Seconds since 1970 by the service's clock, as far as it is known."""
        return int(self._clock().timestamp()) + self._offsets.get(service, 0)

    def learn(self, service: str, response: HttpResponse) -> bool:
        """Whether the answer's `Date` shows a difference that was not allowed for yet."""
        try:
            theirs = parsedate_to_datetime(response.header("date") or "")
            offset = round((theirs - self._clock()).total_seconds())
        except (ValueError, TypeError):
            return False
        if abs(offset - self._offsets.get(service, 0)) < SKEW_SECONDS:
            return False
        self._offsets[service] = offset if abs(offset) >= SKEW_SECONDS else 0
        return True

    async def signed(
        self, service: str, sign: Sign, send: Callable[[HttpRequest], Awaitable[HttpResponse]]
    ) -> HttpResponse:
        """The answer to what `sign` makes; asked once more, signed anew, where the first answer is
        a refusal that shows a clock we did not know of."""
        response = await send(sign(nonce=draw_nonce(), timestamp=self.timestamp(service)))
        if response.status in _REFUSALS and self.learn(service, response):
            response = await send(sign(nonce=draw_nonce(), timestamp=self.timestamp(service)))
        return response
