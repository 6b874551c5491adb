from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.broker.functions.values import pack, read_json, to_json, unpack, write_json
from isthmus.functions.host import File

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False) | st.datetimes(timezones=st.just(UTC)) | st.dates() | st.times()
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("$"), inner), max_leaves=20
)


@given(VALUES)
def test_what_is_packed_comes_back_as_it_was(value: Any) -> None:
    assert unpack(pack(value)) == value


def test_a_file_and_a_map_that_looks_like_a_tag_come_back() -> None:
    value = {"$": "decimal", "of": [File("a.txt", b"\x00\xff", "text/plain", "utf-8", "upload")]}
    assert unpack(pack(value)) == value


def test_what_is_no_value_is_not_packed() -> None:
    with pytest.raises(TypeError):
        pack(object())


@given(VALUES)
def test_any_value_has_a_json_text(value: Any) -> None:
    json.loads(write_json(value).encode())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.10"), "1.1"),
        (Decimal("0.1234567890123456789012345"), "0.1234567890123456789012345"),
        (Decimal("5.00"), "5"),
        (2**80, str(2**80)),
        ({"a": [Decimal("NaN"), float("inf")]}, '{"a":[null,null]}'),
        ([], "[]"),
        ({}, "{}"),
        ({"ü": "\ud800x"}, '{"ü":"?x"}'),
        (datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), '"2030-01-02T03:04:05+00:00"'),
        ([date(2030, 1, 2), time(3, 4)], '["2030-01-02","03:04:00"]'),
        (b"\x00", '{"content_base64":"AA=="}'),
        (File("a", b"b", "c/d"), '{"name":"a","content_type":"c/d","content_base64":"Yg=="}'),
    ],
)
def test_numbers_keep_their_digits_and_dates_are_iso(value: Any, text: str) -> None:
    assert write_json(value) == text


def test_a_long_number_is_read_with_all_its_digits() -> None:
    assert read_json("0.1234567890123456789012345") == Decimal("0.1234567890123456789012345")
    assert to_json(read_json("[1.5]")) == [1.5]
