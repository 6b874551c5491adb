"""What a caller says of a trigger, checked; and a trigger as a caller sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from isthmus.broker.cron import read_cron
from isthmus.broker.functions.mapping import read_mapping
from isthmus.broker.triggers.dispatch import EVENTS
from isthmus.broker.triggers.schedule import cron_of
from isthmus.errors import InputError
from isthmus.functions.host import Argument
from isthmus.protocols.webhooks import STYLES
from isthmus.records import Trigger

KINDS = ("schedule", "webhook", "event")
SIGNATURES = tuple(STYLES)
"""The styles in which a webhook's sender may sign."""
CREATED = frozenset({"function", "kind", "name", "mapping", "enabled", *KINDS})
CHANGED = CREATED - {"function", "kind"}
_SCHEDULE = frozenset({"cron", "timezone", "start_at", "end_at"})
_WEBHOOK = frozenset({"signature", "secret"})
_EVENT = frozenset({"connection", "events"})
_NAME_CHARACTERS = 200
_SECRET_CHARACTERS = 1000


def check_keys(given: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
    """Raise InputError for a key that is none of these."""
    for key in given:
        if key not in known:
            raise InputError(
                f"Unknown field {key[:100]!r}.", field=f"{where}{key[:100]}", hint=f"Known: {', '.join(sorted(known))}."
            )


def read_kind(value: Any) -> Any:
    if value not in KINDS:
        raise InputError("The kind of trigger is missing or unknown.", field="kind", hint=f"Use {', '.join(KINDS)}.")
    return value


def with_common(trigger: Trigger, given: Mapping[str, Any], arguments: Collection[Argument]) -> Trigger:
    """The trigger with name, mapping and switch as given. Raises InputError that names the field."""
    name, enabled = given.get("name", trigger.name), given.get("enabled", trigger.enabled)
    if not isinstance(name, str) or len(name) > _NAME_CHARACTERS:
        raise InputError(f"The name is a text of at most {_NAME_CHARACTERS} characters.", field="name")
    if not isinstance(enabled, bool):
        raise InputError("Whether it is enabled is true or false.", field="enabled")
    mapping = given.get("mapping", trigger.mapping)
    read_mapping(mapping, frozenset(argument.name for argument in arguments))
    for argument in arguments:
        if argument.required and argument.name not in mapping:
            raise InputError(
                f"The argument {argument.name!r} gets no value.",
                code="argument_missing",
                field=f"mapping.{argument.name}",
                hint='Map it, such as {"email": "${body.email}"}, or give it a default in the function.',
            )
    return replace(trigger, name=name, enabled=enabled, mapping=dict(mapping))


def with_schedule(trigger: Trigger, given: Mapping[str, Any], now: datetime) -> Trigger:
    """The trigger with the schedule as given, due next after now."""
    check_keys(given, _SCHEDULE, "schedule.")
    expression, timezone = given.get("cron", trigger.cron), given.get("timezone", trigger.timezone or "UTC")
    if not isinstance(expression, str) or not expression or not isinstance(timezone, str):
        raise InputError(
            "A schedule has a cron expression.",
            field="schedule.cron",
            hint="Such as `30 8 * * MON-FRI`, with a timezone such as Europe/Berlin.",
        )
    start_at, end_at = (
        _moment(given[name], f"schedule.{name}") if name in given else getattr(trigger, name)
        for name in ("start_at", "end_at")
    )
    try:
        cron = read_cron(expression, timezone, start_at=start_at, end_at=end_at)
    except InputError as problem:
        problem.field = f"schedule.{problem.field}"
        raise
    next_at = cron.next_after(now)
    if next_at is None:
        raise InputError("The schedule is over: there is no next time.", field="schedule.end_at", hint="Move the end.")
    return replace(trigger, cron=cron.expression, timezone=timezone, start_at=start_at, end_at=end_at, next_at=next_at)


def with_webhook(trigger: Trigger, given: Mapping[str, Any]) -> tuple[Trigger, str | None]:
    """The trigger with the signature style as given, and the new secret, if one was given."""
    check_keys(given, _WEBHOOK, "webhook.")
    style, secret = given.get("signature", trigger.signature or "none"), given.get("secret")
    if style not in STYLES:
        raise InputError(
            "The style of signature is unknown.", field="webhook.signature", hint=f"Use {', '.join(STYLES)}."
        )
    if secret is not None and not (isinstance(secret, str) and 1 <= len(secret) <= _SECRET_CHARACTERS):
        raise InputError(
            "The secret is empty or too long.",
            field="webhook.secret",
            hint="Give the secret that the sender signs with.",
        )
    if style != "none" and secret is None and trigger.secret_sealed is None:
        raise InputError(
            "Signatures of this style need the secret that the sender signs with.",
            code="secret_missing",
            field="webhook.secret",
            hint="Copy it from the sender's settings; it is kept sealed.",
        )
    return replace(trigger, signature=style), secret


def with_event(trigger: Trigger, given: Mapping[str, Any]) -> Trigger:
    """The trigger with connection and events as given."""
    check_keys(given, _EVENT, "event.")
    connection, events = given.get("connection", trigger.connection), given.get("events", trigger.events)
    if not isinstance(connection, str):
        raise InputError(
            "The connection is a link name.",
            field="event.connection",
            hint="Leave it out for events of any connection.",
        )
    if not isinstance(events, list | tuple) or not events or any(event not in EVENTS for event in events):
        raise InputError(
            "The events are missing or unknown.", field="event.events", hint=f"A list of {', '.join(EVENTS)}."
        )
    return replace(trigger, connection=connection, events=tuple(dict.fromkeys(events)))


def trigger_document(trigger: Trigger, function: str, now: datetime) -> dict[str, Any]:
    """The trigger as callers see it: no token, no secret."""
    document: dict[str, Any] = {
        "id": trigger.id,
        "function": function,
        "kind": trigger.kind,
        "name": trigger.name,
        "mapping": dict(trigger.mapping),
        "enabled": trigger.enabled,
        "runs_as": trigger.created_by,
    }
    if trigger.kind == "schedule":
        times = cron_of(trigger).next_times(now) if trigger.enabled else []
        document["schedule"] = {
            "cron": trigger.cron,
            "timezone": trigger.timezone,
            "start_at": _text(trigger.start_at),
            "end_at": _text(trigger.end_at),
            "next_times": [moment.isoformat() for moment in times],
        }
    elif trigger.kind == "webhook":
        secret = trigger.secret_sealed is not None
        document["webhook"] = {"signature": trigger.signature, "has_secret": secret, "token_hint": trigger.token_hint}
    else:
        document["event"] = {"connection": trigger.connection or None, "events": list(trigger.events)}
    return document | {
        "last_fired_at": _text(trigger.last_fired_at),
        "last_run_id": trigger.last_run_id or None,
        "created_at": _text(trigger.created_at),
        "updated_at": _text(trigger.updated_at),
    }


def _moment(value: Any, field: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputError(
            "This is not a time.", field=field, hint="Give one with its offset: 2030-01-31T08:00:00+01:00."
        )
    return moment.astimezone(UTC)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
