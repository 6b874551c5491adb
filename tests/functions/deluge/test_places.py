"""A fault names the line and column of the script, wherever it comes from, and how much was executed before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.functions.running import answered, opened, run

from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Failed, Limits, Reply
from isthmus.functions.sandbox import Sandbox

pytestmark = pytest.mark.anyio
LONG = "".join(f"x = {number};\n" for number in range(60))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    async with opened(workers=1) as made:
        yield made


@pytest.mark.parametrize(
    ("source", "place", "statements"),
    [
        ("x = 1;\ny = x / 0;", (2, 7), 2),
        ("x = {1};\n\n  info x.get(5);", (3, 10), 2),
        ("x = 1;\nif(x == 1)\n{\n  throw x;\n}", (4, 3), 3),
        ("for each x in {2,1,0}\n{\n  y = 4 / x;\n}", (3, 9), 6),
        ('try { x = 1 / 0; }\ncatch (e)\n{\n  info e;\n  x = "a".toLong();\n}', (5, 11), 4),
        ('try { x = 1 / 0; } catch (e) { info e; }\nx = "a".toLong();', (2, 9), 4),
        ('m = Map();\nm.put("a", "b".subString(5));', (2, 16), 2),
        ('x = "ä→𝄞"; y = 1 / 0;', (1, 18), 2),
        ("throw 1;\n" + LONG, (1, 1), 50),
    ],
)
async def test_a_fault_is_where_it_happened(
    sandbox: Sandbox, source: str, place: tuple[int, int], statements: int
) -> None:
    ended = await run(sandbox, compile_deluge(source))
    assert (ended.fault.line, ended.fault.column) == place
    assert ended.fault.excerpt.splitlines()[1].index("^") == place[1] - 1
    assert isinstance(ended.end, Failed)
    assert ended.end.usage.statements == statements


async def test_the_fault_of_a_reply_is_at_its_call(sandbox: Sandbox) -> None:
    source = 'x = 1;\nfor each y in {1,2}\n{\n  r = invokeurl [ url: "https://a.test" ];\n}\nreturn 1;'
    ended = await run(sandbox, compile_deluge(source), replies=[answered(), Reply(fault="No answer.", fault_code="no")])
    assert (ended.fault.line, ended.fault.column, ended.fault.code) == (4, 7, "no")
    assert [(call.line, call.column) for call in ended.calls] == [(4, 7), (4, 7)]


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("x = 1;\n for each y in {1,2,3}\n{\n  x = y;\n}", (2, 2)),
        ("try\n{\n  for each y in {1,2,3}\n  {\n    x = y;\n  }\n}\ncatch (e)\n{\n  info e;\n}", (3, 3)),
    ],
)
async def test_the_limit_of_statements_is_at_its_loop_and_no_catch_hears_of_it(
    sandbox: Sandbox, source: str, place: tuple[int, int]
) -> None:
    ended = await run(sandbox, compile_deluge(source), limits=Limits(statements=5))
    assert ended.fault.code == "limit_statements"
    assert (ended.fault.line, ended.fault.column) == place
    assert ended.info == []


async def test_long_rows_of_operators_and_conditions_are_no_nesting(sandbox: Sandbox) -> None:
    source = "\n".join(
        (
            'y = 2; a = "x"' + " + y" * 3000 + ";",
            "b = 0" + " + y" * 3000 + ";",
            "c = y == 2" + " && y == 2" * 3000 + ";",
            "d = y == 1" + " || y == 1" * 3000 + ";",
            "found = List(); for each k in {1,49,50,51,99,100,149,150}",
            "{\nif(k == 0) { z = 0; }",
            *(f"else if(k == {number}) {{ found.add({number}); }}" for number in range(1, 150)),
            "else { found.add(0); }\n}",
            "return {a.length(), b, c, d, found};",
        )
    )
    assert (await run(sandbox, compile_deluge(source))).value == [
        *[3001, 6000, True, False],
        [1, 49, 50, 51, 99, 100, 149, 0],
    ]


async def test_what_is_too_large_for_the_sandbox_is_told_as_such(sandbox: Sandbox) -> None:
    source = "for each k in {1}\n{\n" + "m = k + 1;\n" * 8000 + "}\n"
    fault = (await run(sandbox, compile_deluge(source))).fault
    assert (fault.code, bool(fault.hint)) == ("limit_size", True)


async def test_the_limit_of_statements_holds_without_a_loop(sandbox: Sandbox) -> None:
    ended = await run(sandbox, compile_deluge(LONG), limits=Limits(statements=20))
    assert ended.fault.code == "limit_statements"


@pytest.mark.parametrize("around", ["{}", "try {{ {} }} catch (e) {{ info e; }}"])
async def test_the_limit_of_time_is_at_the_loop_that_was_running(sandbox: Sandbox, around: str) -> None:
    loop = 'x = 1;\nfor each y in "a,".repeat(45000).toList()\n{\n  z = y.repeat(50000).reverse();\n}'
    ended = await run(
        sandbox, compile_deluge(around.format(loop)), limits=Limits(statements=200_000, active_seconds=0.4)
    )
    assert ended.fault.code == "limit_active"
    assert ended.fault.line in (2, 4)
    assert ended.info == []
