"""Running functions: who may, with whose rights, within which limits, and what is remembered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import HELLO, NAME, Workshop
from tests.world import ADMIN, World, open_world, person

from isthmus.broker.functions.runner import Asking
from isthmus.errors import AccessDenied, Conflict, InputError, NotFound
from isthmus.records import Actor, RunCall

pytestmark = pytest.mark.anyio

DEVELOPER = person("dora", "developer")
MEMBER = person("mia")
KEY = Actor("api_key", "api_key:1", "ci", "member")
CALLS_CRM = 'def main(path: str = "/me"):\n    r = connection("crm").get(path)\n    return [r.status, r.json()]\n'
FAILS = "def main(n: int):\n    info('before')\n    return 1 // n\n"


LOOP = 'x = 1;\nfor each y in "a".repeat(9000).toList("")\n{\n\tx = 2;\n}\n'


async def test_the_limit_of_statements_names_the_line(shop: Workshop) -> None:
    await shop.live(LOOP, language="deluge")
    error = await shop.error()
    assert (error["code"], error["line"]) == ("limit_statements", 2)


async def test_a_date_beyond_all_years_in_the_time_zone_fails_the_run_alone(shop: Workshop) -> None:
    await shop.live("return x;", language="deluge", arguments=[{"name": "x", "type": "datetime"}])
    assert (await shop.error(x="0001-01-01T00:00:00+14:00"))["code"] == "invalid_argument"


async def test_python_gets_its_arguments_as_annotated_and_its_own_defaults(shop: Workshop) -> None:
    await shop.live(
        "from datetime import date, datetime\n"
        "def main(x: float, on: date, at: datetime, until: date = date(2030, 1, 31)):\n"
        "    return [x * 0.5, on.year, at.hour, until.day]\n"
    )
    given = {"x": 1.5, "on": "2029-05-06", "at": "2029-05-06T07:08:09"}
    assert await shop.value(**given) == [0.75, 2029, 7, 31]
    assert await shop.value(**given, until="2030-02-01") == [0.75, 2029, 7, 1]


async def test_what_may_not_be_run_is_not_run(shop: Workshop) -> None:
    await shop.live()
    await shop.live(HELLO, "standalone.closed", run_roles=["administrator"])
    await shop.live(HELLO, "standalone.named", callers=["user:mia"])
    for actor, name, kind in (
        (replace(KEY, functions=("standalone.other",)), NAME, NotFound),
        (MEMBER, "standalone.closed", NotFound),
        (KEY, "standalone.named", NotFound),
        (person("ann", "administrator"), "standalone.named", AccessDenied),
        (DEVELOPER, "standalone.closed", AccessDenied),
        (MEMBER, "standalone.nowhere", NotFound),
    ):
        with pytest.raises(kind):
            await shop.run(name, actor)
    assert await shop.value("standalone.named", MEMBER) == "Hello you"
    assert await shop.value(NAME, replace(KEY, functions=(NAME,))) == "Hello you"


async def test_foreign_and_missing_are_told_alike(shop: Workshop) -> None:
    await shop.live(run_roles=["administrator"])
    told = set()
    for name in (NAME, "standalone.hullo"):
        with pytest.raises(NotFound) as caught:
            await shop.run(name, MEMBER)
        told.add((caught.value.code, caught.value.message.replace(name, "NAME"), caught.value.hint, caught.value.field))
    assert len(told) == 1


async def test_a_draft_is_run_by_those_who_may_edit_and_with_their_own_rights(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    await shop.draft(CALLS_CRM, run_as="owner")
    with pytest.raises(Conflict) as caught:
        await shop.run()
    assert caught.value.code == "not_published"
    with pytest.raises(AccessDenied):
        await shop.run(actor=MEMBER, draft=True)
    with pytest.raises(AccessDenied):
        await shop.run(actor=MEMBER, draft=True, code="def main():\n    return 1\n")
    done = await shop.run(actor=DEVELOPER, draft=True)
    assert done["value"][0] == 200
    run = await shop.functions.read.run(DEVELOPER, done["run_id"])
    assert (run["trigger"], run["actor"], run["run_as"]) == ("test", "user:dora", "user:dora")


async def test_unsaved_code_is_run_to_its_end_and_kept_nowhere(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    await shop.draft()
    done = await shop.run(draft=True, code=CALLS_CRM)
    assert (done["value"][0], done["version"]) == (200, 0)
    assert (await shop.run(draft=True, code=HELLO))["version"] == 1
    function = await shop.functions.read.function(ADMIN, NAME)
    assert (function["draft_version"], function["code"]) == (1, HELLO)
    with pytest.raises(Conflict):
        await shop.run(code=CALLS_CRM)


async def test_arguments_that_do_not_fit_run_nothing(shop: Workshop) -> None:
    await shop.live("def main(n: int, name: str):\n    return n\n")
    for arguments, field in (
        ({"n": "x", "name": "a"}, "arguments.n"),
        ({"n": 1}, "arguments.name"),
        ({"n": 1, "name": "a", "nane": 1}, "arguments.nane"),
    ):
        with pytest.raises(InputError) as caught:
            await shop.run(arguments=arguments)
        assert caught.value.field == field
    assert (await shop.functions.read.runs(ADMIN, NAME)).items == []


async def test_a_record_fills_the_arguments(shop: Workshop) -> None:
    await shop.live("def main(email: str, phone: str, n: int):\n    return [email, phone, n]\n")
    record = {"Leads": {"Email": "a@example.com", "Items": [{"n": "7"}]}}
    mapping = {"email": "${Leads.Email}", "phone": "${Leads.Phone|none}", "n": "${Leads.Items[0].n}"}
    done = await shop.run(record=record, mapping=mapping)
    assert done["value"] == ["a@example.com", "none", 7]
    for asking, field in (
        ({"record": record}, "mapping"),
        ({"mapping": mapping}, "record"),
        ({"record": record, "mapping": {**mapping, "x": "y"}}, "mapping.x"),
        ({"record": {}, "mapping": mapping}, "mapping.email"),
        ({"record": record, "mapping": {**mapping, "n": "${Leads.Email}"}}, "arguments.n"),
    ):
        with pytest.raises(InputError) as caught:
            await shop.run(**asking)
        assert caught.value.field == field


async def test_a_failure_is_an_outcome_with_its_place_and_what_was_printed(shop: Workshop) -> None:
    await shop.live(FAILS)
    done = await shop.run(arguments={"n": 0})
    assert (done["state"], done["value"], done["info"]) == ("failed", None, ["before"])
    assert done["error"]["line"] == 3
    assert "division" in done["error"]["message"]
    run = await shop.functions.read.run(ADMIN, done["run_id"])
    assert (run["state"], run["error"], run["arguments"]) == ("failed", done["error"], {"n": 0})
    assert run["error_code"] == done["error"]["code"]
    assert [one["id"] for one in (await shop.functions.read.runs(ADMIN, NAME, state="failed")).items] == [run["id"]]


async def test_a_failed_run_is_tried_again_with_other_arguments(shop: Workshop) -> None:
    await shop.live(FAILS)
    failed = await shop.run(arguments={"n": 0})
    again = await shop.functions.retry(ADMIN, failed["run_id"], None)
    assert again["state"] == "failed"
    mended = await shop.functions.retry(ADMIN, again["run_id"], {"n": 1})
    assert (mended["state"], mended["value"]) == ("finished", 1)
    run = await shop.functions.read.run(ADMIN, mended["run_id"])
    assert (run["retry_of"], run["attempt"], run["arguments"]) == (again["run_id"], 3, {"n": 1})
    with pytest.raises(Conflict) as caught:
        await shop.functions.retry(ADMIN, mended["run_id"], None)
    assert caught.value.code == "run_not_failed"
    with pytest.raises(InputError):
        await shop.functions.retry(ADMIN, failed["run_id"], {"m": 1})
    with pytest.raises(NotFound):
        await shop.functions.retry(MEMBER, failed["run_id"], None)


async def test_a_run_is_read_by_who_asked_and_by_who_edits(shop: Workshop) -> None:
    await shop.live()
    hers = await shop.run(actor=MEMBER, arguments={"name": "personal"})
    await shop.run(actor=KEY)
    read = shop.functions.read
    assert (await read.run(MEMBER, hers["run_id"]))["arguments"] == {"name": "personal"}
    assert (await read.run(DEVELOPER, hers["run_id"]))["actor"] == "user:mia"
    for actor in (KEY, person("max"), replace(KEY, role="administrator", connections=())):
        with pytest.raises(NotFound):
            await read.run(actor, hers["run_id"])
    assert len((await read.runs(DEVELOPER, NAME)).items) == 2
    assert [one["id"] for one in (await read.runs(MEMBER, NAME)).items] == [hers["run_id"]]
    with pytest.raises(InputError):
        await read.runs(ADMIN, NAME, state="odd")
    with pytest.raises(NotFound):
        await read.run(ADMIN, "nowhere")


async def test_what_a_run_was_given_and_gave_is_sealed(shop: Workshop, world: World) -> None:
    await shop.live()
    await shop.run(arguments={"name": "recognisable-words"})
    files = list(world.isthmus.settings.data_dir.glob("isthmus.sqlite*"))
    assert files
    assert not any(b"recognisable-words" in path.read_bytes() for path in files)


async def test_it_runs_as_its_caller_unless_an_administrator_said_otherwise(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    await shop.live(CALLS_CRM)
    limited = replace(KEY, connections=("other",))
    error = await shop.error(actor=limited)
    assert error["code"] == "connection_not_found"
    await shop.functions.edit.save(ADMIN, NAME, {"run_as": "owner", "callers": ["api_key:1"]})
    done = await shop.run(actor=limited)
    assert done["value"][0] == 200
    run = await shop.functions.read.run(ADMIN, done["run_id"])
    assert (run["actor"], run["run_as"]) == ("api_key:1", "system")
    with pytest.raises(NotFound):
        await shop.run(actor=MEMBER)


async def test_an_owner_who_left_takes_the_functions_rights_along(shop: Workshop, world: World) -> None:
    accounts = world.isthmus.accounts
    made = await accounts.create_user(ADMIN, {"email": "bo@example.com", "name": "Bo", "role": "administrator", "password": "long enough word"})  # fmt: skip
    owner = person(made["id"], "administrator")
    await shop.live(actor=owner, run_as="owner")
    assert await shop.value(actor=MEMBER) == "Hello you"
    other = {"email": "cy@example.com", "name": "Cy", "role": "administrator", "password": "long enough word"}
    await accounts.create_user(ADMIN, other)
    await accounts.update_user(ADMIN, made["id"], {"disabled": True})
    with pytest.raises(AccessDenied) as caught:
        await shop.run(actor=MEMBER)
    assert caught.value.code == "actor_gone"


async def test_functions_call_each_other_within_one_run(shop: Workshop) -> None:
    await shop.live('def main(name: str, n: int = 1):\n    info("inner", n)\n    return name * n\n', "standalone.inner")
    await shop.live(
        'def main():\n    info("outer")\n    a = call("standalone.inner", "ab", "2")\n    return [a, call("standalone.inner", "c")]\n'
    )
    done = await shop.run()
    assert (done["value"], done["info"]) == (["abab", "c"], ["outer", "inner 2", "inner 1"])
    assert len((await shop.functions.read.runs(ADMIN, "standalone.inner")).items) == 0


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('call("standalone.nowhere")', "There is no function 'standalone.nowhere'."),
        ('call("standalone.inner")', "The argument 'n' is missing."),
        ('call("standalone.inner", "x")', "takes a value of type int"),
        ('call("standalone.inner", 1, 2)', "It takes 1 arguments; 2 were given."),
        ('call("standalone.inner", 0)', "standalone.inner, line 3"),
        ('call("standalone.closed")', "There is no function 'standalone.closed'."),
    ],
)  # fmt: skip
async def test_a_call_that_goes_wrong_can_be_caught(shop: Workshop, code: str, told: str) -> None:
    await shop.live(FAILS, "standalone.inner")
    await shop.live(HELLO, "standalone.closed", run_roles=["administrator"])
    await shop.draft(
        f"def main():\n    try:\n        {code}\n    except Exception as problem:\n        return str(problem)\n"
    )
    await shop.functions.edit.save(ADMIN, NAME, {})
    if "nowhere" in code:
        return_value = await shop.run(draft=True)
        assert told in return_value["value"]
        return
    await shop.functions.edit.publish(ADMIN, NAME)
    assert told in await shop.value(actor=MEMBER)


async def test_functions_that_call_each_other_for_ever_come_to_an_end(shop: Workshop) -> None:
    await shop.live(
        f'def main(n: int = 0):\n    try:\n        return call("{NAME}", n + 1)\n    except Exception:\n        return -1\n'
    )
    error = await shop.error()
    assert error["code"] == "limit_recursion"
    assert "75" in error["message"]


async def test_a_chain_of_calls_has_one_budget(shop: Workshop) -> None:
    code = 'def main():\n    for _ in range(30):\n        try:\n            invokeurl("https://127.0.0.1/")\n        except Exception:\n            pass\n'
    await shop.live(code, "standalone.inner")
    await shop.live('def main():\n    for _ in range(4):\n        call("standalone.inner")\n')
    done = await shop.run()
    assert done["error"]["code"] == "limit_outbound_calls"
    assert done["calls"] == 100


async def test_a_run_that_takes_too_long_is_ended(tmp_path: Path, practice: Any) -> None:
    async with open_world(tmp_path, practice, function_button_seconds="0.4") as world:
        await world.connected("practice_basic", "crm")
        shop = Workshop(world)
        await shop.live('def main():\n    return connection("crm").get("/slow?seconds=30").text\n', "button.slow")
        done = await shop.run("button.slow")
        assert done["error"]["code"] == "limit_wall"
        assert 400 <= done["elapsed_ms"] < 10_000


async def test_many_runs_at_once_are_all_recorded(shop: Workshop) -> None:
    await shop.live()
    runs = await asyncio.gather(*(shop.run(arguments={"name": str(n)}) for n in range(60)))
    assert [one["value"] for one in runs] == [f"Hello {n}" for n in range(60)]
    recorded = (await shop.functions.read.runs(ADMIN, NAME, limit=200)).items
    assert {one["id"] for one in recorded} == {one["run_id"] for one in runs}


async def test_an_access_tokens_limits_are_not_lost_in_the_queue(shop: Workshop) -> None:
    await shop.live()
    for actor in (
        replace(MEMBER, connections=("crm",)),
        replace(MEMBER, functions=(NAME,)),
        Actor("client", "client:1", "desk", "member"),
    ):
        with pytest.raises(AccessDenied) as caught:
            await shop.functions.enqueue(actor, NAME, Asking())
        assert caught.value.code == "run_now_only"
        assert await shop.value(NAME, actor) == "Hello you"
    limited = replace(KEY, connections=("crm",))
    assert (await shop.functions.enqueue(limited, NAME, Asking()))["state"] == "queued"


async def test_a_run_for_the_queue_is_stored_as_due(shop: Workshop, world: World) -> None:
    await shop.live()
    queued = await shop.functions.enqueue(MEMBER, NAME, Asking(arguments={"name": "later"}))
    assert queued["state"] == "queued"
    run = await shop.functions.read.run(MEMBER, queued["run_id"])
    assert (run["state"], run["arguments"], run["started_at"]) == ("queued", {"name": "later"}, None)
    (due,) = await world.isthmus._storage.due_runs(now=world.isthmus.functions.runner._clock(), limit=9)
    assert due.id == queued["run_id"]


async def test_what_a_process_left_under_way_is_told_as_interrupted(shop: Workshop, world: World) -> None:
    await shop.live()
    storage = world.isthmus._storage
    done = await shop.run()
    run = await storage.run(done["run_id"])
    assert run is not None
    now = run.created_at
    left = replace(
        run,
        id="left",
        state="running",
        lease_owner="dead",
        lease_until=now - timedelta(seconds=1),
        ended_at=None,
        arguments_sealed=None,
        outcome_sealed=None,
    )
    await storage.put_runs([left], [RunCall("left", 1, "invokeurl", now, "asked", method="POST")])
    assert await shop.functions.runner.sweep() == 1
    assert await shop.functions.runner.sweep() == 0
    shown = await shop.functions.read.run(ADMIN, "left")
    assert (shown["state"], shown["error"]["code"]) == ("interrupted", "run_interrupted")
    assert [one["state"] for one in shown["requests"]] == ["unknown"]
