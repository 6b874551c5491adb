"""What a run may know of where it runs: the clock, the time zone, who it acts for; and what it may use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from isthmus.functions.host import Limits, Person, Surroundings
from isthmus.records import Actor, TriggerKind
from isthmus.settings import Settings
from isthmus.storage.contract import Storage


class Scene:
    """The same for every run of an installation, but for the person."""

    def __init__(self, *, settings: Settings, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._storage = storage
        self._clock = clock
        self._administrator = Person(email=settings.admin_email, role="administrator")

    async def surroundings(self, actor: Actor) -> Surroundings:
        return Surroundings(
            now=self._clock,
            timezone=self._settings.function_timezone,
            person=await self._person(actor),
            administrator=self._administrator,
            application_url=self._settings.public_url,
        )

    def limits(self, name: str, trigger: TriggerKind) -> Limits:
        """By what runs the function, and by the first part of its name where a person or program does."""
        settings = self._settings
        by_kind = {
            "button": settings.function_button_seconds,
            "automation": settings.function_automation_seconds,
            "schedule": settings.function_schedule_seconds,
        }
        kind = {"webhook": "automation", "event": "automation", "schedule": "schedule"}.get(trigger, name.split(".")[0])
        return Limits(
            statements=settings.function_statements,
            wall_seconds=by_kind.get(kind, settings.function_rest_seconds),
            active_seconds=settings.function_active_seconds,
            memory_bytes=settings.function_memory_bytes,
            recursion=settings.function_recursion,
            outbound_calls=settings.function_outbound_calls,
            suspensions=settings.function_suspensions,
            sleep_seconds=settings.function_sleep_seconds,
        )

    async def _person(self, actor: Actor) -> Person:
        if actor.kind != "user":
            return Person(actor.name, "", actor.role)
        user = await self._storage.user(actor.id.partition(":")[2])
        return Person(actor.name, user.email if user is not None else "", actor.role)
