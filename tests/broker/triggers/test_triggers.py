"""Triggers as they are made, changed and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import NAME, Workshop
from tests.world import ADMIN, World, person

from isthmus.broker.triggers.hooks import Delivery, hash_token
from isthmus.errors import AccessDenied, IsthmusError, NotFound
from isthmus.records import Actor

pytestmark = pytest.mark.anyio

SCHEDULE = {"function": NAME, "kind": "schedule", "schedule": {"cron": "30 8 * * *", "timezone": "Europe/Berlin"}}
WEBHOOK = {"function": NAME, "kind": "webhook", "webhook": {"signature": "github", "secret": "the sender's secret"}}
EVENT = {"function": NAME, "kind": "event", "event": {"events": ["failing"]}}


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({**SCHEDULE, "function": None}, "function"),
        ({**SCHEDULE, "kind": "moon"}, "kind"),
        ({**SCHEDULE, "crom": ""}, "crom"),
        ({**SCHEDULE, "schedule": {}}, "schedule.cron"),
        ({**SCHEDULE, "schedule": {"cron": "61 * * * *"}}, "schedule.cron"),
        ({**SCHEDULE, "schedule": {"cron": "* * * * *", "timezone": "Mars/Base"}}, "schedule.timezone"),
        ({**SCHEDULE, "schedule": {"cron": "* * * * *", "start_at": "2030-01-01T00:00:00"}}, "schedule.start_at"),
        ({**SCHEDULE, "schedule": {"cron": "* * * * *", "end_at": "2001-01-01T00:00:00Z"}}, "schedule.end_at"),
        ({**SCHEDULE, "schedule": {"cron": "* * * * *", "every": "day"}}, "schedule.every"),
        ({**SCHEDULE, "webhook": {}}, "webhook"),
        ({**SCHEDULE, "mapping": {"nam": "x"}}, "mapping.nam"),
        ({**SCHEDULE, "mapping": {"name": "${"}}, "mapping.name"),
        ({**SCHEDULE, "name": "x" * 201}, "name"),
        ({**WEBHOOK, "webhook": {"signature": "moon"}}, "webhook.signature"),
        ({**WEBHOOK, "webhook": {"signature": "slack"}}, "webhook.secret"),
        ({**WEBHOOK, "webhook": {"signature": "slack", "secret": ""}}, "webhook.secret"),
        ({**EVENT, "event": {"events": []}}, "event.events"),
        ({**EVENT, "event": {"events": ["exploded"]}}, "event.events"),
        ({**EVENT, "event": {"events": ["failing"], "connection": "nobody"}}, "event.connection"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(shop: Workshop, document: Any, field: str) -> None:
    await shop.live()
    with pytest.raises(IsthmusError) as refused:
        await shop.world.isthmus.triggers.create(ADMIN, document)
    assert refused.value.field == field
    assert refused.value.hint
    assert (await shop.world.isthmus.triggers.list(ADMIN)).items == []


async def test_an_argument_without_value_is_refused_when_it_is_attached(shop: Workshop) -> None:
    await shop.live("def main(name: str):\n    return name\n")
    with pytest.raises(IsthmusError) as refused:
        await shop.world.isthmus.triggers.create(ADMIN, SCHEDULE)
    assert (refused.value.code, refused.value.field) == ("argument_missing", "mapping.name")


@pytest.mark.parametrize(
    "actor",
    [person("mo"), Actor("key", "key:1", "k", "developer", connections=frozenset({"crm"}))],
    ids=["member", "limited key"],
)
async def test_only_who_may_edit_functions_has_to_do_with_triggers(shop: Workshop, actor: Actor) -> None:
    await shop.live()
    triggers = shop.world.isthmus.triggers
    made = await triggers.create(ADMIN, SCHEDULE)
    for asked in (
        triggers.create(actor, SCHEDULE),
        triggers.list(actor),
        triggers.read(actor, made["id"]),
        triggers.update(actor, made["id"], {"enabled": False}),
        triggers.delete(actor, made["id"]),
    ):
        with pytest.raises(AccessDenied):
            await asked


async def test_rights_that_end_with_their_token_make_no_trigger(shop: Workshop) -> None:
    """When it fires there would be nothing to look them up by, or they would be more than they were."""
    await shop.live()
    triggers = shop.world.isthmus.triggers
    made = await triggers.create(ADMIN, SCHEDULE)
    client = Actor("client", "client:1", "another program", "administrator")
    for asked in (triggers.create(client, SCHEDULE), triggers.update(client, made["id"], {"enabled": False})):
        with pytest.raises(AccessDenied) as refused:
            await asked
        assert refused.value.code == "run_now_only"
    assert (await triggers.read(ADMIN, made["id"]))["runs_as"] == ADMIN.id


async def test_what_is_not_there_is_told(shop: Workshop) -> None:
    triggers = shop.world.isthmus.triggers
    with pytest.raises(NotFound, match="no function"):
        await triggers.create(ADMIN, SCHEDULE)
    for asked in (triggers.read(ADMIN, "x"), triggers.update(ADMIN, "x", {}), triggers.delete(ADMIN, "x")):
        with pytest.raises(NotFound) as refused:
            await asked
        assert refused.value.code == "trigger_not_found"


async def test_a_webhooks_url_is_told_once_and_neither_it_nor_the_secret_is_stored_in_the_clear(
    shop: Workshop, tmp_path: Path
) -> None:
    await shop.live()
    triggers, storage = shop.world.isthmus.triggers, shop.world.isthmus._storage
    made = await triggers.create(ADMIN, WEBHOOK)
    token = made["webhook"]["url"].rsplit("/", 1)[1]
    assert len(token) >= 43, "256 bits"
    shown = await triggers.read(ADMIN, made["id"])
    assert shown["webhook"] == {"signature": "github", "has_secret": True, "token_hint": token[-4:]}
    stored = await storage.trigger(made["id"])
    assert stored is not None
    assert stored.token_hash == hash_token(token)
    written = everything_in(tmp_path)
    assert stored.id.encode() in written
    assert token.encode() not in written
    assert b"the sender's secret" not in written


async def test_kind_and_function_never_change_and_the_rest_does(shop: Workshop) -> None:
    await shop.live()
    triggers = shop.world.isthmus.triggers
    made = await triggers.create(ADMIN, SCHEDULE)
    for key, value in (("kind", "webhook"), ("function", "standalone.other")):
        with pytest.raises(IsthmusError) as refused:
            await triggers.update(ADMIN, made["id"], {key: value})
        assert refused.value.field == key
    changes = {"name": "morning", "mapping": {"name": "Ann"}, "schedule": {"cron": "0 9 * * *"}}
    changed = await triggers.update(ADMIN, made["id"], changes)
    assert (changed["name"], changed["mapping"]) == ("morning", {"name": "Ann"})
    assert (changed["schedule"]["cron"], changed["schedule"]["timezone"]) == ("0 9 * * *", "Europe/Berlin")
    assert len(changed["schedule"]["next_times"]) >= 3
    assert [entry["action"] for entry in await shop.told("trigger.update")] == ["trigger.update"]


async def test_a_schedule_that_is_switched_on_again_makes_up_for_nothing(shop: Workshop) -> None:
    await shop.live()
    triggers, storage = shop.world.isthmus.triggers, shop.world.isthmus._storage
    made = await triggers.create(ADMIN, {**SCHEDULE, "schedule": {"cron": "* * * * *"}})
    off = await triggers.update(ADMIN, made["id"], {"enabled": False})
    assert off["schedule"]["next_times"] == []
    before = await storage.trigger(made["id"])
    on = await triggers.update(ADMIN, made["id"], {"enabled": True})
    after = await storage.trigger(made["id"])
    assert before is not None
    assert after is not None
    assert after.next_at is not None
    assert after.next_at.isoformat() == on["schedule"]["next_times"][0]


async def test_a_removed_webhook_is_unknown_and_a_removed_function_takes_its_triggers_along(shop: Workshop) -> None:
    await shop.live()
    triggers = shop.world.isthmus.triggers
    made = await triggers.create(ADMIN, {**WEBHOOK, "webhook": {}})
    token = made["webhook"]["url"].rsplit("/", 1)[1]
    assert (await triggers.receive(token, Delivery(b"")))["state"] == "queued"
    await triggers.delete(ADMIN, made["id"])
    with pytest.raises(NotFound):
        await triggers.receive(token, Delivery(b""))
    await triggers.create(ADMIN, SCHEDULE)
    await shop.functions.edit.delete(ADMIN, NAME)
    assert (await triggers.list(ADMIN)).items == []


async def test_triggers_are_listed_by_function(world: World, shop: Workshop) -> None:
    await shop.live()
    await shop.live(name="standalone.other")
    triggers = world.isthmus.triggers
    mine = [(await triggers.create(ADMIN, one))["id"] for one in (SCHEDULE, WEBHOOK, EVENT)]
    other = await triggers.create(ADMIN, {**SCHEDULE, "function": "standalone.other"})
    assert [one["id"] for one in (await triggers.list(ADMIN, function=NAME)).items] == mine
    first = await triggers.list(ADMIN, limit=3)
    rest = await triggers.list(ADMIN, limit=3, cursor=first.next_cursor)
    assert [one["id"] for one in [*first.items, *rest.items]] == [*mine, other["id"]]
