"""Runs: limits first, then suspension, values, and what a caller may do in the middle."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tests.functions.running import AROUND, NOON, answered, opened, python, run
from tests.functions.sandbox.children import children

from isthmus.functions.host import Failed, File, Finished, Limits, Reply, Waiting
from isthmus.functions.sandbox import Sandbox

pytestmark = pytest.mark.anyio
SHORT = Limits(active_seconds=0.5)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with opened() as made:
        yield made


@pytest.mark.parametrize(
    ("code", "source", "limits"),
    [
        ("limit_active", "while True: pass", SHORT),
        ("limit_active", "while True: ask('now')", SHORT),
        ("limit_memory", "x = 'x'\nwhile True: x += x", Limits()),
        ("limit_recursion", "return main()", Limits()),
        ("limit_sleep", "import time\ntime.sleep(3600)", Limits()),
        ("limit_output", "while True: print('x' * 1000)", Limits()),
        ("limit_outbound_calls", "invokeurl('https://a.test')", Limits(outbound_calls=0)),
        ("limit_suspensions", "call('standalone.x')", Limits(suspensions=0)),
    ],
)
async def test_a_limit_ends_the_run_with_a_fault_that_names_it(
    sandbox: Sandbox, code: str, source: str, limits: Limits
) -> None:
    ended = await run(sandbox, python(source), limits=limits)
    assert ended.fault.code == code
    assert ended.fault.hint
    assert ended.fault.line >= 1
    assert (await run(sandbox, python("return 1"))).value == 1


async def test_the_wall_limit_counts_the_time_between_legs(sandbox: Sandbox) -> None:
    program = python("invokeurl('https://a.test')\nreturn 1")
    limits = Limits(wall_seconds=30)
    waiting = await sandbox.begin(program, {}, surroundings=AROUND, limits=limits)
    assert isinstance(waiting, Waiting)
    late = replace(waiting, usage=replace(waiting.usage, began_at=waiting.usage.began_at - 31))
    ended = await sandbox.resume(program, late, answered(), surroundings=AROUND, limits=limits)
    assert isinstance(ended, Failed)
    assert ended.fault.code == "limit_wall"


async def test_limits_hold_over_suspensions(sandbox: Sandbox) -> None:
    program = python("for i in range(4): invokeurl('https://a.test')")
    ended = await run(sandbox, program, replies=[answered()] * 4, limits=Limits(outbound_calls=3))
    assert ended.fault.code == "limit_outbound_calls"
    assert len(ended.calls) == 3


async def test_a_printed_line_is_cut_and_a_flood_is_not_collected(sandbox: Sandbox) -> None:
    limits = Limits(output_bytes=100)
    ended = await run(sandbox, python("info('x' * 1000)"), limits=limits)
    assert ended.info == ["x" * 100 + "…"]
    flood = await run(sandbox, python("while True: info('x' * 90)"), limits=limits)
    assert flood.fault.code == "limit_output"
    assert sum(len(line) for line in flood.info) <= 100 * 20 + 100


async def test_a_worker_that_hit_a_limit_is_not_used_again(sandbox: Sandbox) -> None:
    await run(sandbox, python("return 1"))
    before = children()
    await run(sandbox, python("while True: pass"), limits=SHORT)
    await run(sandbox, python("x = 'x' * 10**9"), limits=SHORT)
    await run(sandbox, python("return 1"))
    assert len(children()) <= 2
    assert len(children() & before) < len(before)


async def test_a_worker_that_dies_fails_its_run_and_no_other(sandbox: Sandbox) -> None:
    await run(sandbox, python("return 1"))
    busy = asyncio.create_task(run(sandbox, python("while True: pass"), limits=Limits(active_seconds=20)))
    other = asyncio.create_task(run(sandbox, python("while True: pass"), limits=Limits(active_seconds=20)))
    async with asyncio.timeout(20):
        while len(victims := children()) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    assert len(victims) == 2
    for victim in victims:
        os.kill(victim, 9)
    assert (await busy).fault.code == "crashed"
    assert (await other).fault.code == "crashed"
    assert (await run(sandbox, python("return 2"))).value == 2


async def test_endless_loops_keep_nobody_else_waiting() -> None:
    async with opened(workers=1) as sandbox:
        await run(sandbox, python("return 1"))
        loops = [
            asyncio.create_task(run(sandbox, python("while True: pass"), limits=Limits(active_seconds=60)))
            for _ in range(3)
        ]
        async with asyncio.timeout(40):
            for number in range(5):
                assert (await run(sandbox, python(f"return {number}"))).value == number
        assert not any(loop.done() for loop in loops)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def test_a_cancelled_caller_frees_its_worker() -> None:
    async with opened(workers=1) as sandbox:
        task = asyncio.create_task(run(sandbox, python("while True: pass"), limits=Limits(active_seconds=60)))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(20):
            assert (await run(sandbox, python("return 1"))).value == 1


async def test_closing_ends_every_worker() -> None:
    sandbox = Sandbox(2)
    before = children()
    await run(sandbox, python("return 1"))
    task = asyncio.create_task(run(sandbox, python("while True: pass"), limits=Limits(active_seconds=60)))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(sandbox.close)
    assert (await task).fault.code == "crashed"
    assert children() <= before


async def test_a_run_goes_on_in_another_pool(sandbox: Sandbox) -> None:
    program = python(
        "def main(n):\n    info('before')\n    r = invokeurl('https://a.test/' + str(n))\n    return r.json()"
    )
    waiting = await sandbox.begin(program, {"n": 7}, surroundings=AROUND, limits=Limits())
    assert isinstance(waiting, Waiting)
    assert waiting.info == ("before",)
    assert waiting.call.arguments["url"] == "https://a.test/7"
    async with opened(workers=1) as elsewhere:
        ended = await elsewhere.resume(
            program, waiting, answered(b'{"id":4846491000003631379}'), surroundings=AROUND, limits=Limits()
        )
    assert isinstance(ended, Finished)
    assert ended.value == {"id": 4846491000003631379}
    assert ended.usage.outbound_calls == 1


async def test_a_fault_of_a_call_can_be_caught_and_keeps_its_code_where_it_is_not(sandbox: Sandbox) -> None:
    reply = Reply(fault="The connection crm is not connected.", fault_code="not_connected")
    caught = python("try:\n    invokeurl('https://a.test')\nexcept RuntimeError as e:\n    return str(e)")
    assert (await run(sandbox, caught, replies=[reply])).value == "The connection crm is not connected."
    fault = (await run(sandbox, python("x = 1\ninvokeurl('https://a.test')"), replies=[reply])).fault
    assert (fault.code, fault.line) == ("not_connected", 3)
    assert "not connected" in fault.message


async def test_a_fault_names_line_and_column_and_shows_them(sandbox: Sandbox) -> None:
    fault = (await run(sandbox, python("x = 0\nreturn 1 / x"))).fault
    assert (fault.line, fault.code) == (3, "run_failed")
    assert fault.excerpt.startswith("    return 1 / x\n")
    assert fault.excerpt.endswith("^")


async def test_values_come_out_as_they_went_in(sandbox: Sandbox) -> None:
    given = {
        "n": 4846491000003631379,
        "d": Decimal("1.10"),
        "t": "Zoë ✓",
        "when": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "day": date(2026, 1, 2),
        "none": None,
        "yes": True,
        "list": [1, [2, {"a": []}]],
        "file": File("a.txt", b"\x00\xff", "text/plain", "", "upload"),
    }
    assert (await run(sandbox, python("def main(g): return g"), {"g": given})).value == given


@pytest.mark.parametrize(
    ("value", "word"),
    [("\ud800", "surrogate"), ({"a\udc00": 1}, "surrogate"), (object(), "type"), (10**2000, "digits")],
)
async def test_an_argument_that_cannot_cross_is_named(sandbox: Sandbox, value: object, word: str) -> None:
    fault = (await run(sandbox, python("def main(g): return 1"), {"g": value})).fault
    assert fault.code == "invalid_argument"
    assert word in fault.message


@pytest.mark.parametrize(
    "source", ["x = []\nfor i in range(200): x = [x]\nreturn x", "class A: pass\nreturn A()", "return 10 ** 5000"]
)
async def test_a_value_that_cannot_leave_fails_the_run(sandbox: Sandbox, source: str) -> None:
    assert (await run(sandbox, python(source))).fault.code in ("limit_value", "limit_recursion")


@pytest.mark.parametrize(
    "asked",
    [
        "ask('read', '/etc/passwd')",
        "ask('invokeurl', 5)",
        "ask('invokeurl', {'url': 'x', 'headers': 5})",
        "ask('invokeurl', {'url': 'x', 'files': ['y']})",
        "ask('invokeurl', {'url': 'x'}, -1, 0, 0)",
        "ask('invokeurl', {'url': 'x', 'type': 'CONNECT'})",
        "ask('sendmail', {'to': 5})",
        "ask('call', {'name': 1})",
        "ask('offset', 'x', '../../etc/passwd')",
        "ask('decode', b'x', 'idna')",
        "ask()",
        "undefined('invokeurl', {'url': 'x'})",
    ],
)
async def test_a_malformed_question_is_an_error_of_the_function(sandbox: Sandbox, asked: str) -> None:
    assert (await run(sandbox, python(asked))).fault.code == "run_failed"


async def test_the_clock_is_the_surroundings_own(sandbox: Sandbox) -> None:
    source = "import datetime, time\nreturn [datetime.datetime.now(), time.time()]"
    around = replace(AROUND, timezone="Asia/Tokyo")
    when, seconds = (await run(sandbox, python(source), around=around)).value
    assert (when, when.hour, seconds) == (NOON, 21, NOON.timestamp())


async def test_what_waits_holds_no_worker() -> None:
    """500 runs that wait twice for a second would take 500 s on two workers that they held."""
    program = python("invokeurl('https://a.test')\ninvokeurl('https://a.test')\nreturn 1")

    async def one(sandbox: Sandbox) -> None:
        state = await sandbox.begin(program, {}, surroundings=AROUND, limits=Limits())
        while isinstance(state, Waiting):
            await asyncio.sleep(1)
            state = await sandbox.resume(program, state, answered(), surroundings=AROUND, limits=Limits())
        assert isinstance(state, Finished), state

    async with opened(workers=2) as sandbox:
        async with asyncio.timeout(100):
            await asyncio.gather(*(one(sandbox) for _ in range(500)))


@pytest.mark.parametrize(
    "spoilt", [b"", b"no image", zlib.compress(b"no image"), zlib.compress(b"MONTY\0\xff" + b"x" * 99)]
)
async def test_what_cannot_be_thawed_is_said_and_harms_nobody(sandbox: Sandbox, spoilt: bytes) -> None:
    program = python("invokeurl('https://a.test')\nreturn 1")
    waiting = await sandbox.begin(program, {}, surroundings=AROUND, limits=Limits())
    assert isinstance(waiting, Waiting)
    frozen = replace(waiting, snapshot=spoilt)
    ended = await sandbox.resume(program, frozen, answered(), surroundings=AROUND, limits=Limits())
    assert isinstance(ended, Failed)
    assert ended.fault.code == "frozen_otherwise"
    assert (await run(sandbox, python("return 1"))).value == 1
