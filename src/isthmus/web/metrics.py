"""Counters of this process for Prometheus. Counting is plain integers; the format is worked out at the scrape.

No label names a connection, a person or a path, so that the page may be read by whoever scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 40.0)
SURFACES = ("proxy", "api", "page", "operations")


class Metrics(Collector):
    """Requests by surface and status, their durations, and how many are under way."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._requests: dict[tuple[str, int], int] = {}
        self._buckets = {surface: [0] * (len(BOUNDS) + 1) for surface in SURFACES}
        self._seconds = dict.fromkeys(SURFACES, 0.0)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def count(self, surface: str, status: int, seconds: float) -> None:
        """One finished request; `status` 0 stands for an answer that was cut off."""
        key = (surface, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        self._buckets[surface][bisect_left(BOUNDS, seconds)] += 1
        self._seconds[surface] += seconds

    def render(self) -> bytes:
        """The text exposition format, version 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "isthmus_requests", "Requests answered, by surface and status.", labels=("surface", "status")
        )
        for (surface, status), number in sorted(self._requests.items()):
            requests.add_metric((surface, str(status)), number)
        yield requests
        seconds = HistogramMetricFamily(
            "isthmus_request_seconds",
            "From the head of the request to the last byte of the answer.",
            labels=("surface",),
        )
        for surface in SURFACES:
            total, buckets = 0, []
            for bound, number in zip((*map(str, BOUNDS), "+Inf"), self._buckets[surface], strict=True):
                total += number
                buckets.append((bound, total))
            seconds.add_metric((surface,), buckets, self._seconds[surface])
        yield seconds
        yield GaugeMetricFamily("isthmus_requests_in_flight", "Requests under way.", value=self.in_flight)
