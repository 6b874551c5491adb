"""Every built-in of the table does what its example says: the table and the built-ins are written apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.functions.running import AROUND, answered, opened, run

from isthmus.functions.deluge.builtins import BUILTINS, SYSTEM_VALUES, TASKS, Builtin
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Finished, Person, Reply
from isthmus.functions.sandbox import Sandbox

pytestmark = pytest.mark.anyio
WITHOUT = {
    "zoho.encryption.aesEncode": "its key is made in a way that is not documented",
    "zoho.encryption.aesDecode": "its key is made in a way that is not documented",
}
AROUND_ANN = replace(
    AROUND,
    person=Person("Ann", "ann@example.test", "member"),
    administrator=Person("Bea", "bea@example.test", "administrator"),
    application_url="https://isthmus.example.test",
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    async with opened(workers=1) as made:
        yield made


@pytest.mark.parametrize("entry", BUILTINS, ids=lambda entry: entry.signature())
async def test_an_example_gives_what_the_table_says(sandbox: Sandbox, entry: Builtin) -> None:
    ended = await run(sandbox, compile_deluge(entry.example), replies=[answered(b"{}")] * 2, around=AROUND_ANN)
    if entry.name in WITHOUT:
        assert "not available" in ended.fault.message
        return
    assert isinstance(ended.end, Finished), ended.end
    if entry.gives is not None:
        assert ended.info == [entry.gives]


@pytest.mark.parametrize("name", TASKS)
async def test_the_example_of_a_task_runs(sandbox: Sandbox, name: str) -> None:
    replies = [answered(b'{"ok":true}') if name == "invokeurl" else Reply(None)]
    ended = await run(sandbox, compile_deluge(TASKS[name].example), replies=replies, around=AROUND_ANN)
    assert isinstance(ended.end, Finished), ended.end
    assert [call.name for call in ended.calls] == [name]


async def test_the_variables_of_the_system_have_values(sandbox: Sandbox) -> None:
    source = "m = Map();" + "".join(f'm.put("{name}", {name});' for name in SYSTEM_VALUES) + "return m;"
    value = (await run(sandbox, compile_deluge(source), around=AROUND_ANN)).value
    assert value.keys() == SYSTEM_VALUES.keys()
    assert value["zoho.loginuserid"] == "ann@example.test"
    assert value["zoho.adminuser"] == "Bea"
    assert {name for name in value if value[name] is None} == {"zoho.ipaddress", "zoho.device.type"}
