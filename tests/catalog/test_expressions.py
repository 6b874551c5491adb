"""The language of slots: what is refused, then what each function gives."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.expressions import Malformed, Moment, fill, is_dynamic, names

NOW = Moment(1_700_000_000.5, "noise")


@pytest.mark.parametrize(
    "text",
    [
        "${",
        "${}",
        "${a",
        "${A}",
        "${a b}",
        "${'text'}",
        "${upper(a)}",
        "${base64()}",
        "${base64(a}",
        "${base64(a b)}",
        "${base64(a,)}",
        "${hmac(a)}",
        "${random(0)}",
        "${random(65)}",
        "${random(a)}",
        "${now('fortnights')}",
        "${now(a)}",
        "${now('seconds', 'soon')}",
        "${base64(base64(base64(base64(base64(base64(a))))))}",
        "${a;b}",
    ],
)
def test_what_is_not_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        names(text)


def test_a_slot_without_a_value_is_an_error_or_stays() -> None:
    with pytest.raises(InputError) as caught:
        fill("x${a}", {})
    assert caught.value.code == "slot_unfilled"
    assert fill("x${a}y${b}", {"b": "1"}, partial=True) == "x${a}y1"
    assert fill("${base64(a, b)}", {"b": "1"}, partial=True) == "${base64(a, b)}"
    assert fill("${now()}", {}, partial=True) == "${now()}"
    with pytest.raises(InputError):
        fill("${random()}", {})


@pytest.mark.parametrize("value", ["plain", "{}", '{"email": 1}', '{"email": {"x": "y"}}', "[1]", "[" * 100_000])
def test_a_field_of_what_is_no_such_json_is_an_error(value: str) -> None:
    with pytest.raises(InputError):
        fill("${file.email}", {"file": value})


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("no slot, $ and {}", "no slot, $ and {}"),
        ("a ${user} b ${user}", "a ada b ada"),
        ("${file.deep.email}", "ada@example.com"),
        ("${base64(user, ':', key)}", base64.b64encode(b"ada:k").decode()),
        ("${base64('}')}", base64.b64encode(b"}").decode()),
        ("${sha256(user)}", hashlib.sha256(b"ada").hexdigest()),
        ("${hmac(key, user, '/x')}", hmac.digest(b"k", b"ada/x", "sha256").hex()),
        ("${base64(hmac(key, user))}", base64.b64encode(hmac.digest(b"k", b"ada", "sha256")).decode()),
        ("${hmac(sha256(key), user)}", hmac.digest(hashlib.sha256(b"k").digest(), b"ada", "sha256").hex()),
        ("${now()}", "1700000000"),
        ("${now('milliseconds')}", "1700000000500"),
        ("${now('seconds', -60)}", "1699999940"),
        ("${now('iso8601')}", "2023-11-14T22:13:20Z"),
        ("${now('http_date')}", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ],
)
def test_what_fills_a_slot(text: str, filled: str) -> None:
    values = {"user": "ada", "key": "k", "file": '{"deep": {"email": "ada@example.com"}}'}
    assert fill(text, values, moment=NOW) == filled


def test_random_is_as_long_as_asked_one_per_message_and_another_in_the_next() -> None:
    first = fill("${random(8)}", {}, moment=NOW)
    assert len(first) == 16
    assert fill("${random(8)}", {}, moment=NOW) == first
    assert fill("${random(8)}", {}, moment=Moment(NOW.timestamp, "other noise")) != first


def test_what_changes_with_every_message_is_known() -> None:
    assert is_dynamic("x ${hmac(key, now())}")
    assert is_dynamic("${random()}")
    assert not is_dynamic("${hmac(key, 'now')} now")


def test_names_are_those_used_in_order() -> None:
    assert names("${a}/${b_2}${a} $c ${hmac(k, 'x', c.d)}") == ["a", "b_2", "a", "k", "c"]


@given(st.text(max_size=60))
def test_any_text_is_filled_or_refused(text: str) -> None:
    try:
        fill(text, {"a": "1"}, moment=NOW)
    except (Malformed, InputError):
        return


@given(st.text(max_size=60))
def test_a_value_is_never_read_as_a_slot(value: str) -> None:
    assert fill("<${a}>", {"a": value, "secret": "s"}) == f"<{value}>"
