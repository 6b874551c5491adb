"""What the routes of triggers take and answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from isthmus.web.api.answers import Told
from isthmus.web.api.requests import Body

Kind = Literal["schedule", "webhook", "event"]
Event = Literal["connected", "failing", "needs_person"]
Style = Literal["none", "github", "slack", "stripe", "shopify"]


class ScheduleIn(Body):
    cron: str | None = Field(None, description="Five fields, such as `30 8 * * MON-FRI`.", max_length=200)
    timezone: str | None = Field(None, description="Such as `Europe/Berlin`; UTC if not given.", max_length=100)
    start_at: str | None = Field(None, description="Not before; ISO 8601 with an offset.", max_length=50)
    end_at: str | None = Field(None, description="Not after; ISO 8601 with an offset.", max_length=50)


class WebhookIn(Body):
    signature: Style | None = Field(None, description="How deliveries are signed; `none` if not given.")
    secret: str | None = Field(None, description="The secret that the sender signs with; write only.", max_length=1000)


class EventIn(Body):
    connection: str | None = Field(None, description="A link name; empty for any connection.", max_length=50)
    events: list[Event] | None = Field(None, description="Which of them start the function.", max_length=10)


class TriggerChanges(Body):
    """What can be set on a trigger; what is not given stays."""

    name: str | None = Field(None, max_length=200)
    mapping: dict[str, Any] | None = Field(
        None,
        description="Argument -> template: `${body.email}` of a webhook (`body`, `headers`, `query`), `${event.name}` and"
        " `${connection.link_name}` of an event, `${schedule.due_at}` of a schedule.",
    )
    enabled: bool | None = None
    schedule: ScheduleIn | None = None
    webhook: WebhookIn | None = None
    event: EventIn | None = None


class TriggerIn(TriggerChanges):
    """A new trigger, with `schedule`, `webhook` or `event` as its kind says."""

    function: str = Field(description="The function that it starts; never changes.", max_length=101)
    kind: Kind


class Schedule(Told):
    cron: str
    timezone: str
    start_at: str | None
    end_at: str | None
    next_times: list[str] = Field(description="When it is due next; empty where it is switched off or over.")


class Webhook(Told):
    signature: Style
    has_secret: bool
    token_hint: str = Field(description="The end of the token in its URL.")


class WebhookWithUrl(Webhook):
    url: str | None = Field(None, description="Told once, when the trigger is made.")


class WatchedEvents(Told):
    connection: str | None = Field(description="null for any connection.")
    events: list[Event]


class Trigger(Told):
    id: str
    function: str
    kind: Kind
    name: str
    mapping: dict[str, Any]
    enabled: bool
    runs_as: str = Field(description="Whoever saved it last: its runs have their rights.")
    schedule: Schedule | None = None
    webhook: Webhook | None = None
    event: WatchedEvents | None = None
    last_fired_at: str | None
    last_run_id: str | None
    created_at: str
    updated_at: str


class NewTrigger(Trigger):
    webhook: WebhookWithUrl | None = None


class Challenged(Told):
    """What Slack asks for before it delivers anything."""

    challenge: str


class Delivered(Told):
    """A delivery whose run is stored."""

    run_id: str
    state: Literal["queued", "failed"] = Field(description="failed: the function cannot take what was delivered.")
