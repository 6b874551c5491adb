"""What the compiler takes for sure, holds: scripts at the edges of its shortcuts give what the language says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.functions.running import opened, run

from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Argument
from isthmus.functions.sandbox import Sandbox

pytestmark = pytest.mark.anyio
LARGEST = 9223372036854775807
BEYOND = "The number is outside the limit of 64 bits."


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    async with opened(workers=1) as made:
        yield made


@pytest.mark.parametrize(
    "source",
    [
        f"x = {LARGEST}; x = x + 1; return x;",
        f"x = {LARGEST}; return x + 1;",
        f"x = {LARGEST}; info x + 1;",
        f"x = {LARGEST}; y = x - 1 + 2 + 0; return y;",
        f"x = 0 - {LARGEST}; x = x - 2; return x;",
        f"x = 0 - {LARGEST}; x = x + (0 - 2); return x;",
        f"x = {LARGEST}; x = x * 2; return x;",
        f"x = {LARGEST}; l = {{x}}; l.add(l.get(0) + 1); return l;",
        f'm = Map(); m.put("a", {LARGEST}); m.put("b", ifnull(m.get("a"), 0) + 1); return m;',
        "x = given; x = x + 1; return x;",
        "x = given; y = 1 + x; return y;",
        "x = given; return x * 3;",
        "x = 0 - given; x = x - 5; return x;",
    ],
)
async def test_a_number_beyond_64_bits_is_refused_wherever_it_arises(sandbox: Sandbox, source: str) -> None:
    program = compile_deluge(source, arguments=[Argument("given")])
    assert (await run(sandbox, program, {"given": LARGEST})).fault.message == BEYOND


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (f"x = {LARGEST}; x = x + 1 - 1; return x;", LARGEST),
        (f"x = {LARGEST}; if(x + 1 > x) {{ return 1; }} return 2;", 1),
        ("x = given; x = x + 1; return x;", 42),
        ("x = given; y = x - 50; return y;", -9),
        # Who else holds a list may put anything in.
        ('l = {1, 2}; k = l; k.add("x"); return l.get(2) + 1;', "x1"),
        ('l = {1, 2}; m = {"l": l}; m.get("l").add("x"); return l.get(2) + 1;', "x1"),
        ('l = {1, 2}; l.add("x"); return l.get(2) + l.get(0);', "x1"),
        ('l = {1, 2}; add(l, "x"); return l.get(2) + 1;', "x1"),
        ('l = {1}; l.addAll({"x"}); return l.get(1) + 1;', "x1"),
        ("l = {1, 2}; l = given; return l;", 41),
        ('l = {1}; m = {"a": "x"}; for each k in {l} { k.add("y"); } return l.get(1) + m.get("a");', "yx"),
        ("for each l in {{1}, {2}} { l.add(5); x = l.get(1) + 1; } return x;", 6),
        # A map may have nothing there.
        ('m = Map(); m.put("a", 1); x = m.get("b"); if(x == null) { return "none"; } return x;', "none"),
        ('m = Map(); m.put("a", 1); return "" + m.get("b");', "null"),
        ('m = Map(); m.put("a", 1); m.put("a", null); return ifnull(m.get("a"), 7) + 1;', 8),
        ('m = Map(); m.put("a", "x"); return ifnull(m.get("b"), 7) + 1;', 8),
        ('m = Map(); m.put("a", "5"); return ifnull(m.get("a"), 7) + 1;', "51"),
        ('m = {"a": 1}; m.put("b", "x"); return m.get("b") + 1;', "x1"),
        ('m = {"a": 1}; for each v in m { x = v + 1; } return x;', 2),
        ("l = {1, 2.5}; return l.get(1) + 1;", 3.5),
        ("l = List(); l.add(true); return l.get(0);", True),
        ('l = {"a"}; x = ""; for each v in l { x = x + v + 1; } return x;', "a1"),
        # The index of a loop is never negative, unless something else is put into it.
        ("s = 0; for each index i in {5, 6, 7} { s = s + i % 2; } return s;", 1),
        ("for each index i in {5} { i = 0 - 7; x = i % 4; } return x;", -3),
        ("x = given - 48; return x % 4;", -3),
        ("x = ifnull(null, 3); return x + 1;", 4),
        ("x = ifnull(given, 3); y = ifnull(ifnull(null, x), 5); return y + 1;", 42),
        ("l = {1, 2, 3}; return l.get(l.get(l.get(0) - 1)) + 0;", 2),
    ],
)
async def test_a_shortcut_gives_what_the_long_way_gives(sandbox: Sandbox, source: str, value: Any) -> None:
    program = compile_deluge(source, arguments=[Argument("given")])
    found = (await run(sandbox, program, {"given": 41})).value
    assert (found, type(found) is bool) == (value, type(value) is bool)


@pytest.mark.parametrize("at", ["3", "0 - 1", "given"])
async def test_a_place_outside_of_a_list_is_refused_by_the_shortcut_too(sandbox: Sandbox, at: str) -> None:
    program = compile_deluge(f"l = {{1, 2, 3}};\nreturn l.get({at}) + 1;", arguments=[Argument("given")])
    fault = (await run(sandbox, program, {"given": 3})).fault
    assert "invalid list index" in fault.message
    assert fault.line == 2
