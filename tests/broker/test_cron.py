"""Schedules: what is refused and how it is named, the two changes of the clock, start and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.broker.cron import read_cron
from isthmus.errors import InputError

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "Z")


def times(expression: str, zone: str, after: str, count: int = 5) -> list[str]:
    found = read_cron(expression, zone).next_times(at(after), count)
    assert all(moment.tzinfo == UTC for moment in found)
    return [moment.strftime("%Y-%m-%dT%H:%M") for moment in found]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("", "0 fields"),
        ("* * *", "3 fields"),
        ("* * * * * *", "6 fields"),
        ("@daily", "1 fields"),
        ("61 * * * *", "minute (61)"),
        ("*/0 * * * *", "minute (*/0)"),
        ("-1 * * * *", "minute (-1)"),
        ("* 25 * * *", "hour (25)"),
        ("* 9-5 * * *", "hour (9-5)"),
        ("* * 32 * *", "day of the month (32)"),
        ("* * * 13 *", "month (13)"),
        ("* * * * 9", "day of the week (9)"),
        ("* * * * MON#9", "day of the week (MON#9)"),
        ("* * * * FUNDAY", "day of the week (FUNDAY)"),
        ("0 0 30 2 *", "does not exist"),
        ("0 0 31 4,6,9,11 *", "does not exist"),
        ("0,0," * 60 + "0 * * * *", "fields"),
    ],
)
def test_a_bad_expression_is_refused_by_the_name_of_what_is_wrong(expression: str, names: str) -> None:
    with pytest.raises(InputError) as refused:
        read_cron(expression, "UTC")
    assert names in refused.value.message
    assert (refused.value.code, refused.value.field) == ("cron_malformed", "cron")
    assert "five fields" in refused.value.hint


@pytest.mark.parametrize("zone", ["", "Berlin", "CEST+2", "../etc/passwd", "Europe/Berlin\n", "europe/berlin"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InputError) as refused:
        read_cron("0 0 * * *", zone)
    assert (refused.value.code, refused.value.field) == ("timezone_unknown", "timezone")


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        read_cron("0 0 * * *", "UTC", start_at=at("2026-05-02T00:00"), end_at=at("2026-05-02T00:00"))
    assert refused.value.field == "end_at"


@given(st.text("0123456789*/-,#LW MONFEB", max_size=40), st.sampled_from(["UTC", BERLIN]))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_is_a_schedule_with_a_next_time_or_an_input_error(expression: str, zone: str) -> None:
    try:
        cron = read_cron(expression, zone)
    except InputError:
        return
    after = at("2026-03-28T12:00")
    found = cron.next_times(after, 3)
    assert found
    assert found == sorted(set(found))
    assert found[0] > after


def test_the_next_five_times() -> None:
    assert times("30 8 * * MON-FRI", BERLIN, "2026-11-25T18:00") == [
        "2026-11-26T07:30",
        "2026-11-27T07:30",
        "2026-11-30T07:30",
        "2026-12-01T07:30",
        "2026-12-02T07:30",
    ]


def test_a_due_time_itself_is_not_after_itself() -> None:
    assert times("0 9 * * *", "UTC", "2026-01-01T09:00", 1) == ["2026-01-02T09:00"]


def test_what_falls_into_the_hour_that_is_left_out_runs_once_right_after_it() -> None:
    assert times("30 2 * * *", BERLIN, "2026-03-28T00:00", 4) == [
        "2026-03-28T01:30",
        "2026-03-29T01:00",
        "2026-03-30T00:30",
        "2026-03-31T00:30",
    ]


def test_what_falls_into_the_hour_that_comes_twice_runs_once() -> None:
    expected = ["2026-10-25T00:30", "2026-10-26T01:30"]
    assert times("30 2 * * *", BERLIN, "2026-10-24T01:00", 2) == expected
    assert times("30 2 * * *", BERLIN, "2026-10-25T00:45", 1) == expected[1:]
    assert times("30 2 * * *", BERLIN, "2026-10-25T01:10", 1) == expected[1:], "asked in the second of the two hours"


def test_every_half_hour_goes_on_through_both_changes() -> None:
    for day in ("2026-03-29", "2026-10-25"):
        found = read_cron("*/30 * * * *", BERLIN).next_times(at(f"{day}T00:00"), 8)
        assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


def test_the_time_zone_counts_and_not_the_offset_of_today() -> None:
    assert times("0 9 * * *", "America/New_York", "2026-10-31T00:00", 3) == [
        "2026-10-31T13:00",
        "2026-11-01T14:00",
        "2026-11-02T14:00",
    ]
    assert times("0 0 * * *", "Australia/Lord_Howe", "2026-04-03T20:00", 3) == [
        "2026-04-04T13:00",
        "2026-04-05T13:30",
        "2026-04-06T13:30",
    ]


def test_a_leap_day_is_waited_for() -> None:
    assert times("0 0 29 2 *", "UTC", "2026-03-01T00:00", 2) == ["2028-02-29T00:00", "2032-02-29T00:00"]


def test_start_and_end_frame_the_times_and_both_count() -> None:
    cron = read_cron("0 * * * *", "UTC", start_at=at("2026-05-01T10:00"), end_at=at("2026-05-01T12:00"))
    found = cron.next_times(at("2026-01-01T00:00"))
    assert [moment.hour for moment in found] == [10, 11, 12]
    assert cron.next_after(at("2026-05-01T12:00")) is None
