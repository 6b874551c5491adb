"""Triggers as the edges use them: list, make, change, remove."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from isthmus.broker.functions.actors import require_lasting
from isthmus.broker.functions.arguments import read_arguments
from isthmus.broker.functions.rights import no_such_function, require_edit, runnable
from isthmus.broker.tokens import draw_id, draw_token
from isthmus.broker.triggers import reading
from isthmus.broker.triggers.hooks import Delivery, Hooks, hash_token, secret_place
from isthmus.errors import InputError, NotFound
from isthmus.functions.host import Argument
from isthmus.records import ActivityEntry, Actor, Function, Page, Trigger
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage
from isthmus.vault import Vault


class Triggers:
    """For those who may edit functions. A trigger's runs have the rights of whoever saved it last."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        vault: Vault,
        hooks: Hooks,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._vault = vault
        self._hooks = hooks
        self._clock = clock

    async def receive(self, token: str, delivery: Delivery) -> dict[str, Any]:
        """See Hooks.receive; whoever has the token needs no other right."""
        return await self._hooks.receive(token, delivery)

    async def list(
        self, actor: Actor, *, function: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[dict[str, Any]]:
        """A page of triggers in the order they were made, of one function where it is named."""
        require_edit(actor)
        function_id = (await self._function(actor, function)).id if function is not None else None
        page = await self._storage.triggers(limit=limit, cursor=cursor, function_id=function_id)
        return Page([await self._document(trigger) for trigger in page.items], page.next_cursor)

    async def read(self, actor: Actor, trigger_id: str) -> dict[str, Any]:
        require_edit(actor)
        return await self._document(await self._find(trigger_id))

    async def create(self, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
        """The new trigger; a webhook's has its URL, which is told this once.

        Raises InputError that names the field, NotFound (`function_not_found`), and AccessDenied (`run_now_only`) for
        an access token whose rights could not be looked up when it fires.
        """
        require_edit(actor)
        require_lasting(actor)
        reading.check_keys(given, reading.CREATED)
        kind = reading.read_kind(given.get("kind"))
        if not isinstance(given.get("function"), str):
            raise InputError("Name the function.", field="function", hint="Give its name, such as standalone.notify.")
        function = await self._function(actor, given["function"])
        now = self._clock()
        token = draw_token() if kind == "webhook" else None
        trigger = Trigger(
            id=draw_id(),
            function_id=function.id,
            kind=kind,
            created_by=actor.id,
            token_hash=hash_token(token) if token else None,
            token_hint=token[-4:] if token else "",
            created_at=now,
            updated_at=now,
        )
        trigger = await self._with(trigger, {kind: {}, **given}, await self._arguments(function))
        details = {"function": function.name, "kind": kind}
        await self._storage.add_trigger(trigger, self._told(actor, "trigger.create", trigger, details))
        document = await self._document(trigger)
        if token is not None:
            document["webhook"]["url"] = f"{self._settings.public_url}/api/v1/hooks/{token}"
        return document

    async def update(self, actor: Actor, trigger_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The trigger with these changes; from now on its runs have this actor's rights."""
        require_edit(actor)
        require_lasting(actor)
        trigger = await self._find(trigger_id)
        for key in ("function", "kind"):
            if key in given:
                raise InputError(f"The {key} cannot be changed later.", field=key, hint="Make another trigger.")
        reading.check_keys(given, reading.CHANGED)
        function = await self._storage.function_by_id(trigger.function_id)
        if function is None:
            raise _no_such_trigger()
        runnable(actor, function, function.name)
        changed = replace(trigger, created_by=actor.id, updated_at=self._clock())
        if given.get("enabled") is True and not trigger.enabled and trigger.kind == "schedule":
            given = {"schedule": {}, **given}  # due from now on, not for what passed meanwhile
        changed = await self._with(changed, given, await self._arguments(function))
        journal = self._told(actor, "trigger.update", trigger, {"fields": sorted(given)})
        await self._storage.save_trigger(changed, journal)
        return await self.read(actor, trigger_id)

    async def delete(self, actor: Actor, trigger_id: str) -> None:
        require_edit(actor)
        trigger = await self._find(trigger_id)
        await self._storage.delete_trigger(trigger.id, self._told(actor, "trigger.delete", trigger, {}))

    async def check(
        self,
        actor: Actor,
        given: Mapping[str, Any],
        *,
        arguments: Sequence[Argument] | None = None,
        links: Collection[str] = (),
        trigger_id: str = "",
    ) -> None:
        """Raise what `create`, or `update` of this trigger, would raise. `arguments` are those that the function is
        about to have, where it is about to be made or changed; `links` connections that are about to be made."""
        require_edit(actor)
        require_lasting(actor)
        kind = reading.read_kind(given.get("kind"))
        if arguments is None:
            arguments = await self._arguments(await self._function(actor, str(given.get("function"))))
        if trigger_id:
            await self._with(await self._find(trigger_id), given, arguments, links)
        else:
            new = Trigger(id="new", function_id="", kind=kind, created_by=actor.id)
            await self._with(new, {kind: {}, **given}, arguments, links)

    async def has_secret(self, trigger_id: str, secret: Any) -> bool:
        """Whether this is the secret that the webhook's sender signs with."""
        trigger = await self._find(trigger_id)
        if trigger.secret_sealed is None or not isinstance(secret, str):
            return False
        kept = self._vault.open(trigger.secret_sealed, **secret_place(trigger.id))
        return hmac.compare_digest(kept, secret.encode("utf-8", "surrogatepass"))

    async def _with(
        self,
        trigger: Trigger,
        given: Mapping[str, Any],
        arguments: Sequence[Argument],
        links: Collection[str] = (),
    ) -> Trigger:
        trigger = reading.with_common(trigger, given, arguments)
        for kind in reading.KINDS:
            if kind not in given:
                continue
            if kind != trigger.kind or not isinstance(given[kind], Mapping):
                raise InputError(
                    f"This trigger is a {trigger.kind}.", field=kind, hint=f"Say what it is under `{trigger.kind}`."
                )
        details = given.get(trigger.kind)
        if details is None:
            return trigger
        if trigger.kind == "schedule":
            return reading.with_schedule(trigger, details, self._clock())
        if trigger.kind == "event":
            return await self._with_event(trigger, details, links)
        trigger, secret = reading.with_webhook(trigger, details)
        if secret is None:
            return trigger
        return replace(trigger, secret_sealed=self._vault.seal(secret.encode(), **secret_place(trigger.id)))

    async def _with_event(self, trigger: Trigger, details: Mapping[str, Any], links: Collection[str]) -> Trigger:
        trigger = reading.with_event(trigger, details)
        if (
            trigger.connection
            and trigger.connection not in links
            and await self._storage.connection(trigger.connection) is None
        ):
            raise InputError(
                f"There is no connection {trigger.connection[:50]!r}.",
                code="connection_not_found",
                field="event.connection",
            )
        return trigger

    async def _arguments(self, function: Function) -> Sequence[Argument]:
        number = function.published_version or function.draft_version
        version = await self._storage.function_version(function.id, number)
        return read_arguments(version.arguments) if version is not None else ()

    async def _function(self, actor: Actor, name: str) -> Function:
        return runnable(actor, await self._storage.function(name), name)

    async def _find(self, trigger_id: str) -> Trigger:
        trigger = await self._storage.trigger(trigger_id)
        if trigger is None:
            raise _no_such_trigger()
        return trigger

    async def _document(self, trigger: Trigger) -> dict[str, Any]:
        function = await self._storage.function_by_id(trigger.function_id)
        if function is None:
            raise no_such_function(trigger.function_id)
        return reading.trigger_document(trigger, function.name, self._clock())

    def _told(self, actor: Actor, action: str, trigger: Trigger, details: Mapping[str, Any]) -> Journal:
        entry = ActivityEntry.by(actor, self._clock(), action, trigger.id, details)
        return Journal(activity=(entry,))


def _no_such_trigger() -> NotFound:
    return NotFound("There is no such trigger.", code="trigger_not_found", field="id")
