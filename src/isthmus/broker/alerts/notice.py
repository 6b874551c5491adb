"""The words in which alerts are told: one notice for all that there is to tell at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isthmus.records import Alert

CHANGED = "service_changed"
"""The code of an alert that nothing failed for: a default service in use became another."""


def subject_of(alerts: Sequence[Alert]) -> str:
    """One line: what it is about."""
    failing = [alert for alert in alerts if alert.recovered_at is None]
    first = (failing or list(alerts))[0]
    verb = "changed" if first.code == CHANGED else "fails"
    what = f"{first.subject} {verb}" if failing else f"{first.subject} works again"
    more = len(alerts) - 1
    return f"[Isthmus] {what}" + (f", and {more} more" if more else "")


def text_of(alerts: Sequence[Alert], public_url: str) -> str:
    """A paragraph for each."""
    return "\n\n".join(_paragraph(alert) for alert in alerts) + f"\n\n{public_url}\n"


def document_of(alerts: Sequence[Alert], public_url: str) -> dict[str, Any]:
    """The same for a webhook: `text` is what chat tools show."""
    return {
        "text": f"{subject_of(alerts)}\n\n{text_of(alerts, public_url)}".rstrip(),
        "alerts": [_document(alert) for alert in alerts],
    }


def _paragraph(alert: Alert) -> str:
    place = f" at line {alert.line}" if alert.line else ""
    since = f"since {alert.opened_at:%Y-%m-%d %H:%M} UTC"
    lines = []
    if alert.code == CHANGED:
        lines += [f"{alert.subject} changed, {since}.", alert.message, alert.hint]
    elif alert.recovered_at is None:
        times = f", {alert.count} times" if alert.count > 1 else ""
        lines.append(f"{alert.subject} fails{place} ({alert.code}), {since}{times}.")
        lines += [words for words in (alert.message, alert.hint) if words]
    elif alert.told_at is None:
        lines.append(f"{alert.subject} failed{place} ({alert.code}), {since}, and works again.")
    else:
        lines.append(f"{alert.subject} works again; it failed{place} ({alert.code}), {since}.")
    if alert.run_id:
        lines.append(f"Run {alert.run_id}")
    return "\n".join(lines)


def _document(alert: Alert) -> dict[str, Any]:
    return {
        "state": _state(alert),
        "subject": alert.subject,
        "code": alert.code,
        "line": alert.line or None,
        "message": alert.message,
        "hint": alert.hint,
        "count": alert.count,
        "since": alert.opened_at.isoformat(),
        "recovered_at": alert.recovered_at.isoformat() if alert.recovered_at else None,
        "run_id": alert.run_id or None,
    }


def _state(alert: Alert) -> str:
    if alert.recovered_at is not None:
        return "recovered"
    return "changed" if alert.code == CHANGED else "failing"
