"""Writing functions: who may, what is kept, what is let live, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.broker.functions.workshop import HELLO, NAME, Workshop
from tests.world import ADMIN, World, person

from isthmus.errors import AccessDenied, Conflict, FunctionError, InputError, NotFound
from isthmus.records import Actor

pytestmark = pytest.mark.anyio

DEVELOPER = person("dora", "developer")
MEMBER = person("mia")
KEY = Actor("api_key", "api_key:1", "ci", "administrator", ("crm",))
BROKEN = "def main(:\n    return 1\n"
ILL_TYPED = 'def main(n: int) -> int:\n    return n + "x"\n'


@pytest.mark.parametrize("actor", [MEMBER, KEY, replace(KEY, connections=None, functions=(NAME,))])
async def test_who_may_not_edit_changes_nothing(shop: Workshop, actor: Actor) -> None:
    await shop.live()
    edit = shop.functions.edit
    for attempt in (
        edit.create(actor, {"name": "standalone.mine", "language": "python", "code": HELLO}),
        edit.save(actor, NAME, {"code": HELLO + "\n"}),
        edit.publish(actor, NAME),
        edit.roll_back(actor, NAME, 1),
        edit.delete(actor, NAME),
        edit.check(actor, {"language": "python", "code": HELLO}),
    ):
        with pytest.raises(AccessDenied):
            await attempt
    shown = await shop.functions.read.function(ADMIN, NAME)
    assert (shown["draft_version"], shown["published_version"]) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "notify"}, "name"),
        ({"name": "standalone."}, "name"),
        ({"name": "a.b.c"}, "name"),
        ({"name": "standalone.1"}, "name"),
        ({"name": "x" * 51 + ".y"}, "name"),
        ({"name": None}, "name"),
        ({"language": "perl"}, "language"),
        ({"code": ""}, "code"),
        ({"code": None}, "code"),
        ({"code": "x" * (1 << 20) + "x"}, "code"),
        ({"code": "\ud800"}, "code"),
        ({"arguments": [{"name": "other"}]}, "arguments"),
        ({"arguments": "name"}, "arguments"),
        ({"run_as": "root"}, "run_as"),
        ({"run_roles": ["king"]}, "run_roles"),
        ({"callers": "me"}, "callers"),
        ({"description": "x" * 2001}, "description"),
        ({"owner_id": "me"}, "owner_id"),
    ],
)
async def test_a_malformed_function_names_the_field_and_is_not_made(
    shop: Workshop, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        await shop.functions.edit.create(ADMIN, {"name": NAME, "language": "python", "code": HELLO, **changes})
    assert caught.value.field == field
    assert caught.value.hint
    assert (await shop.functions.read.functions(ADMIN)).items == []


async def test_a_taken_name_is_refused(shop: Workshop) -> None:
    await shop.draft()
    with pytest.raises(Conflict) as caught:
        await shop.draft(HELLO + "\n")
    assert (caught.value.code, caught.value.field) == ("name_taken", "name")


async def test_name_and_language_never_change(shop: Workshop) -> None:
    await shop.draft()
    for changes, field in (({"name": "standalone.b"}, "name"), ({"language": "deluge"}, "language")):
        with pytest.raises(InputError) as caught:
            await shop.functions.edit.save(ADMIN, NAME, changes)
        assert caught.value.field == field


async def test_a_draft_may_be_broken_and_is_then_not_published(shop: Workshop) -> None:
    for code, line in ((BROKEN, 1), (ILL_TYPED, 2)):
        saved = await (shop.draft(code) if code == BROKEN else shop.functions.edit.save(ADMIN, NAME, {"code": code}))
        assert saved["problems"][0]["line"] == line
        with pytest.raises(FunctionError) as caught:
            await shop.functions.edit.publish(ADMIN, NAME)
        assert caught.value.line == line
        assert caught.value.details["problems"] == saved["problems"]
    assert (await shop.functions.read.function(ADMIN, NAME))["state"] == "draft"


async def test_a_connection_that_there_is_not_is_found_before_publishing(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    code = 'def main():\n    return connection("crmm").get("/me").json()\n'
    saved = await shop.draft(code)
    (problem,) = saved["problems"]
    assert (problem["code"], problem["line"], problem["hint"]) == ("connection_not_found", 2, "Did you mean 'crm'?")
    with pytest.raises(FunctionError):
        await shop.functions.edit.publish(ADMIN, NAME)


async def test_somebody_elses_newer_draft_is_not_overwritten(shop: Workshop) -> None:
    await shop.draft()
    await shop.functions.edit.save(DEVELOPER, NAME, {"code": HELLO + "# hers\n", "base_version": 1})
    with pytest.raises(Conflict) as caught:
        await shop.functions.edit.save(ADMIN, NAME, {"code": HELLO + "# mine\n", "base_version": 1})
    assert (caught.value.code, caught.value.field) == ("changed", "base_version")
    assert "hers" in (await shop.functions.read.function(ADMIN, NAME))["code"]


async def test_only_an_administrator_lets_a_function_run_as_its_owner(shop: Workshop) -> None:
    await shop.draft(actor=DEVELOPER)
    with pytest.raises(AccessDenied):
        await shop.functions.edit.save(DEVELOPER, NAME, {"run_as": "owner"})
    with pytest.raises(AccessDenied):
        await shop.draft(name="standalone.other", actor=DEVELOPER, run_as="owner")
    ann = person("ann", "administrator")
    saved = await shop.functions.edit.save(ann, NAME, {"run_as": "owner"})
    assert (saved["run_as"], saved["owner"]) == ("owner", "user:ann")
    (told,) = await shop.told("function.run_as")
    assert (told["actor"], told["target"], told["details"]) == (
        "user:ann",
        NAME,
        {"run_as": "owner", "owner": "user:ann"},
    )


async def test_a_developer_does_not_publish_what_runs_with_an_administrators_rights(shop: Workshop) -> None:
    await shop.live(run_as="owner")
    await shop.functions.edit.save(DEVELOPER, NAME, {"code": HELLO + "# more\n"})
    for attempt in (
        shop.functions.edit.publish(DEVELOPER, NAME),
        shop.functions.edit.roll_back(DEVELOPER, NAME, 1),
    ):
        with pytest.raises(AccessDenied) as caught:
            await attempt
        assert caught.value.code == "owner_function"
    assert (await shop.functions.read.function(ADMIN, NAME))["published_version"] == 1


async def test_a_used_connection_is_not_deleted_and_not_revoked(shop: Workshop, world: World) -> None:
    await world.connected("practice_oauth2", "crm")
    await shop.live('def main():\n    return connection("crm").get("/me").json()\n')
    with pytest.raises(Conflict) as caught:
        await world.isthmus.directory.delete_connection(ADMIN, "crm")
    assert (caught.value.code, caught.value.details) == ("in_use", {"functions": [NAME]})
    assert NAME in caught.value.message
    assert (await world.call("/me", "crm")).status == 200
    await shop.functions.edit.save(ADMIN, NAME, {"code": HELLO})
    with pytest.raises(Conflict):
        await world.isthmus.directory.delete_connection(ADMIN, "crm")  # the live version still uses it
    await shop.functions.edit.publish(ADMIN, NAME)
    await world.isthmus.directory.delete_connection(ADMIN, "crm")


async def test_a_function_that_another_one_calls_is_not_deleted(shop: Workshop) -> None:
    await shop.live()
    await shop.draft(f'def main():\n    return call("{NAME}", "x")\n', "standalone.caller")
    with pytest.raises(Conflict) as caught:
        await shop.functions.edit.delete(ADMIN, NAME)
    assert caught.value.details == {"functions": ["standalone.caller"]}
    assert (await shop.functions.read.function(ADMIN, NAME))["called_by"] == ["standalone.caller"]
    await shop.functions.edit.delete(ADMIN, "standalone.caller")
    await shop.functions.edit.delete(ADMIN, NAME)
    with pytest.raises(NotFound):
        await shop.functions.read.function(ADMIN, NAME)


async def test_saving_what_is_there_makes_no_version(shop: Workshop) -> None:
    first = await shop.draft()
    again = await shop.functions.edit.save(ADMIN, NAME, {"code": HELLO, "description": ""})
    assert again == first
    assert await shop.told("function.save") == []
    renamed = await shop.functions.edit.save(ADMIN, NAME, {"description": "Says hello"})
    assert (renamed["draft_version"], renamed["description"]) == (1, "Says hello")
    shown = await shop.functions.read.function(ADMIN, NAME)
    assert (await shop.functions.edit.save(ADMIN, NAME, shown))["draft_version"] == 1


async def test_code_gives_names_and_types_and_the_declaration_may_say_more(shop: Workshop) -> None:
    saved = await shop.draft(
        "def main(when: str, n: int = 2):\n    return n\n",
        arguments=[{"name": "when", "type": "date", "default": "2030-01-31"}, {"name": "n", "type": "int"}],
    )
    assert saved["arguments"] == [
        {"name": "when", "type": "date", "required": False, "default": "2030-01-31"},
        {"name": "n", "type": "int", "required": False, "default": 2},
    ]


async def test_drafts_live_versions_differences_and_the_way_back(shop: Workshop) -> None:
    await shop.live()
    code = HELLO.replace("Hello", "Bye").replace('name: str = "you"', "name: str, n: int = 1")
    saved = await shop.functions.edit.save(DEVELOPER, NAME, {"code": code, "note": "Rudely"})
    assert (saved["state"], saved["draft_version"], saved["published_version"]) == ("changed", 2, 1)
    assert await shop.value(name=NAME) == "Hello you"
    diff = await shop.functions.read.diff(ADMIN, NAME, None, None)
    assert (diff["from"], diff["to"]) == (1, 2)
    assert '-    return "Hello " + name' in diff["code"].splitlines()
    assert '+    return "Bye " + name' in diff["code"].splitlines()
    assert [one["name"] for one in diff["arguments"]["added"]] == ["n"]
    assert [pair[1]["required"] for pair in diff["arguments"]["changed"]] == [True]
    await shop.functions.edit.publish(DEVELOPER, NAME)
    assert (await shop.run(arguments={"name": "Ann"}))["value"] == "Bye Ann"
    back = await shop.functions.edit.roll_back(ADMIN, NAME, 1)
    assert (back["published_version"], back["draft_version"], back["version"]) == (1, 2, 1)
    assert (await shop.run())["value"] == "Hello you"
    versions = (await shop.functions.read.versions(ADMIN, NAME)).items
    assert [(one["version"], one["note"], one["is_draft"], one["is_published"]) for one in versions] == [
        (2, "Rudely", True, False),
        (1, "", False, True),
    ]
    assert [entry["details"]["version"] for entry in await shop.told("function.publish")] == [1, 2]
    (told,) = await shop.told("function.roll_back")
    assert told["details"] == {"version": 1, "before": 2}


async def test_a_version_that_there_is_not_is_not_found(shop: Workshop) -> None:
    await shop.draft()
    read, edit = shop.functions.read, shop.functions.edit
    for attempt in (
        edit.publish(ADMIN, NAME, 2),
        edit.roll_back(ADMIN, NAME, 9),
        read.function(ADMIN, NAME, version="7"),
        read.function(ADMIN, NAME, version="published"),
        read.diff(ADMIN, NAME, "1", "2"),
    ):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.code == "version_not_found"


async def test_code_is_shown_to_those_who_may_edit_it(shop: Workshop) -> None:
    await shop.live()
    await shop.functions.edit.save(ADMIN, NAME, {"code": HELLO + "# secret plan\n"})
    shown = await shop.functions.read.function(MEMBER, NAME)
    assert "code" not in shown
    assert shown["version"] == 1
    for version in ("draft", "2"):
        with pytest.raises((NotFound, InputError)):
            await shop.functions.read.function(MEMBER, NAME, version=version)
    for attempt in (shop.functions.read.versions(MEMBER, NAME), shop.functions.read.diff(MEMBER, NAME, None, None)):
        with pytest.raises(AccessDenied):
            await attempt


async def test_checking_stores_nothing(shop: Workshop) -> None:
    found = await shop.functions.edit.check(ADMIN, {"language": "python", "code": ILL_TYPED})
    assert [(one["severity"], one["line"]) for one in found["problems"]] == [("error", 2)]
    fine = await shop.functions.edit.check(
        ADMIN, {"language": "python", "code": 'def main(a: int):\n    call("x.y")\n'}
    )
    assert fine["arguments"] == [{"name": "a", "type": "int", "required": True}]
    assert fine["calls"] == ["x.y"]
    assert [one["code"] for one in fine["problems"]] == ["function_not_found"]
    assert (await shop.functions.read.functions(ADMIN)).items == []


async def test_code_is_sealed_where_it_is_kept(shop: Workshop, world: World) -> None:
    await shop.live(HELLO + "# recognisable-words\n")
    files = list(world.isthmus.settings.data_dir.glob("isthmus.sqlite*"))
    assert files
    assert not any(b"recognisable-words" in path.read_bytes() for path in files)
