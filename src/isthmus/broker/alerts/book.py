"""What an alert becomes when its cause shows again, or is gone. Nothing is sent and nothing is stored here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from isthmus.broker.tokens import fingerprint
from isthmus.records import Alert, Occurrence

QUIET = timedelta(hours=1)
"""The same cause is told at most so often."""

HOLD: Mapping[str, timedelta] = {"refresh_failed": timedelta(minutes=2)}
"""What commonly mends itself is told only if it has not by then."""

FAILURES = frozenset({"failing", "refresh_failed", "needs_person", "run_failed", "run_interrupted"})
RECOVERIES = frozenset({"issued", "reconnected", "recovered", "refreshed", "run_finished"})


def key_of(occurrence: Occurrence) -> str:
    """What makes it one cause: a function's fault at its line; a connection and why it fails."""
    subject = occurrence.function_id or occurrence.connection_id or ""
    return fingerprint("alert", subject, occurrence.code or occurrence.kind, str(occurrence.line))


def failed(alert: Alert | None, occurrence: Occurrence, subject: str) -> Alert:
    """The alert after this failure; `alert` is what there is under its key."""
    hold = HOLD.get(occurrence.kind, timedelta(0))
    now = occurrence.at
    if alert is None:
        return Alert(
            key=key_of(occurrence),
            subject_id=occurrence.function_id or occurrence.connection_id or "",
            subject=subject,
            code=occurrence.code or occurrence.kind,
            opened_at=now,
            last_at=now,
            tell_at=now + hold,
            line=occurrence.line,
            message=occurrence.message,
            hint=occurrence.hint,
            run_id=occurrence.run_id,
        )
    alert = replace(alert, count=alert.count + 1, last_at=now, run_id=occurrence.run_id or alert.run_id)
    if alert.recovered_at is None:
        return alert
    if alert.told_at is not None and alert.recovery_told_at is None:
        return replace(alert, recovered_at=None)  # it failed again before anybody was told that it works
    return replace(
        alert,
        count=1,
        opened_at=now,
        tell_at=max(now + hold, alert.tell_at),
        told_at=None,
        recovered_at=None,
        recovery_told_at=None,
    )


def recovered(alert: Alert, at: datetime) -> Alert:
    """The alert now that it works again."""
    return alert if alert.recovered_at is not None else replace(alert, recovered_at=at, last_at=at)


def told(alert: Alert, at: datetime) -> Alert:
    """The alert after people were told of how it stands."""
    if alert.told_at is None:
        alert = replace(alert, told_at=at, tell_at=at + QUIET)
    return alert if alert.recovered_at is None else replace(alert, recovery_told_at=at)
