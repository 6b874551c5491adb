"""Which calls may be made once more when nobody knows whether they arrived."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.broker.runs.fate import is_repeatable, with_key
from isthmus.functions.host import HostCall
from isthmus.records import Repeat

KEYED = Repeat(key_header="X-Once")
SAID = Repeat(methods=("PUT", "DELETE"))


def call(method: str | None = None, **arguments: Any) -> HostCall:
    return HostCall("invokeurl", {"url": "/x", "type": method, **arguments})


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "post", "MKCOL"])
@pytest.mark.parametrize("repeat", [None, Repeat(), KEYED])
def test_what_may_do_something_twice_is_not_repeated(method: str, repeat: Repeat | None) -> None:
    assert not is_repeatable(call(method), repeat)


@pytest.mark.parametrize("headers", [None, {}, {"X-Other": "1"}, {"X-Once": "1"}])
def test_a_header_that_the_service_does_not_know_makes_nothing_safe(headers: Any) -> None:
    assert not is_repeatable(call("POST", headers=headers), SAID)


@pytest.mark.parametrize("name", ["sendmail", "call"])
def test_a_mail_is_not_sent_again(name: Any) -> None:
    assert not is_repeatable(HostCall(name, {"to": ["ann@example.com"], "headers": {"Idempotency-Key": "1"}}), SAID)


@pytest.mark.parametrize("asked", [call("GET"), call("head"), call("OPTIONS"), call(), HostCall("sleep", {})])
def test_what_changes_nothing_is_repeated(asked: HostCall) -> None:
    assert is_repeatable(asked, None)


def test_what_the_service_calls_repeatable_is_repeated() -> None:
    assert is_repeatable(call("PUT"), SAID)
    assert is_repeatable(call("DELETE"), SAID)
    assert not is_repeatable(call("PATCH"), SAID)


def test_what_carries_a_key_is_repeated() -> None:
    assert is_repeatable(call("POST", headers={"idempotency-KEY": "7"}), None)
    assert is_repeatable(call("POST", headers={"x-once": "7"}), KEYED)


def test_a_key_is_added_where_the_service_takes_one_and_the_function_gave_none() -> None:
    keyed = with_key(call("POST", headers={"A": "1"}), KEYED, "run-1")
    assert keyed.arguments["headers"] == {"A": "1", "X-Once": "run-1"}
    assert is_repeatable(keyed, KEYED)
    given = call("PATCH", headers={"x-once": "mine"})
    for unchanged in (given, call("GET"), call("PUT"), HostCall("sendmail", {})):
        assert with_key(unchanged, KEYED, "run-1") is unchanged
    assert with_key(call("POST"), SAID, "run-1").arguments.get("headers") is None
    assert with_key(call("POST"), None, "run-1").arguments.get("headers") is None
