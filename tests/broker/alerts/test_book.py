"""One alert for one cause, and what becomes of it. No clock and no database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from isthmus.broker.alerts.book import QUIET, failed, key_of, recovered, told
from isthmus.records import Alert, Occurrence

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FAILED = Occurrence("o", "run_failed", NOW, function_id="f", run_id="r", code="type_error", line=3)


def later(minutes: int, **changes: object) -> Occurrence:
    return replace(FAILED, at=NOW + minutes * MINUTE, **changes)  # type: ignore[arg-type]


def opened(occurrence: Occurrence = FAILED) -> Alert:
    return failed(None, occurrence, "standalone.f")


def test_the_same_fault_at_the_same_line_is_one_cause_and_any_other_is_another() -> None:
    assert key_of(FAILED) == key_of(later(5, id="p", run_id="s"))
    others = [{"line": 4}, {"code": "limit_time"}, {"function_id": "g"}]
    assert len({key_of(later(0, **changes)) for changes in others} | {key_of(FAILED)}) == 4


def test_a_failure_is_told_at_once_and_the_next_only_counts() -> None:
    alert = opened()
    assert (alert.tell_at, alert.count, alert.told_at) == (NOW, 1, None)
    again = failed(told(alert, NOW), later(1, run_id="s"), "standalone.f")
    assert (again.count, again.told_at, again.run_id) == (2, NOW, "s")


def test_what_commonly_mends_itself_is_given_two_minutes() -> None:
    refresh = Occurrence("o", "refresh_failed", NOW, connection_id="c", code="http_503")
    assert opened(refresh).tell_at == NOW + 2 * MINUTE


def test_a_failure_after_a_recovery_that_nobody_was_told_of_is_the_same_alert() -> None:
    alert = recovered(told(opened(), NOW), NOW + MINUTE)
    assert alert.recovered_at == NOW + MINUTE
    again = failed(alert, later(2), "standalone.f")
    assert (again.recovered_at, again.told_at, again.count) == (None, NOW, 2)


def test_a_cause_that_comes_back_is_told_anew_but_not_within_the_hour() -> None:
    over = told(recovered(told(opened(), NOW), NOW + MINUTE), NOW + MINUTE)
    assert over.recovery_told_at == NOW + MINUTE
    again = failed(over, later(2), "standalone.f")
    assert (again.told_at, again.recovered_at, again.recovery_told_at, again.count) == (None, None, None, 1)
    assert again.opened_at == NOW + 2 * MINUTE
    assert again.tell_at == NOW + QUIET
    assert failed(over, later(90), "standalone.f").tell_at == NOW + 90 * MINUTE


def test_a_second_recovery_changes_nothing() -> None:
    once = recovered(opened(), NOW)
    assert recovered(once, NOW + MINUTE) is once
