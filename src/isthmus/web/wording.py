"""Times, sizes and texts as people read them: relative, and exact where they hover."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import orjson

_STEPS = ((60, "minute", 60), (3600, "hour", 24), (86400, "day", 30), (2592000, "month", 12), (31536000, "year", 1000))


def moment_of(at: str | datetime) -> datetime:
    """A stored time as an aware datetime in UTC."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return found.astimezone(UTC)


def ago(at: str | datetime, now: datetime | None = None) -> str:
    """`3 minutes ago`, `in 2 hours`, `just now`."""
    seconds = ((now or datetime.now(UTC)) - moment_of(at)).total_seconds()
    past, seconds = seconds >= 0, abs(seconds)
    if seconds < 45:
        return "just now" if past else "in a moment"
    for unit, word, most in _STEPS:
        count = max(1, int(seconds / unit + 0.5))
        if count < most:
            words = f"{count} {word}{'' if count == 1 else 's'}"
            return f"{words} ago" if past else f"in {words}"
    return exact(at)


def exact(at: str | datetime) -> str:
    """`25 November 2026, 18:21:36 UTC`."""
    found = moment_of(at)
    return f"{found.day} {found:%B %Y, %H:%M:%S} UTC"


def day_of(at: str | datetime, now: datetime | None = None) -> str:
    """`Today`, `Yesterday`, or the date, for the rules of a timeline."""
    day, today = moment_of(at).date(), (now or datetime.now(UTC)).date()
    if day == today:
        return "Today"
    return "Yesterday" if (today - day).days == 1 else f"{day.day} {day:%B %Y}"


def category_words(category: str) -> str:
    """`developer_tools` as `Developer tools`; abbreviations in capitals."""
    words = category.replace("_", " ")
    return words.upper() if words in ("ai", "crm", "hr") else words.capitalize()


def below(url: str, base: str) -> str:
    """A URL without the base that it begins with, as `/me`; whole where it leads elsewhere."""
    rest = url.removeprefix(base) if base else url
    return rest if rest != url and rest.startswith(("/", "?")) else url


def lasting(milliseconds: float) -> str:
    """`42 ms`, `1.3 s`."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def sized(count: int) -> str:
    """`1 byte`, `56 bytes`, `1.2 KB`, `3.4 MB`."""
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def laid_out(text: str) -> str:
    """JSON with a line for each member; any other text as it is."""
    with suppress(ValueError):
        text = orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    return text.replace("\x00", "\ufffd")
