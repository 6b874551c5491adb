"""Both languages through the one door that functions use: what is checked, what is compiled."""

from __future__ import annotations

from typing import Any

import pytest
from tests.broker.functions.workshop import Workshop
from tests.world import ADMIN

from isthmus.errors import FunctionError, InputError

pytestmark = pytest.mark.anyio

HEADED = "string standalone.hello(string name, int times)\n{\n\tinfo name;\n\treturn name.repeat(times);\n}\n"
FREE = "info email;\nreturn email.toUpperCase();\n"


async def test_deluge_that_does_not_pass_is_not_published(shop: Workshop) -> None:
    made = await shop.draft("x = 1;\nreturn nme;\n", language="deluge")
    (problem,) = made["problems"]
    assert (problem["code"], problem["line"], problem["column"], problem["end_column"]) == (
        "undefined_variable",
        2,
        8,
        11,
    )
    with pytest.raises(FunctionError) as caught:
        await shop.functions.edit.publish(ADMIN, made["name"])
    assert (caught.value.line, caught.value.column, caught.value.field) == (2, 8, "code")


@pytest.mark.parametrize(
    ("code", "field_or_code"),
    [
        ('r = invokeurl [ url : "/me" connection : "crmm" ];', "unknown_connection"),
        ('return standalone.nowhere("a");', "unknown_called_function"),
        ("while (true) { x = 1; }", None),
        ("x = ;", None),
    ],
)
async def test_what_a_deluge_code_names_has_to_be_there(shop: Workshop, code: str, field_or_code: str | None) -> None:
    made = await shop.draft(code, language="deluge")
    codes = [one["code"] for one in made["problems"] if one["severity"] == "error"]
    assert codes
    assert field_or_code is None or field_or_code in codes


async def test_a_declaration_that_differs_from_the_header_is_refused(shop: Workshop) -> None:
    with pytest.raises(InputError) as caught:
        await shop.draft(HEADED, language="deluge", arguments=[{"name": "nom"}])
    assert (caught.value.field, caught.value.code) == ("arguments", "arguments_differ")


async def test_a_deluge_function_takes_what_its_header_says(shop: Workshop) -> None:
    made = await shop.live(HEADED, language="deluge")
    assert [(one["name"], one["type"]) for one in made["arguments"]] == [("name", "string"), ("times", "int")]
    assert made["return_type"] == "string"
    done = await shop.run(arguments={"name": "ab", "times": "2"})
    assert (done["value"], done["info"], done["error"]) == ("abab", ["ab"], None)


async def test_a_script_without_a_header_takes_what_is_declared(shop: Workshop) -> None:
    refused = await shop.draft(FREE, "standalone.undeclared", language="deluge")
    assert [one["code"] for one in refused["problems"]] == ["undefined_variable", "undefined_variable"]
    made = await shop.live(FREE, language="deluge", arguments=[{"name": "email", "type": "string", "default": "x"}])
    assert made["state"] == "published"
    assert await shop.value(email="ann@example.com") == "ANN@EXAMPLE.COM"
    assert await shop.value() == "X"


async def test_a_failure_names_the_deluge_line(shop: Workshop) -> None:
    await shop.live("int standalone.hello(int n)\n{\n\tinfo n;\n\treturn 1 / n;\n}\n", language="deluge")
    done = await shop.run(arguments={"n": 0})
    assert (done["state"], done["error"]["line"], done["info"]) == ("failed", 4, ["0"])


async def test_the_languages_call_each_other(shop: Workshop) -> None:
    await shop.live(
        'def main(name: str, n: int = 2):\n    info("inner")\n    return {"said": name * n}\n', "standalone.inner"
    )
    code = "map standalone.hello(string name)\n{\n\treturn standalone.inner(name);\n}\n"
    await shop.live(code, language="deluge")
    outer: Any = 'def main():\n    return call("standalone.hello", "ab")["said"]\n'
    await shop.live(outer, "standalone.outer")
    done = await shop.run("standalone.outer")
    assert (done["value"], done["info"]) == ("abab", ["inner"])


async def test_a_header_that_names_another_function_is_told(shop: Workshop) -> None:
    made = await shop.draft(HEADED, "standalone.copy", language="deluge")
    assert [(one["severity"], one["code"], one["line"]) for one in made["problems"]] == [("warning", "header_name", 1)]
    assert "standalone.hello" in made["problems"][0]["message"]
    for name, code in (("standalone.hello", HEADED), ("button.hello", HEADED.replace("standalone.hello", "hello"))):
        assert (await shop.draft(code, name, language="deluge"))["problems"] == []
    checked = await shop.functions.edit.check(ADMIN, {"language": "deluge", "code": HEADED})
    assert checked["problems"] == []
