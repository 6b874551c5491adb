from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from isthmus.authserver import attempts
from isthmus.authserver.attempts import ATTACK_FAILURES, FREE_ATTEMPTS, LONGEST_WAIT, Attempts
from isthmus.errors import RateLimited

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWNER, STRANGER = "192.0.2.1", "198.51.100.9"


def wait_of(counted: Attempts, account: str, address: str, now: datetime) -> timedelta:
    """How long an attempt has to wait; zero if it is let through (and counted)."""
    try:
        counted.begin(account, address, now)
    except RateLimited as refused:
        return refused.retry_at - now
    return timedelta(0)


def test_waits_grow_with_every_failure_up_to_a_quarter_of_an_hour() -> None:
    counted, now, waits = Attempts(), NOW, []
    for _ in range(FREE_ATTEMPTS):
        counted.begin("ann@example.com", STRANGER, now)
    for _ in range(14):
        wait = wait_of(counted, "ann@example.com", STRANGER, now)
        assert wait > timedelta(0)
        waits.append(wait)
        now += wait
        assert wait_of(counted, "ann@example.com", STRANGER, now) == timedelta(0)
    assert waits[:4] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert waits[-1] == LONGEST_WAIT


@pytest.mark.parametrize("variant", ["ANN@example.com", " ann@example.com ", "ａｎｎ@example.com", "Ann@Example.COM"])
def test_another_spelling_of_the_address_is_the_same_account(variant: str) -> None:
    counted = Attempts()
    for _ in range(FREE_ATTEMPTS):
        counted.begin("ann@example.com", STRANGER, NOW)
    with pytest.raises(RateLimited):
        counted.begin(variant, STRANGER, NOW)


def test_a_stranger_never_locks_the_owner_out_from_another_address() -> None:
    counted = Attempts()
    for number in range(1000):
        wait_of(counted, "ann@example.com", f"198.51.{number // 250}.{number % 250}", NOW)
        wait_of(counted, "ann@example.com", STRANGER, NOW)
    assert wait_of(counted, "ann@example.com", OWNER, NOW) == timedelta(0)


def test_under_attack_each_address_has_one_free_attempt() -> None:
    counted = Attempts()
    for number in range(ATTACK_FAILURES):
        counted.begin("ann@example.com", f"198.51.100.{number}", NOW)
    counted.begin("ann@example.com", OWNER, NOW)
    with pytest.raises(RateLimited):
        counted.begin("ann@example.com", OWNER, NOW)


def test_one_address_cannot_guess_at_many_accounts() -> None:
    counted = Attempts()
    refused = sum(wait_of(counted, f"u{number}@example.com", STRANGER, NOW) > timedelta(0) for number in range(200))
    assert refused == 200 - attempts.ADDRESS_ATTEMPTS


def test_a_subscriber_s_ipv6_addresses_count_as_one() -> None:
    counted = Attempts()
    for number in range(FREE_ATTEMPTS):
        counted.begin("ann@example.com", f"2001:db8:0:1::{number:x}", NOW)
    with pytest.raises(RateLimited):
        counted.begin("ann@example.com", "2001:db8:0:1:ffff::1", NOW)
    counted.begin("ann@example.com", "2001:db8:0:2::1", NOW)


def test_a_right_password_clears_the_account_at_its_address() -> None:
    counted = Attempts()
    for _ in range(FREE_ATTEMPTS):
        counted.begin("ann@example.com", OWNER, NOW)
    counted.succeeded("ann@example.com", OWNER)
    counted.begin("ann@example.com", OWNER, NOW)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_ENTRIES", 50)
    counted = Attempts()
    for number in range(500):
        wait_of(counted, f"u{number}@example.com", f"198.51.{number // 250}.{number % 250}", NOW)
    assert len(counted._pairs) <= 50
    assert len(counted._accounts) <= 50
