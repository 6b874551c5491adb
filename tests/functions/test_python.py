"""Python functions: what is refused before it runs, what their calls ask for, and the examples of the page."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.functions.running import Run, answered, opened, python, run

from isthmus.errors import FunctionError
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Argument, File, Limits, Reply
from isthmus.functions.python import ENDING, compile_python
from isthmus.functions.sandbox import Sandbox

pytestmark = pytest.mark.anyio
PAGE = (Path(__file__).parents[2] / "docs" / "functions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    async with opened(workers=1) as made:
        yield made


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("x = 1\ndef mian(): pass", "no_main", 1),
        ("x = 1\nasync def main(): pass", "no_main", 2),
        ("x = 1\nmain = 5", "no_main", 1),
        ("\ndef main(*names): pass", "no_main", 2),
        ("\ndef main(**names): pass", "no_main", 2),
        ("\ndef main(a, /): pass", "no_main", 2),
        ("def main():\n    return (1", "syntax", 2),
        ("def main():\n\treturn 1\n        return 2", "syntax", 3),
        ("def main():\n    return '\0'", "syntax", 1),
        ("x" * (1 << 20) + "x", "limit_source", 1),
        ("def main():\n    return '\\ud800'", "half_character", 2),
    ],
)
def test_what_is_no_function_is_refused_with_its_line(source: str, code: str, line: int) -> None:
    with pytest.raises(FunctionError) as caught:
        compile_python(source)
    assert (caught.value.code, caught.value.line) == (code, line)
    assert caught.value.message


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("return connection('crm').gett('/x')", 2, "gett"),
        ("return connection('crm').get()", 2, "url"),
        ("return connection('crm').get('/x', jsn={})", 2, "jsn"),
        ("return connection('crm').get('/x').stats", 2, "stats"),
        ("x = 1\nreturn x + 'a'", 3, "+"),
        ("return undefined_name", 2, "undefined_name"),
        ("return invokeurl(5)", 2, "str"),
        ("sendmail(to='a@b.test', subject='s')", 2, "message"),
    ],
)
async def test_types_are_checked_before_anything_runs(sandbox: Sandbox, body: str, line: int, said: str) -> None:
    (fault,) = await sandbox.check(python(body))
    assert (fault.code, fault.line) == ("type", line)
    assert said in fault.message
    assert "^" in fault.excerpt


async def test_the_check_runs_nothing_and_ends(sandbox: Sandbox) -> None:
    assert await sandbox.check(python("while True: pass")) == ()
    assert await sandbox.check(python("return 1 // 0")) == ()


def test_arguments_and_what_is_named_are_read_from_the_source() -> None:
    program = compile_python(
        "def main(name: str, count: int = 2, *, tags: list[str] = [], more=None) -> dict[str, int]:\n"
        "    connection('crm').get('/x')\n    invokeurl('/y', connection='desk')\n    call('standalone.other', 1)\n"
        "    return connection(name)\n"
    )
    assert program.arguments == (
        Argument("name", "string"),
        Argument("count", "int", 2, required=False),
        Argument("tags", "list", [], required=False),
        Argument("more", "", None, required=False),
    )
    assert program.return_type == "map"
    assert sorted(program.connections) == ["crm", "desk"]
    assert program.calls == ("standalone.other",)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("float", "float"),
        ("Decimal", "decimal"),
        ("date", "date"),
        ("datetime.datetime", "datetime"),
        ("time", "time"),
        ("File", "file"),
        ("list[int]", "list"),
        ("int | None", "int"),
        ("None | datetime.date", "date"),
        ("Optional[int]", "int"),
        ("typing.Optional[dict[str, int]]", "map"),
        ("int | str", ""),
        ("Any", ""),
    ],
)
def test_an_annotation_is_the_type_of_its_argument(annotation: str, kind: str) -> None:
    (argument,) = compile_python(f"def main(x: {annotation}):\n    return x\n").arguments
    assert argument.type == kind


async def test_arguments_reach_main_by_name(sandbox: Sandbox) -> None:
    program = compile_python("def main(a: int, b: str = 'x', *, c: float = 1.5): return [a, b, c]")
    assert (await run(sandbox, program, {"a": 5, "c": Decimal("2.5")})).value == [5, "x", Decimal("2.5")]
    missing = await run(sandbox, program, {})
    assert "a" in missing.fault.message
    assert missing.fault.code == "run_failed"


async def one_call(sandbox: Sandbox, code: str, **reply: Any) -> tuple[dict[str, Any], Run]:
    ended = await run(sandbox, python(code), replies=[answered(**reply)])
    (call,) = ended.calls
    return dict(call.arguments), ended


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
async def test_a_connection_has_every_method(sandbox: Sandbox, method: str) -> None:
    asked, ended = await one_call(sandbox, f"return connection('slack').{method}('/x').json()", body=b'{"ok": [1]}')
    assert (asked["type"], asked["url"], asked["connection"]) == (method.upper(), "/x", "slack")
    assert ended.value == {"ok": [1]}


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        ("parameters={'a': 'x y', 'b': 1}", "url", "/x?a=x%20y&b=1"),
        ("headers={'X-A': 'b'}", "headers", {"X-A": "b"}),
        ("json={'a': [1, None]}", "body", '{"a": [1, null]}'),
        ("json={}", "content_type", "application/json"),
        ("form={'a': 'b'}", "parameters", {"a": "b"}),
        ("body='text'", "body", "text"),
        ("body=b'bytes'", "body", File("body", b"bytes")),
        ("files=File('a.txt', b'x')", "files", [File("a.txt", b"x")]),
        (
            "files=[File('a.txt', 'ä', 'text/plain', param_name='f')]",
            "files",
            [File("a.txt", "ä".encode(), "text/plain", "", "f")],
        ),
        ("timeout=5", "timeout_seconds", 5.0),
    ],
)
async def test_a_call_carries_what_it_is_given(sandbox: Sandbox, options: str, key: str, value: Any) -> None:
    asked, _ = await one_call(sandbox, f"connection('c').post('/x', {options})")
    assert asked[key] == value
    asked, _ = await one_call(sandbox, f"invokeurl('/x', 'POST', connection='c', {options})")
    assert asked[key] == value


async def test_an_answer_is_taken_apart(sandbox: Sandbox) -> None:
    code = "r = invokeurl('https://a.test')\nreturn [r.status, r.ok, r.text, r.content, r.headers['Content-Type']]"
    _, ended = await one_call(sandbox, code, body="größe".encode(), status=404, kind="text/plain")
    assert ended.value == [404, False, "größe", "größe".encode(), "text/plain"]
    _, ended = await one_call(sandbox, "invokeurl('https://a.test').raise_for_status()", status=500)
    assert "HTTP 500" in ended.fault.message
    _, ended = await one_call(sandbox, "invokeurl('https://a.test').json()", body=b"<html>")
    assert ended.fault.code == "run_failed"


async def test_a_call_that_failed_can_be_caught(sandbox: Sandbox) -> None:
    body = "try:\n    connection('c').get('/x')\nexcept Exception as e:\n    return str(e)"
    ended = await run(sandbox, python(body), replies=[Reply(fault="No answer came.", fault_code="unreachable")])
    assert ended.value == "No answer came."
    ended = await run(
        sandbox, python("x = 1\nconnection('c').get('/x')"), replies=[Reply(fault="No.", fault_code="no")]
    )
    assert (ended.fault.code, ended.fault.line) == ("no", 3)


async def test_mail_and_other_functions(sandbox: Sandbox) -> None:
    body = "sendmail(to='a@b.test', subject='s', message='m', cc=['c@d.test'])\nreturn call('standalone.x', 1, [2])"
    ended = await run(sandbox, python(body), replies=[Reply(), Reply({"sum": 3})])
    mail, call = ended.calls
    assert (mail.name, mail.arguments["to"], mail.arguments["cc"]) == ("sendmail", ["a@b.test"], ["c@d.test"])
    assert (call.name, call.arguments) == ("call", {"name": "standalone.x", "arguments": [1, [2]]})
    assert ended.value == {"sum": 3}


async def test_what_info_and_print_say_are_lines(sandbox: Sandbox) -> None:
    ended = await run(sandbox, python("info('a', 1)\nprint('b', 2, sep='-')\ninfo({'c': None})"))
    assert ended.info == ["a 1", "b-2", "{'c': None}"]


async def test_a_fault_names_the_line_of_the_function(sandbox: Sandbox) -> None:
    source = "def helper(x):\n    return 1 / x\n\ndef main():\n    return helper(0)\n"
    fault = (await run(sandbox, compile_python(source))).fault
    assert (fault.line, fault.message) == (2, "ZeroDivisionError: division by zero")
    assert fault.excerpt.startswith("    return 1 / x\n")


async def test_the_examples_of_the_page_do_what_it_says(sandbox: Sandbox) -> None:
    deluge, python_source = re.findall(r"```(?:python)?\n(.*?)```", PAGE, re.S)[:2]
    program = compile_python(python_source)
    assert await sandbox.check(program) == ()
    ended = await run(sandbox, program, {"email": "a@b.test"}, replies=[answered(b'[{"name": "Ann"}]')])
    assert (ended.value, ended.info) == (1, ["Ann"])
    ended = await run(sandbox, compile_deluge(deluge), replies=[answered(b'{"data": [{"name": "Ann"}]}')])
    assert (ended.value, ended.info) == (1, ["Ann"])


TIRELESS = [
    ("def main():\n    x = 1\n    while True:\n        pass\n", 3),
    ("def main():\n    s = 'ä'\n    while s: s = 'ö'  # é\n", 3),
    (
        "def f():\n    for i in range(9):\n        for j in range(10**9):\n            k = (i +\n   j)\ndef main():\n    f()\n",
        3,
    ),
    (
        "def main():\n    x = 1\n    while x:\n        if x > 1:\n            x = 2\n        else:\n            x = 3\n",
        3,
    ),
    ("def main():\n    for i in range(3):\n        x = i\n    while x:\n        x = 2; y = 3\n    return x\n", 4),
    ("\ndef main():\n    return sum(range(10**12))\n", 2),
]


@pytest.mark.parametrize(("source", "line"), TIRELESS)
async def test_the_limit_of_time_is_at_the_loop_that_was_entered_last(sandbox: Sandbox, source: str, line: int) -> None:
    fault = (await run(sandbox, python(source), limits=Limits(active_seconds=0.3))).fault
    assert (fault.code, fault.line) == ("limit_active", line)


@pytest.mark.parametrize(
    "source",
    [
        "def main():\n    for i in []: pass; x = 1\n",
        'def main():\n    while 0:\n        x = """a\n  b"""  # é\n        y = 1\n',
        "def main():\n    while 0:\n        x = 1 \\\n            + 2\n",
        "def main():\n    for i in []:\n        def inner():\n            return 1\n    else:\n        z = 1\n",
        "for i in []:\n    x = 1\ndef main():\n    return 1\n",
    ],
)
def test_marks_move_no_line_and_change_no_meaning(source: str) -> None:
    compiled = compile_python(source).compiled
    assert len(compiled.removesuffix(ENDING).split("\n")) == len(source.split("\n"))
    unmarked = re.sub(r"; __at__\[0\] = \d+", "", compiled).removesuffix(ENDING)
    assert unmarked == source
    ast.parse(compiled)
