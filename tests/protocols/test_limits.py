"""When an API says *later*, and how long that is."""

from __future__ import annotations

import pytest

from isthmus.protocols.limits import asked_wait
from isthmus.records import HttpResponse, Retry

NOW = 1_700_000_000.0


def answer(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    return HttpResponse(status, tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)


@pytest.mark.parametrize(
    ("retry", "response"),
    [
        (Retry(), answer(200)),
        (Retry(), answer(500)),
        (Retry(remaining_header="x-left"), answer(200, x_left="0")),
        (Retry(remaining_header="x-left"), answer(403, x_left="1")),
        (Retry(code="error", codes=("throttled",)), answer(400, b'{"error": "bad"}')),
        (Retry(pattern="try again"), answer(400, b"never")),
        (Retry(statuses=()), answer(429)),
    ],
)
def test_an_answer_that_asks_for_nothing_is_not_waited_for(retry: Retry, response: HttpResponse) -> None:
    assert asked_wait(retry, response, NOW) is None


@pytest.mark.parametrize(
    ("retry", "response", "seconds"),
    [
        (Retry(seconds_header="X-Wait"), answer(429, x_wait="7"), 7),
        (Retry(seconds_header="X-Wait"), answer(429, x_wait="soon"), 1),
        (Retry(), answer(503), 1),
        (Retry(time_header="x-reset"), answer(429, x_reset="1700000009"), 9),
        (Retry(time_header="x-reset"), answer(429, x_reset="1600000000"), 0),
        (Retry(time_header="x-reset", time_unit="epoch_milliseconds"), answer(429, x_reset="1700000002500"), 2.5),
        (Retry(time_header="x-reset", time_unit="iso8601"), answer(429, x_reset="2023-11-14T22:13:25Z"), 5),
        (Retry(time_header="x-reset", time_unit="http_date"), answer(429, x_reset="Tue, 14 Nov 2023 22:13:30 GMT"), 10),
        (Retry(time_header="x-reset", time_unit="iso8601"), answer(429, x_reset="tomorrow"), 1),
        (Retry(remaining_header="x-left", seconds_header="x-wait"), answer(403, x_left="0", x_wait="3"), 3),
        (Retry(code="error.code", codes=("throttled",)), answer(200, b'{"error": {"code": "throttled"}}'), 1),
        (Retry(pattern=r"again in (\d+) s"), answer(400, b"Try again in 12 s."), 12),
        (Retry(seconds_header="x-wait"), answer(429, x_wait="99999999999999999"), 1),
    ],
)
def test_how_long_is_read_from_where_the_service_says(retry: Retry, response: HttpResponse, seconds: float) -> None:
    assert asked_wait(retry, response, NOW) == pytest.approx(seconds)
