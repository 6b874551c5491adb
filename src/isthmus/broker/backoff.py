"""When to try a token endpoint again: full-jitter backoff per grant, and a circuit per endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

CAP_SECONDS = 300.0
TRIP_AFTER = 5


def delay_seconds(failures: int, fraction: float) -> float:
    """Full jitter: uniform below 2^failures seconds, at least half a second, at most five minutes."""
    return max(0.5, fraction * min(CAP_SECONDS, 2.0 ** min(failures, 20)))


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: datetime | None = None


class Circuits:
    """A circuit per token endpoint: after five failures in a row it opens, and one attempt at a time may probe."""

    def __init__(self, *, clock: Callable[[], datetime], fraction: Callable[[], float]) -> None:
        self._clock = clock
        self._fraction = fraction
        self._circuits: dict[str, _Circuit] = {}

    def closed_at(self, endpoint: str) -> datetime | None:
        """None if the endpoint may be called now, otherwise when. Passing an open circuit's time admits one probe."""
        circuit = self._circuits.get(endpoint)
        if circuit is None or circuit.open_until is None:
            return None
        now = self._clock()
        if circuit.open_until > now:
            return circuit.open_until
        circuit.open_until = now + timedelta(seconds=15)
        return None

    def succeeded(self, endpoint: str) -> None:
        self._circuits.pop(endpoint, None)

    def failed(self, endpoint: str) -> None:
        circuit = self._circuits.setdefault(endpoint, _Circuit())
        circuit.failures += 1
        if circuit.failures >= TRIP_AFTER:
            pause = delay_seconds(circuit.failures - TRIP_AFTER + 2, self._fraction())
            circuit.open_until = self._clock() + timedelta(seconds=min(pause, 60.0))
