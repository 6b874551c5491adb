from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.functions.workshop import code_of

from isthmus.broker.functions.arguments import READERS, bind, by_position, coerce, read_arguments
from isthmus.errors import InputError
from isthmus.functions.host import Argument, File

EMAIL = Argument("email", "string")
COUNT = Argument("count", "int", 3, required=False)


@pytest.mark.parametrize(
    ("declared", "field"),
    [
        ({}, "arguments"),
        ([{"name": f"a{n}"} for n in range(101)], "arguments"),
        (["email"], "arguments[0]"),
        ([{"name": "email"}, {"name": "email"}], "arguments[1].name"),
        ([{"name": "e-mail"}], "arguments[0].name"),
        ([{"name": "1"}], "arguments[0].name"),
        ([{"name": ""}], "arguments[0].name"),
        ([{}], "arguments[0].name"),
        ([{"name": "a", "type": "txt"}], "arguments[0].type"),
        ([{"name": "a", "type": 7}], "arguments[0].type"),
        ([{"name": "a", "kind": "int"}], "arguments[0].kind"),
        ([{"name": "a", "type": "int", "default": "x"}], "arguments[0].default"),
        ([{"name": "a", "required": True, "default": 1}], "arguments[0].required"),
        ([{"name": "a", "required": "no"}], "arguments[0].required"),
    ],
)
def test_a_malformed_declaration_names_its_place(declared: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        read_arguments(declared)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({}, "argument_missing", "arguments.email"),
        ({"mail": "x", "email": "y"}, "argument_unknown", "arguments.mail"),
        ({"email": "x", "count": "many"}, "argument_type", "arguments.count"),
        ({"email": "x", "count": True}, "argument_type", "arguments.count"),
        ({"email": "x", "count": 1.5}, "argument_type", "arguments.count"),
    ],
)
def test_what_does_not_fit_names_the_argument(values: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InputError) as caught:
        bind((EMAIL, COUNT), values)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.hint


def test_an_unknown_argument_gets_the_name_it_is_like() -> None:
    with pytest.raises(InputError) as caught:
        bind((EMAIL, COUNT), {"emial": "x"})
    assert caught.value.hint == "Did you mean email? It has: email, count."


@pytest.mark.parametrize("kind", ["int", "decimal", "bool", "date", "datetime", "time", "map", "list", "file"])
def test_an_error_never_repeats_the_value(kind: str) -> None:
    with pytest.raises(InputError) as caught:
        coerce("zz-personal-zz", Argument("a", kind))
    assert "personal" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("given_value", "value"),
    [
        ("2030-01-31", date(2030, 1, 31)),
        ("20300131", date(2030, 1, 31)),
        ("31-Jan-2030", date(2030, 1, 31)),
        ("31-Jan-2030 9:05", datetime(2030, 1, 31, 9, 5)),
        ("2030-01-31T23:00:00Z", datetime(2030, 1, 31, 23, tzinfo=UTC)),
        ("2030-01-31 12:00", datetime(2030, 1, 31, 12)),
        (datetime(2030, 1, 31, 12, tzinfo=UTC), datetime(2030, 1, 31, 12, tzinfo=UTC)),
        (date(2030, 1, 31), date(2030, 1, 31)),
    ],
)
def test_a_date_in_deluge_keeps_its_time_of_day(given_value: Any, value: Any) -> None:
    found = bind((Argument("due", "date"),), {"due": given_value}, language="deluge")["due"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("wrong", ["soon", "31-Foo-2030", "2030-13-01", "2030-01-31T25:00", 5, ["2030-01-31"], ""])
def test_what_is_no_date_is_refused_in_deluge_too(wrong: Any) -> None:
    with pytest.raises(InputError) as caught:
        bind((Argument("due", "date"),), {"due": wrong}, language="deluge")
    assert caught.value.code == "argument_type"


def test_defaults_stand_in_and_the_order_is_that_of_the_declaration() -> None:
    assert list(bind((EMAIL, COUNT), {"email": "x"}).items()) == [("email", "x"), ("count", 3)]
    assert list(bind((EMAIL, COUNT), {"count": "4", "email": None}).items()) == [("email", None), ("count", 4)]


def test_more_values_than_arguments_are_refused() -> None:
    assert by_position((EMAIL, COUNT), ["x"]) == {"email": "x"}
    with pytest.raises(InputError) as caught:
        by_position((EMAIL,), [1, 2])
    assert caught.value.code == "argument_count"


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        ("string", 5, "5"),
        ("string", True, "true"),
        ("TEXT", Decimal("1.50"), "1.5"),
        ("string", {"a": 1}, '{"a":1}'),
        ("int", " 42 ", 42),
        ("bigint", 2**70, 2**70),
        ("long", 3.0, 3),
        ("decimal", "1.10", Decimal("1.10")),
        ("decimal", 0.1, Decimal("0.1")),
        ("float", "1.5", 1.5),
        ("bool", "TRUE", True),
        ("date", "2030-01-31", date(2030, 1, 31)),
        ("date", "31-Jan-2030", date(2030, 1, 31)),
        ("date", "2030-01-31T23:00:00Z", date(2030, 1, 31)),
        ("datetime", "2030-01-31T12:00:00Z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("datetime", "2030-01-31 12:00", datetime(2030, 1, 31, 12)),
        ("datetime", date(2030, 1, 31), datetime(2030, 1, 31)),
        ("timestamp", "31-Jan-2030 9:05:07", datetime(2030, 1, 31, 9, 5, 7)),
        ("time", "12:30", time(12, 30)),
        ("map", '{"a": 1.10}', {"a": Decimal("1.10")}),
        ("list", "[1]", [1]),
        ("collection", [1], [1]),
        ("collection", {"a": 1}, {"a": 1}),
        ("file", {"name": "a", "content_base64": "Yg=="}, File("a", b"b")),
        ("any", {"a": 1}, {"a": 1}),
        ("", "x", "x"),
    ],
)
def test_a_value_is_brought_to_its_type(kind: str, given_value: Any, value: Any) -> None:
    found = coerce(given_value, Argument("a", kind))
    assert found == value
    assert type(found) is type(value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(READERS)), ANYTHING)
def test_any_value_is_taken_or_refused(kind: str, value: Any) -> None:
    assert code_of(lambda: coerce(value, Argument("a", kind))) in (None, "argument_type")
