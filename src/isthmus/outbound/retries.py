"""Repeating a call where that is safe: with jitter, within the deadline and within a budget."""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from isthmus.errors import OutboundError
from isthmus.records import Headers, HttpResponse

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_RETRY_STATUSES = frozenset({502, 503, 504})
_RETRY_CODES = frozenset({"connection_refused", "connection_lost", "connect_timed_out"})
_BASE_SECONDS = 0.1
_LONGEST_SECONDS = 5.0
_HOSTS = 4096
_dice = random.SystemRandom()


class RetryBudget:
    """Keeps retries a small share of the calls to each host: a call earns a tenth of a retry, a retry costs one.

    While a third party is down, calls then fail once instead of multiplying.
    """

    def __init__(self, *, capacity: float = 10.0, earned_per_call: float = 0.1) -> None:
        self._capacity = capacity
        self._earned = earned_per_call
        self._tokens: OrderedDict[str, float] = OrderedDict()

    def earn(self, host: str) -> None:
        """Note a call."""
        self._tokens[host] = min(self._capacity, self._tokens.get(host, self._capacity) + self._earned)
        self._tokens.move_to_end(host)
        if len(self._tokens) > _HOSTS:
            self._tokens.popitem(last=False)

    def spend(self, host: str) -> bool:
        """Take one retry, if there is one."""
        left = self._tokens.get(host, self._capacity)
        if left < 1:
            return False
        self._tokens[host] = left - 1
        return True


async def with_retries(
    attempt: Callable[[], Awaitable[HttpResponse]],
    *,
    method: str,
    retries: int,
    deadline: float,
    budget: RetryBudget,
    headers: Headers = (),
    host: str = "",
    asked: Callable[[HttpResponse], float | None] | None = None,
) -> HttpResponse:
    """The answer of `attempt`, repeated at most `retries` times while that is safe; the last answer or error counts.

    Repeated are: an idempotent method (or a request with an Idempotency-Key among `headers`) after a lost or
    refused connection and after 502, 503, 504; any method after 429 or 503 with Retry-After, which says that nothing
    was done; and after an answer that by `asked`, the API's own way to say *later*, wants to be asked in so many
    seconds. No wait goes beyond `deadline` (`time.monotonic`). `attempt` signs anew each time; `host` names the
    share of the budget.
    """
    repeatable = method in _IDEMPOTENT or any(name.lower() == "idempotency-key" for name, _ in headers)
    budget.earn(host)
    for count in range(retries):
        try:
            response = await attempt()
        except OutboundError as problem:
            wait = _backoff(count) if repeatable and problem.code in _RETRY_CODES else None
            if wait is None or not _may_wait(wait, deadline, budget, host):
                raise
        else:
            told = asked(response) if asked is not None else None
            wait = _wait_after(response, count, repeatable=repeatable) if told is None else told + _backoff(0)
            if wait is None or not _may_wait(wait, deadline, budget, host):
                return response
        await asyncio.sleep(wait)
    return await attempt()


def retry_after_seconds(response: HttpResponse) -> float | None:
    """What Retry-After asks for (RFC 9110 section 10.2.3), a date taken relative to the answer's own Date."""
    value = (response.header("retry-after") or "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    until = _read_date(value)
    if until is None:
        return None
    now = _read_date(response.header("date") or "") or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _wait_after(response: HttpResponse, count: int, *, repeatable: bool) -> float | None:
    if response.status in (429, 503):
        asked = retry_after_seconds(response)
        if asked is not None:
            return asked + _backoff(0)
    return _backoff(count) if repeatable and response.status in _RETRY_STATUSES else None


def _backoff(count: int) -> float:
    """Exponential with full jitter."""
    return _dice.uniform(0, min(_LONGEST_SECONDS, _BASE_SECONDS * 2**count))


def _may_wait(wait: float, deadline: float, budget: RetryBudget, host: str) -> bool:
    return time.monotonic() + wait < deadline and budget.spend(host)


def _read_date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
