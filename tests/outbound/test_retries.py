"""Retries: only where nothing can be done twice, within the deadline and within the budget."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from isthmus.errors import OutboundError, TimedOut, Unreachable
from isthmus.outbound import RetryBudget, retry_after_seconds, with_retries
from isthmus.records import Headers, HttpResponse

pytestmark = pytest.mark.anyio

SAFE = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]
UNSAFE = ["POST", "PATCH"]


def answer(status: int, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(status, headers, b"")


def lost(code: str) -> OutboundError:
    return Unreachable("lost", code=code) if not code.endswith("timed_out") else TimedOut("late", code=code)


class Attempts:
    """Gives the outcomes one after the other, the last for ever."""

    def __init__(self, *outcomes: HttpResponse | OutboundError) -> None:
        self.outcomes = list(outcomes)
        self.count = 0

    async def __call__(self) -> HttpResponse:
        outcome = self.outcomes[min(self.count, len(self.outcomes) - 1)]
        self.count += 1
        if isinstance(outcome, OutboundError):
            raise outcome
        return outcome


async def run(
    attempts: Attempts,
    method: str = "GET",
    *,
    retries: int = 2,
    seconds: float = 10,
    budget: RetryBudget | None = None,
    headers: Headers = (),
) -> HttpResponse:
    deadline = time.monotonic() + seconds
    budget = budget or RetryBudget()
    return await with_retries(
        attempts, method=method, retries=retries, deadline=deadline, budget=budget, headers=headers
    )


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_what_may_have_been_done_is_not_done_twice(method: str, status: int) -> None:
    attempts = Attempts(answer(status), answer(200))
    assert (await run(attempts, method)).status == status
    assert attempts.count == 1


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("code", ["connection_lost", "connection_refused", "connect_timed_out", "timed_out"])
async def test_an_unsafe_method_is_not_repeated_after_an_error(method: str, code: str) -> None:
    attempts = Attempts(lost(code), answer(200))
    with pytest.raises(OutboundError):
        await run(attempts, method)
    assert attempts.count == 1


@pytest.mark.parametrize("code", ["tls_failed", "name_not_resolved", "timed_out", "idle", "answer_not_understood"])
async def test_what_would_fail_again_is_not_repeated(code: str) -> None:
    attempts = Attempts(lost(code), answer(200))
    with pytest.raises(OutboundError):
        await run(attempts)
    assert attempts.count == 1


@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 429, 500, 501])
async def test_other_answers_are_final(status: int) -> None:
    attempts = Attempts(answer(status), answer(200))
    assert (await run(attempts)).status == status
    assert attempts.count == 1


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize(
    "first",
    [
        answer(502),
        answer(503),
        answer(504),
        lost("connection_lost"),
        lost("connection_refused"),
        lost("connect_timed_out"),
    ],
    ids=str,
)
async def test_a_repeatable_request_is_repeated(method: str, first: HttpResponse | OutboundError) -> None:
    attempts = Attempts(first, answer(200))
    assert (await run(attempts, method)).status == 200
    assert attempts.count == 2


async def test_an_idempotency_key_makes_a_post_repeatable() -> None:
    attempts = Attempts(answer(503), answer(200))
    assert (await run(attempts, "POST", headers=(("idempotency-KEY", "1"),))).status == 200


@pytest.mark.parametrize("method", SAFE + UNSAFE)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_lets_any_method_be_repeated(method: str, status: int) -> None:
    attempts = Attempts(answer(status, ("retry-after", "0")), answer(200))
    assert (await run(attempts, method)).status == 200


async def test_retry_after_is_waited_for() -> None:
    attempts = Attempts(answer(429, ("retry-after", "1")), answer(200))
    started = time.monotonic()
    assert (await run(attempts)).status == 200
    assert 1 <= time.monotonic() - started < 10


async def test_no_wait_goes_beyond_the_deadline() -> None:
    attempts = Attempts(answer(429, ("retry-after", "60")), answer(200))
    started = time.monotonic()
    assert (await run(attempts, seconds=5)).status == 429
    assert time.monotonic() - started < 4
    assert attempts.count == 1


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_the_number_of_retries_is_kept(retries: int) -> None:
    attempts = Attempts(answer(503))
    assert (await run(attempts, retries=retries)).status == 503
    assert attempts.count == retries + 1
    failing = Attempts(lost("connection_refused"))
    with pytest.raises(Unreachable):
        await run(failing, retries=retries)
    assert failing.count == retries + 1


async def test_the_budget_ends_retries_while_a_host_is_down() -> None:
    budget = RetryBudget(capacity=3, earned_per_call=0.1)
    attempts = Attempts(answer(503))
    for _ in range(20):
        await run(attempts, budget=budget, retries=1)
    assert 20 + 3 <= attempts.count <= 20 + 5
    assert budget.spend("another host")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("retry-after", "120"),), 120.0),
        ((("retry-after", " 7 "),), 7.0),
        ((("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")), 30.0),
        ((("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")), 0.0),
        ((("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),), 0.0),
        ((("retry-after", "soon"),), None),
        ((("retry-after", "-5"),), None),
        ((("retry-after", "\u0665"),), None),
        ((("retry-after", ""),), None),
        ((), None),
    ],
)
def test_retry_after_is_read_by_the_providers_clock(headers: Headers, seconds: float | None) -> None:
    assert retry_after_seconds(HttpResponse(429, headers, b"")) == seconds


def test_a_budget_forgets_old_hosts() -> None:
    budget = RetryBudget()
    note: Callable[[str], None] = budget.earn
    for number in range(5000):
        note(f"h{number}")
    assert len(budget._tokens) <= 4096
