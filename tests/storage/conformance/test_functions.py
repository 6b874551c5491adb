from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.made import (
    NOTHING,
    NOW,
    SECOND,
    actions_in,
    activity,
    connection,
    function,
    function_version,
    run,
    run_call,
)

from isthmus.errors import Conflict, InputError
from isthmus.records import Function
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))


async def add(storage: Storage, name: str, *, calls: tuple[str, ...] = (), uses: tuple[str, ...] = ()) -> Function:
    made = function(name)
    await storage.add_function(made, function_version(name, calls=calls, connections=uses), NOTHING)
    return made


async def names_using(storage: Storage, **what: str) -> list[str]:
    return [one.name for one in await storage.functions_using(**what)]


@pytest.mark.parametrize(
    ("second", "field"), [(function(id="another"), "name"), (function("other", id="id-standalone.notify"), "id")]
)
async def test_a_taken_name_or_id_is_refused(storage: Storage, second: Function, field: str) -> None:
    await add(storage, "standalone.notify")
    with pytest.raises(Conflict) as caught:
        await storage.add_function(second, function_version(), SAID)
    assert caught.value.field == field
    assert await actions_in(storage) == []


async def test_saving_over_a_newer_version_is_refused_with_its_code(storage: Storage) -> None:
    made = await add(storage, "standalone.notify")
    await storage.save_function(replace(made, draft_version=2), function_version(number=2), NOTHING)
    with pytest.raises(Conflict) as caught:
        await storage.save_function(replace(made, draft_version=3), function_version(number=3), SAID)
    assert caught.value.code == "changed"
    assert await storage.function_version(made.id, 3) is None
    assert await actions_in(storage) == []


async def test_a_version_is_never_overwritten(storage: Storage) -> None:
    made = await add(storage, "standalone.notify")
    with pytest.raises(Conflict):
        await storage.save_function(made, function_version(code_sealed=b"other"), SAID)
    stored = await storage.function_version(made.id, 1)
    assert stored is not None
    assert stored.code_sealed == b"\x00\xffcode"
    kept = await storage.function("standalone.notify")
    assert kept is not None
    assert kept.version == 1


async def test_a_version_cursor_that_no_page_gave_is_refused(storage: Storage) -> None:
    for cursor in ("x", "WyJhIl0", "W3RydWVd", "WzFlOTld", "Wzk5OTk5OTk5OTk5OTk5OTk5OTld"):
        with pytest.raises(InputError) as caught:
            await storage.function_versions("id-standalone.notify", limit=1, cursor=cursor)
        assert caught.value.field == "cursor"


async def test_a_function_comes_back_as_it_was_stored(storage: Storage) -> None:
    made, version = function(), function_version()
    await storage.add_function(made, version, SAID)
    assert await storage.function("standalone.notify") == made
    assert await storage.function_by_id(made.id) == made
    assert await storage.function_version(made.id, 1) == version
    assert await storage.function_version(made.id, 2) is None
    assert await storage.function(made.id) is None
    assert await actions_in(storage) == ["said"]


async def test_name_language_id_and_origin_never_change(storage: Storage) -> None:
    made = await add(storage, "standalone.notify")
    changed = replace(
        made, name="x", language="python", created_by="y", created_at=None, callers=None, run_roles=(),
        run_as="caller", owner="", description="new", draft_version=7, published_version=3, updated_at=NOW + SECOND,
    )  # fmt: skip
    await storage.save_function(changed, None, SAID)
    kept = {"name": made.name, "language": "deluge", "created_by": "user:ada", "created_at": NOW, "version": 2}
    assert await storage.function(made.name) == replace(changed, **kept)  # type: ignore[arg-type]
    assert await actions_in(storage) == ["said"]


async def test_functions_are_paged_by_name_and_versions_newest_first(storage: Storage) -> None:
    for name in ("c", "a", "b"):
        await add(storage, name)
    first = await storage.functions(limit=2)
    rest = await storage.functions(limit=2, cursor=first.next_cursor)
    assert [one.name for one in (*first.items, *rest.items)] == ["a", "b", "c"]
    assert rest.next_cursor is None
    made = await storage.function("a")
    assert made is not None
    for number in range(2, 13):
        await storage.save_function(replace(made, version=number - 1), function_version("a", number), NOTHING)
    first_versions = await storage.function_versions("id-a", limit=10)
    others = await storage.function_versions("id-a", limit=10, cursor=first_versions.next_cursor)
    assert [one.number for one in (*first_versions.items, *others.items)] == list(range(12, 0, -1))


async def test_only_the_draft_and_the_published_version_count_as_use(storage: Storage) -> None:
    made = await add(storage, "a", uses=("crm", "crm"), calls=("b",))
    assert await names_using(storage, connection="crm") == ["a"]
    second = replace(made, draft_version=2, published_version=1)
    await storage.save_function(second, function_version("a", 2, connections=("slack",), calls=()), NOTHING)
    assert await names_using(storage, connection="crm") == ["a"]
    assert await names_using(storage, connection="slack") == ["a"]
    await storage.save_function(replace(second, published_version=2, version=2), None, NOTHING)
    assert await names_using(storage, connection="crm") == []
    assert await names_using(storage, connection="slack") == ["a"]
    assert await names_using(storage, function="b") == []
    assert await names_using(storage, connection="b") == []


async def test_a_used_connection_is_not_deleted(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    made = await add(storage, "a", uses=("crm",))
    with pytest.raises(Conflict) as caught:
        await storage.delete_connection("id-crm", SAID)
    assert caught.value.code == "in_use"
    assert await actions_in(storage) == []
    assert await storage.connection("crm") == connection()
    await storage.save_function(replace(made, draft_version=2), function_version("a", 2, connections=()), NOTHING)
    assert await storage.delete_connection("id-crm", SAID) is True
    assert await storage.delete_connection("id-crm", SAID) is False
    assert await actions_in(storage) == ["said"]


async def test_a_function_that_another_one_calls_is_not_deleted(storage: Storage) -> None:
    await add(storage, "a", calls=("a", "b"))
    await add(storage, "b", calls=("b",))
    with pytest.raises(Conflict) as caught:
        await storage.delete_function("id-b", SAID)
    assert caught.value.code == "in_use"
    assert await storage.delete_function("id-a", SAID) is True
    assert await storage.delete_function("id-a", SAID) is False
    assert await storage.delete_function("id-b", NOTHING) is True
    assert await actions_in(storage) == ["said"]


async def test_a_function_takes_its_versions_uses_runs_and_calls_along(storage: Storage) -> None:
    await add(storage, "standalone.notify", uses=("crm",))
    await storage.put_runs([run()], [run_call()])
    assert await storage.delete_function("id-standalone.notify", NOTHING) is True
    assert await storage.function_version("id-standalone.notify", 1) is None
    assert await names_using(storage, connection="crm") == []
    assert await storage.run("run-000") is None
    assert await storage.run_calls("run-000") == []


async def test_of_many_who_save_at_once_one_succeeds(storage: Storage) -> None:
    made = await add(storage, "a")
    saves = (
        storage.save_function(replace(made, draft_version=2), function_version("a", 2, note=str(n)), SAID)
        for n in range(10)
    )
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 9
    assert await actions_in(storage) == ["said"]
